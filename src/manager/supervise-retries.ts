// When what has failed in a supervise directory is tried once more: after a pause that grows until all is well.
import type { Clock, Ms } from "../base/clock.ts";
import { AGAIN, type Entry } from "./supervise-entry.ts";

const AGAIN_MAX: Ms = 60_000;
/** But where the file system does not answer each try keeps others waiting. */
const AGAIN_SILENT: Ms = 15_000;

export function createRetries(clock: Clock, retry: (entry: Entry) => void) {
  return {
    later(entry: Entry): void {
      // Each change of its state comes here while the disk is full.
      if (entry.isPausing) return;
      entry.isPausing = true;
      if (entry.isSilent) entry.pause = Math.max(entry.pause, AGAIN_SILENT);
      clock.at(clock.now() + entry.pause, () => {
        entry.isPausing = false;
        retry(entry);
      });
      entry.pause = Math.min(entry.pause * 2, AGAIN_MAX);
    },
    healed(entry: Entry): void {
      entry.pause = AGAIN;
      entry.hasComplained = false;
    },
  };
}
