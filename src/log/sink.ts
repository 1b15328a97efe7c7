// Writes to one descriptor that others may hold too, and that may be slow, full or gone. It never blocks the loop,
// never changes the descriptor's flags (they are shared with every service that inherited it) and never throws.
// A write that nobody reads holds one of libuv's four threads, and process.exit waits for that thread for ever: while
// `isEmpty` is false a process can only be left by SIGKILL.
import * as fs from "node:fs";
import { type Clock, type Ms, monotonic } from "../base/clock.ts";
import { errorCode } from "../base/errors.ts";

/** The system calls of a sink; tests put their own in their place. */
export interface SinkCalls {
  write(
    fd: number,
    bytes: Buffer,
    offset: number,
    length: number,
    position: null,
    done: (error: Error | null, count: number) => void,
  ): void;
  isPipe(fd: number): boolean;
}

export interface SinkOptions {
  /** No room beyond this many bytes in the queue. Default 256 KB. */
  readonly limit?: number;
  /** What could not be written and why, at most once a minute, with all that was dropped since the last time. */
  readonly onDropped?: (bytes: number, code: string) => void;
  readonly clock?: Clock;
  readonly calls?: SinkCalls;
}

export interface Sink {
  /** Queues whole lines, whatever room there is; `done` is called once the kernel has them all or they were dropped. */
  write(bytes: Buffer, done?: () => void): void;
  /** Queues whole lines if there is room; false: they are dropped, and the caller counts them. */
  tryWrite(bytes: Buffer): boolean;
  room(): boolean;
  /** Calls `listener` once, when there is room again; not called if there is room now. */
  onRoom(listener: () => void): void;
  /** Ends the line that another process died in; for the beginning, before anything else is written. */
  endLine(): void;
  /**
   * Calls `listener` with true before a line that the kernel may take by parts, and with false when all of it is taken:
   * should we die in between, the next one has a line to end.
   */
  onLong(listener: (isInside: boolean) => void): void;
  /** True if nothing is queued and no write is under way. */
  isEmpty(): boolean;
  /** Calls `listener` once, when the queue is empty; at once if it is. */
  onEmpty(listener: () => void): void;
}

const LIMIT = 256 * 1024;
// pipe(7): a write of at most PIPE_BUF bytes is atomic. A kill in the middle leaves no half line, and two writers'
// lines do not mix.
const PIPE_BUF = 4096;
const WRITE_MAX = 64 * 1024;
const NEWLINE = 10;
const LINE_END = Buffer.from("\n");
const FIRST_RETRY: Ms = 10;
const LAST_RETRY: Ms = 100;
const TELL_EVERY: Ms = 60_000;

const systemCalls: SinkCalls = {
  write: fs.write,
  isPipe(fd) {
    try {
      return fs.fstatSync(fd).isFIFO();
    } catch {
      return false; // EBADF: the write will say so
    }
  },
};

interface Queued {
  readonly bytes: Buffer;
  readonly done: (() => void) | null;
}

