/** What the command `upkeep VERB` leaves with; the whole list. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  timedOut: 2,
  notRunning: 3,
  unknown: 4,
  notPermitted: 5,
  unreachable: 7,
  usage: 64,
} as const;

export type ExitName = keyof typeof exitCodes;

/** What `timedOut` means, by the option that it comes with. */
export const lateMeanings = {
  wait: "not there within the time",
  "dry-run": "with --dry-run: changes are pending",
} as const;

/** What each means, for help and docs. */
export const exitMeanings: Readonly<Record<ExitName, string>> = {
  ok: "all was done, or is as asked",
  failed: "a service failed, an answer is no, or the command was cut short",
  timedOut: Object.values(lateMeanings).join("; "),
  notRunning: "the service has no process that it could be done to",
  unknown: "no such service",
  notPermitted: "the control socket does not let this user in",
  unreachable: "no supervisor answers",
  usage: "the command line cannot be understood",
};

// Of several services' outcomes the first of these is told.
const worstFirst: readonly number[] = [exitCodes.failed, exitCodes.timedOut, exitCodes.notRunning, exitCodes.unknown];

/** The one code for several outcomes: failed before timed out before not running before ok. */
export function worst(codes: Iterable<number>): number {
  const seen = new Set(codes);
  return worstFirst.find((code) => seen.has(code)) ?? exitCodes.ok;
}
