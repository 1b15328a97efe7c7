// Directories that do not answer: each is told of once, what ran goes on as it was last known, and all are tried again.
import type { Clock, Ms } from "../base/clock.ts";
import type { Reach } from "./reach.ts";

/** From one try to the next; each pause is twice as long as the one before. */
const PAUSE: Ms = 1000;
const PAUSE_MAX: Ms = 30_000;

export interface SilenceParts {
  readonly clock: Clock;
  readonly reach: Reach;
  /** A directory of this path does not answer; said once, until it has answered. */
  readonly warn: (text: string) => void;
  /** Something has answered, or it is time to try again. */
  readonly again: () => void;
}

export interface Silence {
  /**
   * True if this path may be gone to; else it is asked, and `again` is called once that may have changed. `place` is the
   * same without links, where that is known.
   */
  answers(path: string, place?: string): boolean;
  /** Tells it once it is known, which may be at once. */
  ask(path: string, done: (answers: boolean) => void): void;
  /** It did not answer when it was last asked. */
  isSilent(path: string): boolean;
  /** It is not there any more. */
  forget(path: string): void;
  close(): void;
}

/** The silent directories of one scan. */
export function createSilence({ clock, reach, warn, again }: SilenceParts): Silence {
  const silent = new Set<string>();
  const asking = new Set<string>();
  let pause = PAUSE;
  let forgetTry: (() => void) | null = null;
  let isClosed = false;

  const heard = (path: string) => {
    if (silent.delete(path) && silent.size === 0) pause = PAUSE;
  };
  const unheard = (path: string) => {
    if (isClosed) return;
    if (!silent.has(path)) warn(`${path} does not answer; what runs goes on as it was, and it is tried again`);
    silent.add(path);
    if (forgetTry !== null) return;
    forgetTry = clock.at(clock.now() + pause, () => {
      forgetTry = null;
      again();
    });
    pause = Math.min(pause * 2, PAUSE_MAX);
  };
  reach.onReturn(() => {
    if (!isClosed && silent.size > 0) again();
  });
  return {
    answers(path, place) {
      const isSure = place === undefined ? reach.isSure(path) : reach.isSureAt(place);
      if (isSure) heard(path);
      if (isSure || asking.has(path)) return isSure;
      asking.add(path);
      reach.ask(path, (answers) => {
        asking.delete(path);
        if (isClosed) return;
        if (answers) again();
        else unheard(path);
      });
      return false;
    },
    ask: (path, done) =>
      reach.ask(path, (answers) => {
        if (answers) heard(path);
        else unheard(path);
        done(answers);
      }),
    isSilent: (path) => silent.has(path),
    forget: heard,
    close() {
      isClosed = true;
      forgetTry?.();
    },
  };
}
