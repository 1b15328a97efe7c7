// The log directories of services: made, locked by the core (so that a dead manager leaves them to nobody else), and
// written by the filer. Whatever is wrong with one, its service runs: its output then goes where upkeep's own goes.
import { close as closeFile, constants, fstat, open as openFile } from "node:fs";
import { mkdir, readlink } from "node:fs/promises";
import { promisify } from "node:util";
import { type Clock, type Ms, monotonic } from "../base/clock.ts";
import { errorCode } from "../base/errors.ts";
import type { Core, Hello } from "../channel/core.ts";
import type { Told } from "../log/dir/model.ts";
import type { Filer } from "../log/filer.ts";
import type { OnLost } from "../log/loss.ts";
import type { PipeOptions } from "../log/pipe.ts";
import type { Voice } from "../log/voice.ts";
import type { Mounts } from "../process/mounts.ts";
import { durationText } from "../service/duration.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { createLogLocks, SILENT } from "./log-locks.ts";

export interface LogFiles {
  /** Writes the pipe `tag` of service `number` into its log directory; `refused` is called where that cannot be. */
  add(tag: string, number: number, spec: ServiceSpec, pipe: PipeOptions, refused: () => void): void;
  has(tag: string): boolean;
  /** The core's answer to the request for a lock; false if it was none of ours. */
  locked(number: number, what: string, step: string, errno: number): boolean;
  readable(tag: string): void;
  endLine(tag: string): void;
  /** Writes what is in the pipe now, and lets go of the directory; with `look` false only what was read already. */
  remove(tag: string, look: boolean): Promise<void>;
  /** Lets go of what an earlier manager had locked for others than these services. */
  keepOnly(numbers: readonly number[]): void;
  /** Writes everything and closes all directories. */
  close(): Promise<void>;
}

export interface LogFilesParts {
  readonly core: Core;
  readonly hello: Hello;
  readonly voice: Voice;
  readonly uid: number;
  readonly onLost: OnLost;
  readonly clock?: Clock;
  readonly mounts: Pick<Mounts, "isLocal">;
}

interface Seat {
  readonly number: number;
  readonly name: string;
  readonly dir: string;
  /** What came while the directory was being opened. */
  isReadable: boolean;
  isEnded: boolean;
  isGone: boolean;
  isWaiting: boolean;
  /** Ends the pause before its lock is asked for again. */
  wake: () => void;
  overAt: Ms;
  opened: Promise<void>;
  /** The directory itself: who may rename it, or what is above it, leads us nowhere else. */
  fd: number | null;
}

const DIRECTORY_MODE = 0o755;
/** A lock that the file system has not answered for is asked for again after this. */
const AGAIN: Ms = 15_000;
/** A slow disk is told of at most so often. */
const TELL_EVERY: Ms = 60_000;

