// The two verbs that are about the supervisor itself.
import type { Context } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";

/** `version`, as the manager that runs knows it. */
export function version({ command, supervisor, io }: Context): number {
  const { about } = supervisor;
  io.out(command.output === "json" ? `${JSON.stringify(about)}\n` : `upkeep ${about.version}\n`);
  return exitCodes.ok;
}

/** `shutdown`: begun, not awaited; the supervisor takes the socket with it. */
export function shutdown({ command, supervisor, io }: Context): number {
  supervisor.shutdown(command.code, "upkeep shutdown");
  io.out("stopping everything\n");
  return exitCodes.ok;
}
