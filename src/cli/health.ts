import type { Context } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import { plain } from "./words.ts";

/** `health`: one sentence and one code, as a container's HEALTHCHECK wants it. */
export function health({ command, names, supervisor, io }: Context): number {
  const verdict = supervisor.health(names);
  io.out(command.output === "json" ? `${JSON.stringify(verdict)}\n` : `${plain(verdict.text)}\n`);
  return verdict.healthy ? exitCodes.ok : exitCodes.failed;
}
