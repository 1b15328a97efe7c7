// Time as svlogd writes it: before lines, and in the names of old files. Pure but for the clock at the end.
import { type Clock, monotonic } from "../../base/clock.ts";

/** Microseconds since 1970, whole. */
export type Micros = number;

/** `@` and 24 hexadecimal digits: TAI64N, with the ten seconds that TAI was ahead in 1970. */
export function tai64n(time: Micros): string {
  const seconds = Math.floor(time / 1e6);
  const nanos = (time - seconds * 1e6) * 1000;
  // Bit 62 is the first digit.
  return `@4${(seconds + 10).toString(16).padStart(15, "0")}${nanos.toString(16).padStart(8, "0")}`;
}

/** `2026-11-21_23:59:59.12345` in UTC, as `-tt` has it; with another `between` as `-ttt`. */
export function utcStamp(time: Micros, between: "_" | "T"): string {
  const seconds = Math.floor(time / 1e6);
  const iso = new Date(seconds * 1000).toISOString(); // 2026-11-21T23:59:59.000Z
  const fraction = Math.floor((time - seconds * 1e6) / 10);
  return `${iso.slice(0, 10)}${between}${iso.slice(11, 19)}.${String(fraction).padStart(5, "0")}`;
}

/** What stands before a line: nothing, `-t`, `-tt` or `-ttt`, with the space behind it. 26 bytes, or 0. */
export function stampText(style: 0 | 1 | 2 | 3, time: Micros): string {
  if (style === 0) return "";
  return `${style === 1 ? tai64n(time) : utcStamp(time, style === 2 ? "_" : "T")} `;
}

// Date.now() cuts off what is less than a millisecond; further apart, one of the clocks was set.
const CUT_OFF = 1;
const SLACK = 0.5;

/** Wall time in microseconds, though Node tells milliseconds: what goes on within them is counted by the steady clock. */
export function createMicros(clock: Clock = monotonic, wallTime: () => number = Date.now): () => Micros {
  let ahead = Number.NaN; // of the wall clock before the steady one
  return () => {
    const steady = clock.now();
    const wall = wallTime();
    const difference = steady + ahead - wall;
    if (!(difference >= -SLACK && difference <= CUT_OFF + SLACK)) ahead = wall - steady;
    return Math.floor((steady + ahead) * 1000);
  };
}
