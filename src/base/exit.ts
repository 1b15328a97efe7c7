import { constants } from "node:os";
import { signalName } from "./signals.ts";

/** How a process ended: by its own exit code or by a signal's number. */
export type Exit = { readonly code: number } | { readonly signal: number };

/** The number a shell shows for it: the code, or 128 + the signal. */
export function shellCode(exit: Exit): number {
  return "code" in exit ? exit.code : 128 + exit.signal;
}

/** What a person reads of it: `exit 3`, `killed by SIGKILL`. */
export function exitText(exit: Exit): string {
  return "code" in exit ? `exit ${exit.code}` : `killed by ${signalName(exit.signal)}`;
}

/** The two arguments runsv gives to `finish`: exit code or -1, and the signal's number or 0 (runsv(8)). */
export function finishArguments(exit: Exit): [string, string] {
  return "code" in exit ? [String(exit.code), "0"] : ["-1", String(exit.signal)];
}

/**
 * The arguments s6-supervise gives to `finish`: exit code or 256, the signal's number or 0, the service's name, and the
 * process group of what has ended where that is known.
 */
export function s6FinishArguments(exit: Exit, name: string, pid: number | null): string[] {
  const words = "code" in exit ? [String(exit.code), "0", name] : ["256", String(exit.signal), name];
  return pid === null ? words : [...words, String(pid)];
}

/**
 * What a shell shows for a program that was never executed: 127 where it is not there, 126 where it cannot be; 111 for
 * anything else, and where no errno is known.
 */
export function executionCode(errno: number | undefined): number {
  if (errno === undefined) return 111;
  return errno === constants.errno.ENOENT || errno === constants.errno.ENOTDIR ? 127 : 126;
}
