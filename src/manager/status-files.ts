// Has the files of supervise/ written, each time as the state is by then: what is asked for while a write is under way is
// written afterwards, once. The core's own child does it, so no disk is waited for.
import { close, constants, open, read as readFile } from "node:fs";
import type { Look, Looks } from "./looks.ts";

/** What the writer needs to know of its targets, which are the caller's own records. */
export interface StatusFilesParts<T> {
  /** False if there is something to be done before the first write. */
  readonly isPrepared: (target: T) => boolean;
  /** Does it; `ready` is called later, unless the target is forgotten. */
  readonly prepare: (target: T, ready: () => void) => void;
  /** Asks for the files as they are to be now; `inscribed` is the answer. */
  readonly inscribe: (target: T) => void;
  /** All of them are written (null), or why not: an errno's name. `isLast`: they are not to be written once more. */
  readonly done: (target: T, fault: string | null, isLast: boolean) => void;
}

export interface StatusFiles<T> {
  /** Has it written; `first`: before those that wait already. */
  write(target: T, first: boolean): void;
  /** The core's answer: an errno's name, or null. */
  inscribed(target: T, fault: string | null): void;
  /** It is not written any more, but for what is being written; also where `prepare` comes to nothing. */
  forget(target: T): void;
  /** From now on it writes. */
  begin(): void;
  /** Resolves once nothing is left to be written. */
  settled(): Promise<void>;
}

/** Directories that are asked for at a time; the core takes twice as many. */
const AT_ONCE = 128;
/** While one is prepared, so few: where descriptors are short, some are to have all of theirs rather than all one each. */
const PREPARED_AT_ONCE = 8;

/** The writer for all services. */
export function createStatusFiles<T>(parts: StatusFilesParts<T>): StatusFiles<T> {
  const urgent = new Set<T>();
  const waiting = new Set<T>();
  const busy = new Set<T>();
  let waiters: (() => void)[] = [];
  let hasBegun = false;

  const next = (): T | undefined => {
    for (const queue of [urgent, waiting])
      for (const target of queue) {
        // Its turn comes again at the end of the write that is under way.
        if (busy.has(target)) continue;
        if (busy.size >= (parts.isPrepared(target) ? AT_ONCE : PREPARED_AT_ONCE)) return undefined;
        queue.delete(target);
        return target;
      }
    return undefined;
  };
  const go = () => {
    while (hasBegun) {
      const target = next();
      if (target === undefined) break;
      busy.add(target);
      if (parts.isPrepared(target)) parts.inscribe(target);
      else parts.prepare(target, () => parts.inscribe(target));
    }
    if (busy.size + urgent.size + waiting.size > 0) return;
    for (const waiter of waiters.splice(0)) waiter();
  };
  return {
    write(target, first) {
      waiting.delete(target);
      (first ? urgent : waiting).add(target);
      go();
    },
    inscribed(target, fault) {
      if (!busy.delete(target)) return;
      // It was not its turn yet.
      if (fault === "EINTR") waiting.add(target);
      else parts.done(target, fault, !urgent.has(target) && !waiting.has(target));
      go();
    },
    forget(target) {
      waiting.delete(target);
      urgent.delete(target);
      // If it is being written, the answer comes later, and finds nothing to do.
      busy.delete(target);
      go();
    },
    begin() {
      hasBegun = true;
      go();
    },
    settled: () =>
      new Promise((resolve) => {
        waiters = [...waiters, resolve];
        go();
      }),
  };
}

/** Up to 32 bytes of a file that is there, and whose file system answers; null otherwise. */
export function readIfThere(looks: Looks, path: string, isFar: boolean, done: (bytes: Buffer | null) => void): void {
  const isNone = (file: Look): boolean => file === null || typeof file === "string";
  if (isFar) looks.look(path, (file) => (isNone(file) ? done(null) : read(path, done)));
  else read(path, done);
}

function read(path: string, done: (bytes: Buffer | null) => void): void {
  open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW, (error, fd) => {
    if (error !== null) return done(null);
    readFile(fd, Buffer.alloc(32), 0, 32, 0, (fault, count, bytes) =>
      close(fd, () => done(fault === null ? bytes.subarray(0, count) : null)),
    );
  });
}
