// What is said of supervise directories that are not offered: once for each, and of those for which descriptors are too few
// once for all.
import type { Clock, Ms } from "../base/clock.ts";
import type { Say } from "../log/voice.ts";
import type { Entry } from "./supervise-entry.ts";

/** What is not offered for want of descriptors is counted for this long. */
const COUNT_FOR: Ms = 1000;

const textOf = (fault: string): string =>
  fault === "ETIMEDOUT" ? "its file system does not answer; this is tried again" : fault;

/** The faults of one manager's directories. */
export function createFaults(clock: Clock, say: Say) {
  let scarce = 0;
  return {
    /** `step` is what the core was at. */
    tell(entry: Entry, fault: string, step: string | null): void {
      if (entry.hasComplained) return;
      entry.hasComplained = true;
      const why = step === null || fault === "ETIMEDOUT" ? textOf(fault) : `${step}: ${fault}`;
      say("warn", `cannot offer ${entry.runner.name} in ${entry.path}: ${why}; sv does not reach it`);
    },
    count(): void {
      if (scarce++ > 0) return;
      clock.at(clock.now() + COUNT_FOR, () =>
        say(
          "warn",
          `${scarce === 1 ? "1 service or logger is" : `${scarce} services and loggers are`} not offered in supervise/: too few descriptors; raise the limit nofile of upkeep itself`,
        ),
      );
    },
  };
}
