// Looks at files without waiting for a file system that may not answer. On this machine's own a look costs microseconds, and
// is done at once. Any other that never answers keeps a thread of Node for as long, so only so many are asked at a time, and
// nobody waits for one of them for longer than a moment.
import { type Stats, stat, statSync } from "node:fs";
import type { Clock, Ms } from "../base/clock.ts";

/**
 * What a look has found: what is there, or null where nothing can be seen. "silent": its file system does not answer.
 * "busy": nobody was free to look, for too many file systems do not answer.
 */
export type Look = Stats | null | "silent" | "busy";

export interface Looks {
  /** Answers once; those who ask first are answered first, as long as file systems answer. */
  look(path: string, done: (look: Look) => void): void;
  /** From now on no look waits for a file system that may not answer. */
  begin(): void;
}

/** Threads that looks may take, as long as they may hang; the rest are for files and logs. */
const AT_ONCE = 4;
/** A disk that sleeps, or a server that is busy, has answered by then. */
export const LOOK_PATIENCE: Ms = 1000;
/** What is known waits so long at most for the answers to the rest. */
const TOGETHER: Ms = 50;

export interface LooksParts {
  readonly clock: Clock;
  /** Until `begin` it waits for its answers, which takes no thread and no time. */
  readonly waits: boolean;
  /** True if the file system of this path needs nobody else to answer. */
  readonly isLocal: (path: string) => boolean;
  /** How to ask; Node's own but in tests. */
  readonly ask?: (path: string, done: (error: Error | null, stats: Stats) => void) => void;
}

/** The looks of one manager. */
export function createLooks({ clock, waits, isLocal, ask = stat }: LooksParts): Looks {
  const queue: { readonly path: string; readonly done: (look: Look) => void }[] = [];
  const silent = new Set<string>();
  let answers: (() => void)[] = [];
  let answeredAt: Ms = 0;
  let asking = 0;
  let isWaiting = waits;
  const next = () => {
    while (queue.length > 0) {
      const isBusy = asking === AT_ONCE;
      // One of them will answer, or turn out to be silent.
      if (isBusy && silent.size < AT_ONCE) break;
      const item = queue.shift();
      if (item === undefined) break;
      const { path, done } = item;
      if (silent.has(path)) answer(() => done("silent"));
      else if (isBusy) answer(() => done("busy"));
      else begin(path, done);
    }
    // A thousand that stop together make one turn of what follows, not a thousand.
    if (queue.length > 0 && clock.now() - answeredAt < TOGETHER) return;
    const due = answers;
    answers = [];
    for (const tell of due) tell();
  };
  const answer = (tell: () => void) => {
    if (answers.length === 0) answeredAt = clock.now();
    answers.push(tell);
  };
  const begin = (path: string, done: (look: Look) => void) => {
    asking++;
    let isOver = false;
    const end = (look: Look) => {
      if (!isOver) answer(() => done(look));
      isOver = true;
      forget();
      next();
    };
    const forget = clock.at(clock.now() + LOOK_PATIENCE, () => {
      silent.add(path);
      end("silent");
    });
    ask(path, (error, stats) => {
      asking--;
      silent.delete(path);
      end(error === null ? stats : null);
    });
  };
  return {
    look(path, done) {
      if (isWaiting || isLocal(path)) return done(lookNow(path));
      queue.push({ path, done });
      next();
    },
    begin() {
      isWaiting = false;
    },
  };
}

function lookNow(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null; // EACCES, ELOOP: nothing can be seen
  }
}
