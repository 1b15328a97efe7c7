// The system calls of log directories. All of them are made by libuv's threads, so that a hung disk stops nobody else;
// and never by all of its threads, so that the rest of the program still gets one.
import * as fs from "node:fs";

/** What there is to know of a file. */
export interface FileFacts {
  readonly size: number;
  readonly mode: number;
  readonly isDirectory: boolean;
}

/** Whether a symbolic link is gone after, which is the default, or is an error. */
export type Links = "follow" | "refuse";

/** Tests put their own in its place. Promises reject with what Node's fs gives. */
export interface DirectoryCalls {
  write(
    fd: number,
    bytes: Buffer,
    offset: number,
    length: number,
    done: (error: Error | null, count: number) => void,
  ): void;
  /** To append or to read, made with mode 0644 where it may be made. */
  open(path: string, how: "append" | "read" | "truncate", links?: Links): Promise<number>;
  close(fd: number): Promise<void>;
  fsync(fd: number): Promise<void>;
  fchmod(fd: number, mode: number): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  stat(path: string): Promise<FileFacts>;
  names(path: string): Promise<readonly string[]>;
  /** The content of a file that is no longer than 1 MB; a fifo or a device has none. */
  read(path: string): Promise<Buffer>;
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY } = fs.constants;
const WAYS = {
  // As svlogd: a fifo called `current` shall not hang it.
  append: O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK,
  read: O_RDONLY | O_NONBLOCK,
  truncate: O_WRONLY | O_TRUNC | O_CREAT | O_NONBLOCK,
} as const;
// Of libuv's four.
const THREADS = 3;

// A `config` is read into memory, and whoever may write it shall neither fill that nor hang us with a fifo.
const READ_MAX = 1024 * 1024;

type Done<T> = (error: Error | null, value: T) => void;

const NOTHING = Buffer.alloc(0);
const coded = (code: string): Error => Object.assign(new Error(code), { code });

function readWhole(path: string, done: Done<Buffer>): void {
  fs.open(path, WAYS.read, (error, fd) => {
    if (error !== null) return done(error, NOTHING);
    const end = (fault: Error | null, bytes: Buffer) => fs.close(fd, () => done(fault, bytes)); // it was only read
    fs.fstat(fd, (fault, stats) => {
      if (fault !== null) return end(fault, NOTHING);
      if (stats.isDirectory()) return end(coded("EISDIR"), NOTHING);
      if (!stats.isFile()) return end(null, NOTHING);
      if (stats.size > READ_MAX) return end(coded("EFBIG"), NOTHING);
      fs.readFile(fd, end);
    });
  });
}

/** A number of calls that may be under way; the others wait for their turn, in their order. */
function createLane(width: number) {
  const waiting: (() => void)[] = [];
  let free = width;
  return {
    enter(start: () => void) {
      if (free === 0) waiting.push(start);
      else {
        free--;
        start();
      }
    },
    leave() {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    },
  };
}

/** The real ones; at most `threads` at a time. */
export function createDirectoryCalls(threads: number = THREADS): DirectoryCalls {
  const lane = createLane(threads);
  const call = <T>(start: (done: Done<T>) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      lane.enter(() => {
        start((error, value) => {
          lane.leave();
          if (error === null || error === undefined) resolve(value);
          else reject(error);
        });
      });
    });

  return {
    write(fd, bytes, offset, length, done) {
      lane.enter(() => {
        fs.write(fd, bytes, offset, length, null, (error, count) => {
          lane.leave();
          done(error, count);
        });
      });
    },
    open: (path, how, links) =>
      call((done) => fs.open(path, links === "refuse" ? WAYS[how] | O_NOFOLLOW : WAYS[how], 0o644, done)),
    close: (fd) => call<void>((done) => fs.close(fd, done as fs.NoParamCallback)),
    fsync: (fd) => call<void>((done) => fs.fsync(fd, done as fs.NoParamCallback)),
    fchmod: (fd, mode) => call<void>((done) => fs.fchmod(fd, mode, done as fs.NoParamCallback)),
    chmod: (path, mode) => call<void>((done) => fs.chmod(path, mode, done as fs.NoParamCallback)),
    rename: (from, to) => call<void>((done) => fs.rename(from, to, done as fs.NoParamCallback)),
    unlink: (path) => call<void>((done) => fs.unlink(path, done as fs.NoParamCallback)),
    async stat(path) {
      const stats = await call<fs.Stats>((done) => fs.stat(path, done));
      return { size: stats.size, mode: stats.mode, isDirectory: stats.isDirectory() };
    },
    names: (path) => call<readonly string[]>((done) => fs.readdir(path, done)),
    read: (path) => call<Buffer>((done) => readWhole(path, done)),
  };
}

/** Shared by all directories of the process. */
export const directoryCalls: DirectoryCalls = createDirectoryCalls();
