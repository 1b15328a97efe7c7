import type { Ms } from "../base/clock.ts";

const SECOND: Ms = 1_000;
const MINUTE: Ms = 60 * SECOND;
const HOUR: Ms = 60 * MINUTE;
const DAY: Ms = 24 * HOUR;

/** What a person reads of a duration: `40 ms`, `3.2 s`, `12 s`, `5 min`, `3 h`, `12 d`; the unit grows with it. */
export function durationText(ms: Ms): string {
  if (ms === Number.POSITIVE_INFINITY) return "ever";
  if (ms < SECOND - 0.5) return `${Math.round(Math.max(0, ms))} ms`;
  if (ms < 10 * SECOND) return `${Math.round(ms / 100) / 10} s`;
  if (ms < 2 * MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < 2 * HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.round(ms / HOUR)} h`;
  return `${Math.round(ms / DAY)} d`;
}
