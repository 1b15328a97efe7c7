import type { Exit } from "../base/exit.ts";

/** Where a stream of a new process goes. */
export type Stream = "null" | "inherit" | { readonly pipe: string };

/** Everything about a process to be started; the environment is given as differences to the core's own. */
export interface SpawnRequest {
  readonly argv: readonly string[];
  /** What the program is told to be called, in the place of its own first word. */
  readonly argv0?: string;
  /** Its root directory; `dir` and `lock` are within it. */
  readonly root?: string;
  readonly dir: string;
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
  readonly input: Stream;
  readonly output: Stream;
  readonly error: Stream;
  /** False: no session of its own, but a process group in the foreground of the supervisor's terminal. Default true. */
  readonly session?: boolean;
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  readonly umask?: number;
  readonly nice?: number;
  /** By the kernel's number of the resource; null is unlimited. */
  readonly limits?: readonly {
    readonly resource: number;
    readonly soft: number | null;
    readonly hard: number | null | "inherited";
  }[];
  /** A file that it holds locked for as long as it lives; one that is held is waited for, or a failure. */
  readonly lock?: { readonly file: string; readonly waits: boolean };
  /** Descriptors, of 0 to 2, that it does not have. */
  readonly closed?: readonly number[];
  /** The descriptor on which a newline says ready. */
  readonly notify?: number;
}

/** The contents of the files `pid`, `stat` and `status`; the last as hexadecimal digits. */
export interface StateFiles {
  readonly pid: string;
  readonly stat: string;
  readonly status: string;
}

/** What the manager asks of the core. Nothing is answered at once, and all goes out at the end of the turn. */
export interface Core {
  /** Starts a process of service `number` under this id, which no other process has ever had. */
  spawn(id: string, number: number, request: SpawnRequest): void;
  kill(id: string, signal: number, group: boolean): void;
  /** Signals a process that no spawn of ours knows, if its start time (clock ticks since boot) still is this one. */
  stray(pid: number, start: string, signal: number): void;
  /** Makes a log pipe; with `read` its read end comes to the manager. */
  pipe(tag: string, read: boolean): void;
  /** Closes the write end: its reader sees the end of the file. */
  shut(tag: string): void;
  drop(tag: string): void;
  /** The manager is about to read this pipe; false if the core is too busy to be told now: then nothing may be read. */
  taking(tag: string): boolean;
  /** `bytes` of it are in our hands, the `partial` ones of an unfinished line included. */
  held(tag: string, bytes: number, partial: number): void;
  /** It was empty, and all is written out but `partial` bytes of an unfinished line; `readable` is told again. */
  drained(tag: string, partial: number): void;
  /** Much comes through it: it is made larger if that is possible, and a read may take 512 KB from now on. */
  enlarge(tag: string): void;
  /** What dead managers took of it and nobody has said yet; 0 once it is said. */
  lost(tag: string, bytes: number): void;
  /**
   * Takes the lock in this supervise directory of service `number`; where somebody else has it, nothing of it starts.
   * `makes`: it is made where it is missing, which costs more than a start does. `mayHang`: its file system may never
   * answer, so that the core itself must not ask it; what has taken too long is ETIMEDOUT.
   */
  supervise(number: number, path: string, how: { readonly makes: boolean; readonly mayHang: boolean }): void;
  /** Opens the fifos there: from now on others see that the directory is supervised. */
  offer(number: number, mayHang: boolean): void;
  /** Lets lock and fifos go. */
  release(number: number): void;
  /** Writes the files in the supervise directory `path` of service `number`, without anybody waiting for the disk. */
  inscribe(number: number, path: string, files: StateFiles): void;
  remember(key: string, blob: string): void;
  forget(key: string): void;
  /** A fact is dealt with; the new blob goes with it in one frame. */
  ack(serial: string, key?: string, blob?: string): void;
  listen(path: string, mode: number, gid: number | null): void;
  budget(milliseconds: number): void;
  stopOn(signals: readonly number[]): void;
  stopping(): void;
  ready(): void;
  /** What was asked is complete: it goes out now if there is much of it, with `isFirst` also if it is the first of this turn. */
  hasten(isFirst: boolean): void;
  /** The last word: the core ends the manager and leaves with this code. */
  exit(code: number): void;
}

/** A child of an earlier manager that is alive, or whose exit is still to be told. */
export interface KnownChild {
  readonly id: string;
  readonly pid: number;
  readonly notified: boolean;
  readonly executed: boolean;
}

/** A log pipe of an earlier manager. `lost`: bytes that it and others had in their hands; `atMost` if that is a bound. */
export interface KnownPipe {
  readonly tag: string;
  readonly read: boolean;
  readonly skip: boolean;
  readonly lost: number;
  readonly atMost: boolean;
}

/** A supervise directory that the core holds for a service of an earlier manager; `offered`: its fifos, too. */
export interface KnownDirectory {
  readonly number: number;
  readonly offered: boolean;
  readonly path: string;
}

/** What the core says first to every manager. */
export interface Hello {
  readonly corePid: number;
  readonly isPid1: boolean;
  /** Distinguishes this core from others in the marks of its children. */
  readonly instance: number;
  readonly children: readonly KnownChild[];
  readonly pipes: readonly KnownPipe[];
  readonly directories: readonly KnownDirectory[];
  readonly blobs: ReadonlyMap<string, string>;
}

/** An adopted process that was reaped; `session` tells whose it was. */
export interface Orphan {
  readonly pid: number;
  readonly session: number;
  readonly exit: Exit;
}

/** What the core tells, as it happens. Facts carry a serial and are told until they are acknowledged. */
export interface Listener {
  hello(hello: Hello): void;
  spawned(id: string, pid: number): void;
  failed(id: string, step: string, errno: number): void;
  exited(serial: string, id: string, pid: number, exit: Exit): void;
  /** `count` processes were reaped, of which some are described. */
  orphans(count: number, some: readonly Orphan[]): void;
  signal(serial: string, signal: number, pid: number, uid: number): void;
  notified(id: string): void;
  /** A letter has been written to the fifo `control` of this service. */
  letter(serial: string, number: number, letter: string): void;
  /** What became of `supervise` (`lock`) or `offer`; `yield`: let go, for the core needs the descriptors. 0 is done. */
  supervised(number: number, asked: string, step: string, errno: number): void;
  /** What became of `inscribe`: an errno, 0 is done. EINTR: it has not come to its turn, and may be asked for again. */
  inscribed(number: number, errno: number): void;
  readable(tags: readonly string[]): void;
  piped(tag: string, errno: number): void;
  listening(path: string, errno: number): void;
  /** All that came together has been told. */
  turn(): void;
}