/** The log directories of one manager's services. */
export function createLogFiles(parts: LogFilesParts): LogFiles {
  const { core, hello, voice, uid, onLost, clock = monotonic, mounts } = parts;
  const locks = createLogLocks(core, hello);
  const seats = new Map<string, Seat>();
  let filer: Filer | null = null;

  const waits = (seat: Seat, why: string) => {
    if (seat.isWaiting || clock.now() - seat.overAt < TELL_EVERY) return;
    seat.isWaiting = true;
    voice.warn(`${seat.name} may have to wait: ${why}`, { service: seat.name });
  };
  const goesOn = (seat: Seat, took: Ms) => {
    if (!seat.isWaiting) return;
    seat.isWaiting = false;
    seat.overAt = clock.now();
    voice.info(`${seat.dir} takes the output of ${seat.name} again, after ${durationText(took)}`, {
      service: seat.name,
    });
  };
  const load = async (): Promise<{
    filer: Filer;
    open: typeof import("../log/dir/directory.ts")["openLogDirectory"];
  }> => {
    const [{ createFiler }, { openLogDirectory }, { createLogStream }] = await Promise.all([
      import("../log/filer.ts"),
      import("../log/dir/directory.ts"),
      import("../log/dir/stream.ts"),
    ]);
    const seatOf = (tag: string, does: (seat: Seat) => void) => {
      const seat = seats.get(tag);
      if (seat !== undefined) does(seat);
    };
    filer ??= createFiler({
      core,
      onLost,
      onSlow: (tag) => seatOf(tag, (seat) => waits(seat, `${seat.dir} has taken nothing for a second`)),
      onOver: (tag, took) => seatOf(tag, (seat) => goesOn(seat, took)),
      stream: createLogStream,
      clock,
    });
    return { filer, open: openLogDirectory };
  };
  /** As often as its file system does not answer. */
  const lock = async (seat: Seat, mayHang: boolean): Promise<string | null> => {
    for (;;) {
      const fault = await locks.take(seat.number, seat.dir, mayHang);
      if (fault !== SILENT || seat.isGone) return fault;
      waits(seat, `${seat.dir} does not answer; it is tried again every ${durationText(AGAIN)}`);
      await new Promise<void>((resolve) => {
        seat.wake = resolve;
        clock.at(clock.now() + AGAIN, resolve);
      });
      if (seat.isGone) return fault;
    }
  };
  const give = (seat: Seat) => {
    seat.isGone = true;
    seat.wake();
  };
  // One set of functions for all seats: there may be a thousand.
  class SeatTold implements Told {
    readonly #seat: Seat;
    constructor(seat: Seat) {
      this.#seat = seat;
    }
    warning(text: string): void {
      const { name } = this.#seat;
      voice.warn(`log of ${name}: ${text}`, { service: name });
    }
    pausing(text: string): void {
      waits(this.#seat, `${text}; it is tried again every 3 s`);
    }
    alert(lines: Buffer): void {
      this.warning(lines.toString().trimEnd());
    }
  }
  /** Null once it is open, or why it cannot be. */
  const open = async (tag: string, seat: Seat, spec: ServiceSpec, pipe: PipeOptions): Promise<string | null> => {
    const { dir, number } = seat;
    let path = dir;
    let mayHang = true;
    try {
      await mkdir(dir, { recursive: true, mode: DIRECTORY_MODE });
      // As a number: Node's own object for it takes up half a KB.
      const fd = await promisify(openFile)(dir, constants.O_RDONLY | constants.O_DIRECTORY);
      seat.fd = fd;
      const owner = (await promisify(fstat)(fd)).uid;
      if (owner !== uid) return `the directory belongs to uid ${owner}, and upkeep runs as uid ${uid}`;
      const own = `/proc/self/fd/${fd}`;
      const real = await readlink(own).catch(() => null);
      // Without /proc nothing is known of mounts either.
      if (real !== null) path = own;
      mayHang = real === null || !mounts.isLocal(real);
    } catch (error) {
      return errorCode(error);
    }
    const fault = await lock(seat, mayHang);
    if (fault !== null) return fault;
    const engine = await load();
    const told = new SeatTold(seat);
    const directory = await engine.open(path, told, { name: dir });
    if (directory === null) {
      locks.letGo(number);
      return "it cannot be opened";
    }
    engine.filer.add(tag, { directory, stamp: spec.logTimestamps ? 2 : 0, told, ...pipe });
    return null;
  };
  const leave = async (seat: Seat) => {
    const { fd } = seat;
    seat.fd = null;
    if (fd !== null) await promisify(closeFile)(fd);
  };
  const remove = async (tag: string, look: boolean) => {
    const seat = seats.get(tag);
    if (seat === undefined) return;
    give(seat);
    await seat.opened;
    if (look) await filer?.flush(tag);
    await filer?.remove(tag);
    if (seats.get(tag) === seat) seats.delete(tag);
    await leave(seat);
    locks.letGo(seat.number);
  };

  return {
    add(tag, number, spec, pipe, refused) {
      const before = seats.get(tag);
      const seat: Seat = {
        number,
        name: spec.name,
        dir: spec.logDir ?? "",
        isReadable: false,
        isEnded: false,
        isGone: false,
        isWaiting: false,
        wake() {},
        overAt: Number.NEGATIVE_INFINITY,
        opened: Promise.resolve(),
        fd: null,
      };
      const begin = async () => {
        await before?.opened;
        const fault = await open(tag, seat, spec, pipe);
        if (fault === null) {
          if (seat.isReadable) filer?.readable(tag);
          if (seat.isEnded) filer?.endLine(tag);
          return;
        }
        await leave(seat);
        voice.error(`cannot log ${spec.name} into ${seat.dir}: ${fault}; its output goes where upkeep's own goes`);
        if (seats.get(tag) === seat) seats.delete(tag);
        if (!seat.isGone) refused();
      };
      seats.set(tag, seat);
      seat.opened = begin();
    },
    has: (tag) => seats.has(tag),
    locked: locks.answered,
    readable(tag) {
      const seat = seats.get(tag);
      if (filer?.has(tag) === true) filer.readable(tag);
      else if (seat !== undefined) seat.isReadable = true;
    },
    endLine(tag) {
      const seat = seats.get(tag);
      if (filer?.has(tag) === true) filer.endLine(tag);
      else if (seat !== undefined) seat.isEnded = true;
    },
    remove,
    keepOnly: locks.keepOnly,
    async close() {
      // Whoever waits for a lock waits no longer.
      for (const seat of seats.values()) give(seat);
      await Promise.all([...seats.values()].map(({ opened }) => opened));
      await filer?.close();
    },
  };
}
