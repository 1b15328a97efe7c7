// Writes the files of supervise/ by rename, never waiting for a disk. What is asked for while a write is under way is
// written afterwards, once, as it is then.
import { close, closeSync, constants, open, read, rename, unlink, writeSync } from "node:fs";
import { errorCode } from "../base/errors.ts";

/** What the writer needs to know of its targets, which are the caller's own records. */
export interface StatusFilesParts<T> {
  /**
   * What is to be done before the first write: true if it calls `ready` later (unless the target is forgotten), false if
   * there is nothing to be done.
   */
  readonly prepare: (target: T, ready: () => void) => boolean;
  /** The files that are to be written now, by name. */
  readonly files: (target: T) => [name: string, bytes: Buffer][];
  /** All of them are written (null), or why not: an errno's name. `isLast`: they are not to be written once more. */
  readonly done: (target: T, fault: string | null, isLast: boolean) => void;
}

export interface StatusFiles<T> {
  /** Has it written; `first`: before those that wait already. */
  write(target: T, first: boolean): void;
  /** It is not written any more, but for the file that is being written; also where `prepare` comes to nothing. */
  forget(target: T): void;
  /** From now on it writes. */
  begin(): void;
  /** Resolves once nothing is left to be written. */
  settled(): Promise<void>;
}

/** Directories that are written at a time; Node has four threads for files, and others need them, too. */
const AT_ONCE = 3;
// A new file or none: what somebody left there under this name is neither followed nor waited for.
const FRESH = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** The writer for all services. */
export function createStatusFiles<T extends { readonly path: string }>(parts: StatusFilesParts<T>): StatusFiles<T> {
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
        queue.delete(target);
        return target;
      }
    return undefined;
  };
  const go = () => {
    while (hasBegun && busy.size < AT_ONCE) {
      const target = next();
      if (target === undefined) break;
      busy.add(target);
      if (!parts.prepare(target, () => put(target))) put(target);
    }
    if (busy.size + urgent.size + waiting.size > 0) return;
    for (const waiter of waiters.splice(0)) waiter();
  };
  const put = (target: T) => {
    const left = parts.files(target);
    const end = (fault: string | null) => {
      busy.delete(target);
      parts.done(target, fault, !urgent.has(target) && !waiting.has(target));
      go();
    };
    const step = () => {
      const [name, bytes] = left.shift() ?? [];
      if (name === undefined || bytes === undefined) return end(null);
      replace(target.path, name, bytes, (fault) => {
        if (fault !== null) return end(fault);
        step();
      });
    };
    step();
  };
  return {
    write(target, first) {
      waiting.delete(target);
      (first ? urgent : waiting).add(target);
      go();
    },
    forget(target) {
      waiting.delete(target);
      urgent.delete(target);
      // If it is being written, its end comes later, and finds nothing to do.
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

/** Up to 32 bytes of a file that is there; null otherwise. */
export function readIfThere(path: string, done: (bytes: Buffer | null) => void): void {
  open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW, (error, fd) => {
    if (error !== null) return done(null);
    read(fd, Buffer.alloc(32), 0, 32, 0, (fault, count, bytes) =>
      close(fd, () => done(fault === null ? bytes.subarray(0, count) : null)),
    );
  });
}

function replace(directory: string, name: string, bytes: Buffer, done: (fault: string | null) => void): void {
  const fresh = `${directory}/${name}.new`;
  const fail = (error: Error) => unlink(fresh, () => done(errorCode(error)));
  const create = (again: boolean) =>
    open(fresh, FRESH, 0o644, (error, fd) => {
      // Left by one who was killed, or put there by somebody.
      if (error !== null && errorCode(error) === "EEXIST" && !again) return unlink(fresh, () => create(true));
      if (error !== null) return done(errorCode(error));
      const fault = fill(fd, bytes);
      if (fault !== null) return unlink(fresh, () => done(fault));
      rename(fresh, `${directory}/${name}`, (gone) => (gone === null ? done(null) : fail(gone)));
    });
  create(false);
}

/** Into the page cache, which waits for no disk: a thread for each of these would cost more than they do. */
function fill(fd: number, bytes: Buffer): string | null {
  try {
    return bytes.length === 0 || writeSync(fd, bytes) === bytes.length ? null : "ENOSPC";
  } catch (error) {
    return errorCode(error);
  } finally {
    shut(fd);
  }
}

function shut(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // EIO: what was written is renamed all the same, and read as it is
  }
}
