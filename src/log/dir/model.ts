// The words of the log directories: what a caller gives, what it gets, what it is told. No code.
import type { Env } from "../../process/environ.ts";
import type { DirectoryConfig } from "./config.ts";

/** What a log directory has to say. The texts are svlogd's own, without its `svlogd: warning: ` and without a newline. */
export interface Told {
  /** Something was left undone: `unable to unlink oldest logfile: DIR: access denied`. */
  warning(text: string): void;
  /** Something is tried again every 3 s, and the writer waits: `unable to write to current: DIR: out of disk space`. */
  pausing(text: string): void;
  /** What `-v` prints: `rename: DIR/current @4000….s 1000012`. Absent: nobody wants to know, and no text is made. */
  info?(text: string): void;
  /** Whole lines that an `e` pattern selected for standard error, stamped and prefixed; good until it returns. */
  alert?(lines: Buffer): void;
}

/** The options of svlogd's command line; they hold for all directories of a stream. */
export interface LineOptions {
  /** 0 none, 1 `-t` (TAI64N), 2 `-tt` (`2026-11-21_23:59:59.12345`), 3 `-ttt` (with a `T`). Default 0. */
  readonly stamp?: 0 | 1 | 2 | 3;
  /** `-r`: the byte that takes the place of bytes below 32 and above 126. Default: none are replaced. */
  readonly replacement?: number;
  /** `-R`: further bytes to be replaced, by `replacement` or `_`. */
  readonly replaced?: Uint8Array;
  /** `-l`: so many bytes of a line are matched, replaced, printed and sent; the rest is only written. Default 1000. */
  readonly lineMax?: number;
}

export interface DirectoryOptions {
  /** How the directory is called in what is told. Default its path. */
  readonly name?: string;
  /** `-l`: how far before the maximal size a file may end with a line. Default 1000. */
  readonly lineMax?: number;
  /** The descriptor that a processor has as standard error. Default 2. */
  readonly errorFd?: number;
  /** The environment of a processor; null, and where it is absent, is our own. Asked before each run. */
  readonly environment?: (() => Env | null) | undefined;
}

/**
 * One log directory, open for its one writer; the caller holds its `lock`. It writes asynchronously, one call at a time,
 * and has no buffer of its own. It never fails: what cannot be written is told and tried again every 3 s.
 */
export interface LogDirectory {
  readonly path: string;
  readonly config: DirectoryConfig;
  /**
   * Appends whole lines and calls `done` once all of them are in files; that may be never, while the disk is full. The
   * bytes must not be changed until then, and no further write may be asked for. `copied` is called, at most once and
   * before `done`, if it will take long and the bytes were copied: they may be changed then.
   */
  write(lines: Buffer, done: () => void, copied?: () => void): void;
  /** Resolves when nothing is being written or rotated. */
  flush(): Promise<void>;
  /** ALRM: rotates `current` if it is not empty. */
  rotate(): Promise<void>;
  /**
   * Reads `config` again at once if a processor is at work: one that fails for ever is mended by that, and who waits for
   * it must not have to wait for this.
   */
  heed(): Promise<void>;
  /** HUP: closes, opens and reads `config` again. False: it cannot be opened, was told, and what is written is dropped. */
  reopen(): Promise<boolean>;
  /** Waits for what is being written and for its processor, then closes cleanly: `current` is 0744. */
  close(): Promise<void>;
}

/** Bytes that have come, good until it returns; none of them: the end. Null: they can be read. True: go on watching. */
export type Take = (bytes: Buffer | null) => boolean;

/** Where bytes come from: the read end of a pipe, and somebody who tells when there is something in it. */
export interface LogSource {
  /** Non-blocking, to be read by the stream as well; null if only `watch` gives bytes. */
  readonly fd: number | null;
  /** Calls `take` when there is something, or the end, and again as long as that returns true. */
  watch(take: Take): void;
  /** Stops watching. */
  pause(): void;
  /** The stream has ended and will not touch the descriptor again. */
  close(): void;
  /** The most that may be read before it is written. Default 512 KB. */
  readonly batchMax?: number;
  /** So many bytes the pipe surely holds now; asked after each batch. Default 4 KB. */
  capacity?(): number;
  /** Much comes through the pipe: it may be made larger, to this many bytes; asked again now and then. */
  enlarge?(bytes: number): void;
  /** A read follows, or the loop has just read. False: nothing more may be read now; it is asked again after a moment. */
  taking?(): boolean;
  /** `bytes` were read and are not written yet; `partial` of them are an unfinished line. */
  held?(bytes: number, partial: number): void;
  /** All is written but an unfinished line of `partial` bytes; called before each `watch`. */
  drained?(partial: number): void;
}

export interface StreamOptions extends LineOptions {
  readonly told: Told;
  /** Called after each read with what was read, as it came; good until it returns. For whoever keeps the last lines. */
  readonly tap?: (bytes: Buffer) => void;
  /** The begin of a line that another stream of the same pipe has released; what is read next goes on with it. */
  readonly carry?: Buffer;
  /** True: what is read first, up to a newline, is the tail of a line whose start is lost: `skipped` is told its length. */
  readonly skip?: boolean;
  readonly skipped?: (bytes: number) => void;
}

/**
 * One stream of lines into one directory or several, with back-pressure: nothing is read while what was read is not
 * written, so a slow disk lets the writer wait in its pipe.
 */
export interface LogStream {
  /** Resolves at the end of input, after `finish` and after `close`, when all is written and all directories are closed. */
  readonly ended: Promise<void>;
  /** ALRM. */
  rotate(): Promise<void>;
  /** HUP: how many directories are open afterwards; with 0 what comes is dropped, and svlogd would exit with 111. */
  reopen(): Promise<number>;
  /** TERM: reads on only to the end of an unfinished line, then closes all; what is in the pipe stays there. */
  finish(): void;
  /** Reads no more, ends an unfinished line with a newline, then closes all. */
  close(): Promise<void>;
  /** As `close`, but an unfinished line is not written: it is the answer (empty if there is none), for the next stream. */
  release(): Promise<Buffer>;
}
