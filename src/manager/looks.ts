// Looks at files without waiting for a file system that may not answer. On this machine's own a look costs microseconds, and
// is done at once. Any other that never answers keeps a thread of Node for as long: so each of them has one at most, only so
// many are asked at a time, and nobody waits for one of them for longer than a moment.
import { type Stats, stat, statfs, statSync } from "node:fs";
import type { Clock, Ms } from "../base/clock.ts";
import { errorCode } from "../base/errors.ts";
import type { Mounts } from "../process/mounts.ts";

/**
 * What a look has found: what is there, or null where nothing can be seen. "silent": its file system does not answer.
 * "busy": nobody was free to look, for too many file systems do not answer.
 */
export type Look = Stats | null | "silent" | "busy";

export interface Looks {
  /** Answers once; of one file system those who ask first are answered first. */
  look(path: string, done: (look: Look) => void): void;
  /** Asks a file system, by the path where it is mounted, whether it answers; never by what somebody remembers of it. */
  ask(point: string, done: (answers: boolean) => void): void;
  /** Calls `listener` each time that a file system has answered which was silent, with the path where it is mounted. */
  onReturn(listener: (point: string) => void): void;
}

/** Threads that looks may take, as long as they may hang; the rest are for files and logs. */
const AT_ONCE = 4;
/** A disk that sleeps, or a server that is busy, has answered by then. */
export const LOOK_PATIENCE: Ms = 1000;
/** What is known waits so long at most for the answers to the rest. */
const TOGETHER: Ms = 50;

/** With these a file system fails whose server has gone. */
const dead: ReadonlySet<string> = new Set([
  ...["EIO", "ENOTCONN", "ESTALE", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH"],
  ...["ECONNREFUSED", "ECONNABORTED", "ECONNRESET"],
]);

export interface LooksParts {
  readonly clock: Clock;
  readonly mounts: Pick<Mounts, "isLocal" | "pointOf">;
  /** How to look; Node's own but in tests. */
  readonly see?: (path: string, done: (error: Error | null, stats: Stats) => void) => void;
  /** How to ask: no client of a network file system has the numbers of statfs from memory. */
  readonly ask?: (point: string, done: (error: Error | null) => void) => void;
}

interface Question {
  /** The file system. */
  readonly point: string;
  readonly put: (done: (look: Look) => void) => void;
  readonly done: (look: Look) => void;
}

/** The looks of one manager. */
export function createLooks({ clock, mounts, see = stat, ask = statfs }: LooksParts): Looks {
  const queue: Question[] = [];
  // The file systems that are being asked; true if one has been silent for too long.
  const asking = new Map<string, boolean>();
  const returned: ((point: string) => void)[] = [];
  let answers: (() => void)[] = [];
  let forgetTelling: (() => void) | null = null;
  /** What is to be done with it now: null is that it waits. */
  const fateOf = ({ point }: Question): "begin" | "silent" | "busy" | null => {
    const isSilent = asking.get(point);
    if (isSilent !== undefined) return isSilent ? "silent" : null;
    if (asking.size < AT_ONCE) return "begin";
    // One of them will answer, or turn out to be silent.
    return [...asking.values()].includes(false) ? null : "busy";
  };
  const next = () => {
    for (let at = 0; at < queue.length; ) {
      const question = queue[at];
      const fate = question === undefined ? null : fateOf(question);
      if (question === undefined || fate === null) {
        at++;
        continue;
      }
      queue.splice(at, 1);
      if (fate === "begin") begin(question);
      else answer(() => question.done(fate));
    }
    // A thousand that stop together make one turn of what follows, not a thousand.
    if (queue.length === 0) tellAll();
    else if (answers.length > 0) forgetTelling ??= clock.at(clock.now() + TOGETHER, tellAll);
  };
  const answer = (tell: () => void) => void answers.push(tell);
  const tellAll = () => {
    forgetTelling?.();
    forgetTelling = null;
    const due = answers;
    answers = [];
    for (const tell of due) tell();
  };
  const begin = ({ point, put, done }: Question) => {
    asking.set(point, false);
    let isOver = false;
    const end = (look: Look) => {
      if (!isOver) answer(() => done(look));
      isOver = true;
      forget();
      next();
    };
    const forget = clock.at(clock.now() + LOOK_PATIENCE, () => {
      asking.set(point, true);
      end("silent");
    });
    put((look) => {
      const wasSilent = asking.get(point) === true;
      asking.delete(point);
      end(look);
      if (wasSilent && look !== "silent") for (const tell of returned) tell(point);
    });
  };
  const enqueue = (question: Question) => {
    queue.push(question);
    next();
  };
  return {
    onReturn: (listener) => void returned.push(listener),
    look(path, done) {
      if (mounts.isLocal(path)) return done(lookNow(path));
      enqueue({
        point: mounts.pointOf(path),
        put: (tell) => see(path, (error, stats) => tell(error === null ? stats : null)),
        done,
      });
    },
    ask: (point, done) =>
      enqueue({
        point,
        put: (tell) => ask(point, (error) => tell(error !== null && dead.has(errorCode(error)) ? "silent" : null)),
        done: (look) => done(look === null),
      }),
  };
}

function lookNow(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null; // EACCES, ELOOP: nothing can be seen
  }
}
