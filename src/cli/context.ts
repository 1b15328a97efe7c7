import type { Clock } from "../base/clock.ts";
import type { Client, Io } from "../control/exec.ts";
import type { Supervisor } from "../control/supervisor.ts";
import type { Command } from "./parse.ts";

/** What every command is given; `names` are the services it was meant for, existing when it began. */
export interface Context {
  readonly command: Command;
  readonly names: readonly string[];
  readonly client: Client;
  readonly supervisor: Supervisor;
  readonly io: Io;
  readonly clock: Clock;
}

/** One verb's work, to its exit code. */
export type Run = (context: Context) => Promise<number> | number;

/** Lets everybody else have a turn. */
export const breathe = (): Promise<void> => new Promise((next) => setImmediate(next));

/** Writes `values` as one JSON list, an element a line, waiting for a slow reader in between. */
export async function writeJsonList(io: Io, values: readonly unknown[]): Promise<void> {
  if (values.length === 0) io.out("[]\n");
  for (let from = 0; from < values.length; from += 100) {
    const piece = values.slice(from, from + 100).map((value) => JSON.stringify(value));
    const isLast = from + 100 >= values.length;
    io.out(`${from === 0 ? "[" : " "}${piece.join(",\n ")}${isLast ? "]" : ","}\n`);
    await io.drained();
    await breathe();
  }
}