/** One write in flight; short lines are gathered, and into a pipe no line is cut by a write unless it is over 4 KB. */
export function createSink(fd: number, options: SinkOptions = {}): Sink {
  const { limit = LIMIT, clock = monotonic, calls = systemCalls } = options;
  const most = calls.isPipe(fd) ? PIPE_BUF : WRITE_MAX;
  const dropped = createDropReport(clock, options.onDropped ?? (() => {}));
  const queue: Queued[] = [];
  let offset = 0; // how much of the first one is written
  let queued = 0;
  let isBusy = false;
  let retry = FIRST_RETRY;
  let isInsideLine = false; // what the kernel took last was not the end of a line
  let mustEndLine = false; // the rest of that line was dropped
  let isLong = false; // a line that is longer than one write has begun
  let longListener = (_isInside: boolean) => {};
  let roomListeners: (() => void)[] = [];
  let emptyListeners: (() => void)[] = [];

  const room = () => queued < limit;

  const setLong = (value: boolean) => {
    if (isLong !== value) longListener(value);
    isLong = value;
  };
  const next = (): void => {
    const bytes = mustEndLine ? LINE_END : nextPiece(queue, offset, most);
    if (bytes.length > most) setLong(true);
    isBusy = true;
    calls.write(fd, bytes, 0, bytes.length, null, (error, count) => {
      if (error === null) return written(bytes, count);
      const code = errorCode(error);
      if (code === "EINTR") return next();
      if (code !== "EAGAIN" && code !== "EWOULDBLOCK") return failed(bytes, code);
      // Somebody made it non-blocking, and nothing in Node waits for a descriptor without owning and changing it.
      clock.at(clock.now() + retry, next);
      retry = Math.min(2 * retry, LAST_RETRY);
    });
  };
  const written = (bytes: Buffer, count: number) => {
    retry = FIRST_RETRY;
    if (count > 0) isInsideLine = bytes[count - 1] !== NEWLINE;
    if (!isInsideLine) setLong(false);
    if (mustEndLine && count > 0) mustEndLine = false;
    else take(count);
    goOn();
  };
  const failed = (tried: Buffer, code: string) => {
    // Where the newline itself fails, the next line would have: it is dropped, and the newline tried again.
    const { length } = mustEndLine ? nextPiece(queue, offset, most) : tried;
    mustEndLine ||= isInsideLine;
    isInsideLine = false;
    if (!mustEndLine) setLong(false);
    dropped.add(length, code);
    take(length);
    goOn();
  };
  /** Strikes `count` bytes off the queue, and tells who waited for them. */
  const take = (count: number) => {
    queued -= count;
    offset += count;
    while (queue.length > 0 && offset >= (queue[0] as Queued).bytes.length) {
      const { bytes, done } = queue.shift() as Queued;
      offset -= bytes.length;
      done?.();
    }
  };
  const goOn = () => {
    isBusy = false;
    if (queue.length > 0) next();
    if (room() && roomListeners.length > 0) {
      const listeners = roomListeners;
      roomListeners = [];
      for (const listener of listeners) listener();
    }
    if (!isBusy && emptyListeners.length > 0) {
      const listeners = emptyListeners;
      emptyListeners = [];
      for (const listener of listeners) listener();
    }
  };
  const write = (bytes: Buffer, done: (() => void) | null) => {
    queue.push({ bytes, done });
    queued += bytes.length;
    if (!isBusy) next();
  };

  return {
    write: (bytes, done) => write(bytes, done ?? null),
    tryWrite(bytes) {
      if (!room()) return false;
      write(bytes, null);
      return true;
    },
    endLine() {
      if (isBusy) return;
      mustEndLine = true;
      next();
    },
    onLong(listener) {
      longListener = listener;
    },
    room,
    onRoom: (listener) => roomListeners.push(listener),
    isEmpty: () => !isBusy,
    onEmpty(listener) {
      if (isBusy) emptyListeners.push(listener);
      else listener();
    },
  };
}

/** As much of the queue's beginning as one write may take, up to the end of a line; more only for a longer line. */
function nextPiece(queue: readonly Queued[], offset: number, most: number): Buffer {
  const first = (queue[0] as Queued).bytes;
  if (first.length - offset > most) {
    const lastEnd = first.subarray(offset, offset + most).lastIndexOf(NEWLINE);
    const end = lastEnd >= 0 ? offset + lastEnd : first.indexOf(NEWLINE, offset + most);
    return first.subarray(offset, end < 0 ? first.length : end + 1);
  }
  const parts = [offset === 0 ? first : first.subarray(offset)];
  let size = first.length - offset;
  for (let index = 1; index < queue.length; index++) {
    const { bytes } = queue[index] as Queued;
    if (size + bytes.length > most) break;
    parts.push(bytes);
    size += bytes.length;
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, size);
}

function createDropReport(clock: Clock, tell: (bytes: number, code: string) => void) {
  let bytes = 0;
  let code = "";
  let isWaiting = false;
  const report = () => {
    isWaiting = bytes > 0;
    if (!isWaiting) return;
    const count = bytes;
    bytes = 0;
    clock.at(clock.now() + TELL_EVERY, report);
    tell(count, code);
  };
  return {
    add(count: number, why: string) {
      bytes += count;
      code = why;
      if (!isWaiting) report();
    },
  };
}
