// A copy that is under way is waited for: a directory is read when nothing has moved in it for a moment.
import type { Clock, Ms } from "../base/clock.ts";

const QUIET: Ms = 40;
/** A watch takes a moment to be laid; what came before it is found by one more look. */
const SECOND_LOOK: Ms = 500;

export interface SettlingParts {
  readonly clock: Clock;
  /** What a look from outside tells of it; null is that it does not answer. */
  readonly footprint: (name: string) => string | null;
  /** It has been the same for a moment: reads it; true if it is complete. */
  readonly read: (name: string) => boolean;
  /** It does not answer, and is to be settled once it does. */
  readonly silent: (name: string) => void;
}

export interface Settling {
  /** Reads it once it has been the same for a moment. */
  settle(name: string): void;
  /** It is about to be read. */
  has(name: string): boolean;
  close(): void;
}

/** The directories of one scan that are about to be read. */
export function createSettling({ clock, footprint, read, silent }: SettlingParts): Settling {
  const timers = new Map<string, () => void>();
  const settle = (name: string, quiet = QUIET) => {
    timers.get(name)?.();
    timers.delete(name);
    const before = footprint(name);
    if (before === null) return silent(name);
    timers.set(
      name,
      clock.at(clock.now() + quiet, () => {
        timers.delete(name);
        const now = footprint(name);
        if (now === null) silent(name);
        else if (now !== before) settle(name);
        else if (!read(name) && quiet === QUIET) settle(name, SECOND_LOOK);
      }),
    );
  };
  return {
    settle: (name) => settle(name),
    has: (name) => timers.has(name),
    close() {
      for (const forget of timers.values()) forget();
    },
  };
}
