// Writes the logs of one svlogd: reads its input, which stays open in its own process, into the directories that it has
// locked. It sees them by descriptors, so that it does not matter where that process has its root, its mounts or its cwd.
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { errorCode } from "../../base/errors.ts";
import type { Env } from "../../process/environ.ts";
import type { LogDirectory, LogSource, LogStream, Told } from "../dir/model.ts";
import type { Desk } from "./desk.ts";
import type { Engine } from "./engine.ts";
import type { Ledger } from "./ledger.ts";
import type { Handed, HandedDirectory, HandedSignal } from "./request.ts";

/** The process that is a svlogd to its supervisor. */
export interface Holder {
  /** Where its descriptor can be opened. */
  path(fd: number): string;
  /** To its standard error. */
  err(text: string | Uint8Array): void;
  /** Its standard error takes no more: then nothing is read. */
  isFull(): boolean;
  /** After HUP: what it had open before is not used any more. */
  reopened(): void;
  /** Its environment, for processors; null where it cannot be had any more. Absent: it is ours. */
  environment?(): Env | null;
  /** Much comes through its pipe: it may make it larger. */
  enlarge?(bytes: number): void;
}

export interface Writer {
  /** The code that the svlogd is to leave with; never, if it was let go before. */
  readonly ended: Promise<number>;
  signal(signal: HandedSignal): void;
  /** Reads no more, writes what was read and answers with the unfinished line; whoever comes next begins with it. */
  release(): Promise<Buffer>;
  /** The pipe that it reads, by device and inode. */
  readonly pipe: string;
}

export interface WriterParts {
  readonly handed: Handed;
  readonly holder: Holder;
  readonly ledger: Ledger | null;
  readonly desk: Desk;
  readonly engine: Engine;
}

const FATAL = 111;
const NOTHING = Buffer.alloc(0);
/** The most that is read before it is written. */
const BATCH = 256 * 1024;

/** What is open of one directory. */
interface Seat {
  readonly fd: number;
  readonly key: string;
}

/** Begins at once; throws where the input cannot be opened, before anything is read. */
export function createWriter({ handed, holder, ledger, desk, engine }: WriterParts): Writer {
  const { directories, options, verbose } = handed;
  let input: number | null = engine.openInput(holder.path(0));
  const pipe = keyOf(input);
  const left = ledger?.left() ?? { lost: 0, skip: false, carry: NOTHING };
  let stream: LogStream | null = null;
  let opened: LogDirectory[] = [];
  let seats: Seat[] = [];
  let isReleased = false;
  let unwritten: Buffer = NOTHING; // of a stream that was let go for a HUP that nobody waits for any more
  let resolveEnded: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    resolveEnded = resolve;
  });

  const warn = (text: string) => holder.err(`svlogd: warning: ${text}\n`);
  const info = (text: string) => holder.err(`svlogd: info: ${text}\n`);
  const told: Told = {
    warning: warn,
    pausing: (text) => holder.err(`svlogd: pausing: ${text}\n`),
    alert: (lines) => holder.err(Uint8Array.from(lines)),
    ...(verbose ? { info } : {}),
  };

  const openSource = (): Promise<LogSource> => {
    const fd = input ?? engine.openInput(holder.path(0));
    input = null;
    return engine.source(fd, {
      batchMax: BATCH,
      enlarge: (bytes) => holder.enlarge?.(bytes),
      taking() {
        if (holder.isFull()) return false;
        ledger?.taking(BATCH);
        return true;
      },
      held: (bytes, partial) => ledger?.held(bytes, partial),
      drained: (partial) => ledger?.drained(partial),
    });
  };
  // While it surely lives: a processor may run on behind its end.
  let environment: Env | null = null;
  const askEnvironment = () => {
    if (environment !== null || holder.environment === undefined) return environment;
    environment = holder.environment();
    if (environment === null) warn("unable to read the environment of svlogd; the processor runs without it");
    return environment;
  };
  const openOne = async (directory: HandedDirectory): Promise<LogDirectory | null> => {
    if ("warning" in directory) {
      warn(directory.warning);
      return null;
    }
    const { name } = directory;
    try {
      const fd = openSync(holder.path(directory.fd), constants.O_RDONLY | constants.O_DIRECTORY);
      const seat = { fd, key: keyOf(fd) };
      await desk.enter(seat.key);
      seats.push(seat);
      const how = { name, lineMax: options.lineMax ?? 1000, environment: askEnvironment };
      const opened = await engine.openDirectory(`/proc/self/fd/${fd}`, told, how);
      if (opened !== null && opened.config.processor !== null) askEnvironment();
      return opened;
    } catch (error) {
      warn(`unable to open log directory: ${name}: ${errorCode(error)}`);
      return null;
    }
  };
  const leaveDirectories = () => {
    for (const { fd, key } of seats) {
      closeSync(fd);
      desk.leave(key);
    }
    seats = [];
  };
  const end = (code: number) => {
    leaveDirectories();
    resolveEnded(code);
  };
  const start = async (list: readonly HandedDirectory[], carry: Buffer, skip: boolean) => {
    opened = [];
    for (const directory of list) {
      const one = await openOne(directory);
      if (one !== null) opened.push(one);
    }
    if (opened.length === 0) {
      holder.err("svlogd: fatal: no functional log directories.\n");
      if (input !== null) closeSync(input);
      return end(FATAL);
    }
    const current = engine.stream(await openSource(), opened, {
      ...options,
      told,
      ...(carry.length === 0 ? {} : { carry }),
      ...(skip ? { skip, skipped: (bytes) => warn(`${bytes} bytes of the input are lost: the rest of a line`) } : {}),
    });
    stream = current;
    void current.ended.then(() => {
      if (stream === current && !isReleased) end(0);
    });
  };
  const reopen = async (list: readonly HandedDirectory[]) => {
    const before = stream;
    stream = null;
    await Promise.all(opened.map((directory) => directory.heed()));
    const carry = (await before?.release()) ?? NOTHING;
    leaveDirectories();
    if (isReleased) unwritten = carry;
    else await start(list, carry, false);
    holder.reopened();
  };

  const begin = async () => {
    if (left.lost > 0)
      warn(`at most ${left.lost} bytes of the input are lost: the process that had read them was killed`);
    const kept = desk.take(pipe);
    await start(directories, kept.length > 0 ? kept : left.carry, left.skip);
  };
  // One thing after the other: a signal may come while directories are being opened.
  let work: Promise<void> = begin();
  const after = (next: () => void | Promise<void>) => {
    work = work.then(next).catch((error: unknown) => {
      warn(`unable to go on: ${errorCode(error)}`);
      end(FATAL);
    });
  };
  after(() => {});

  return {
    pipe,
    ended,
    signal(signal) {
      after(() => {
        if (isReleased) return;
        switch (signal.signal) {
          case "TERM":
            if (verbose) info("sigterm received.");
            return stream?.finish();
          case "ALRM":
            if (verbose) info("sigalarm received.");
            void stream?.rotate();
            return;
          case "HUP":
            if (verbose) info("sighangup received.");
            return reopen(signal.directories);
        }
      });
    },
    async release() {
      isReleased = true;
      await work;
      const carry = (await stream?.release()) ?? unwritten;
      leaveDirectories();
      return carry;
    },
  };
}

/** Device and inode of what is open there. */
function keyOf(fd: number): string {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return `${dev}:${ino}`;
}
