/** A duration or a point of CLOCK_MONOTONIC, in milliseconds (fractions allowed). */
export type Ms = number;

/** Where time comes from and how one is woken; tests put a hand-driven one in its place. */
export interface Clock {
  /** Milliseconds of CLOCK_MONOTONIC: the same number in every process of this boot, never set back. */
  now(): Ms;
  /** Calls `wake` once, at or after `when`; the returned function forgets it. `Infinity` never fires. */
  at(when: Ms, wake: () => void): () => void;
}

// setTimeout takes a 32-bit count of milliseconds and fires at once beyond it.
const LONGEST_TIMER = 0x7fffffff;

/** The real clock. */
export const monotonic: Clock = {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  at(when, wake) {
    if (when === Number.POSITIVE_INFINITY) return () => {};
    const alarm: Alarm = { when, wake, timer: null };
    arm(alarm);
    return () => clearTimeout(alarm.timer ?? undefined);
  },
};

interface Alarm {
  readonly when: Ms;
  readonly wake: () => void;
  timer: NodeJS.Timeout | null;
}

function arm(alarm: Alarm): void {
  alarm.timer = setTimeout(check, Math.min(Math.max(0, Math.ceil(alarm.when - monotonic.now())), LONGEST_TIMER), alarm);
}

// Timers count whole milliseconds of the event loop's own time, and fire up to one too early by this clock.
function check(alarm: Alarm): void {
  if (monotonic.now() >= alarm.when) alarm.wake();
  else arm(alarm);
}

/** The wall clock, for stamps that people read; nothing is ever decided by it. */
export const wallClock = { now: (): Date => new Date() };
