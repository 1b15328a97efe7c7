import type { Io } from "../control/exec.ts";
import { exitCodes } from "./exit-codes.ts";
import { type Findings, runLint } from "./lint.ts";
import { parseCommand } from "./parse.ts";
import { helpOn } from "./run-command.ts";
import { plain } from "./words.ts";

/** What the verbs without a supervisor are given. */
export interface Offline {
  /** Checks a scan directory; rejects with one sentence where it cannot be read. */
  readonly lint: (dir: string) => Promise<Findings>;
  /** Where `lint` looks if no directory is named. */
  readonly defaultDir: string;
  readonly version: string;
  readonly node: string;
  readonly color: boolean;
}

/** Runs `lint`, `help`, `version` and `VERB -h` in a process of their own. Anything else needs a supervisor: 7. */
export async function runOffline(
  argv: readonly string[],
  io: Pick<Io, "out" | "err">,
  { lint, defaultDir, version, node, color }: Offline,
): Promise<number> {
  const command = parseCommand(argv);
  if ("misuse" in command) {
    io.err(`upkeep: ${plain(command.misuse)}\n`);
    return exitCodes.usage;
  }
  const { verb, words } = command;
  const isJson = command.output === "json";
  if (command.help) return helpOn(verb.name, io);
  if (verb.name === "help") return helpOn(words[0], io);
  if (verb.name === "version") {
    io.out(isJson ? `${JSON.stringify({ version, node })}\n` : `upkeep ${version}\n`);
    return exitCodes.ok;
  }
  if (verb.name !== "lint") {
    io.err(`upkeep: ${verb.name} needs a running supervisor\n`);
    return exitCodes.unreachable;
  }
  const dir = words[0] ?? defaultDir;
  try {
    return runLint(dir, await lint(dir), isJson, color, io);
  } catch (error) {
    io.err(`upkeep: ${plain(error instanceof Error ? error.message : String(error))}\n`);
    return exitCodes.failed;
  }
}
