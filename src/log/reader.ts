// Moves the output of all services from their pipes to where it belongs. It may be killed between any two lines of its
// code: the core is told beforehand what it might take with it, and nothing is read before what was read is written.
import { readSync } from "node:fs";
import { type Clock, type Ms, monotonic } from "../base/clock.ts";
import { errorCode } from "../base/errors.ts";
import type { Format } from "./format.ts";
import { createSplitter, type Lines, type Splitter } from "./lines.ts";
import type { Ring } from "./ring.ts";
import type { Sink } from "./sink.ts";

/** What the core must know of the bytes in our hands. It says `readable` once, and again only after `drained`. */
export interface PipeCore {
  /** A read follows: should we die now, up to one read is lost. */
  taking(tag: string): void;
  /** `bytes` were read and are not written yet, the unfinished line included; `partial` of them are that line. */
  held(tag: string, bytes: number, partial: number): void;
  /** The pipe was empty, and all is written but an unfinished line of `partial` bytes; 0 at the start of a line. */
  drained(tag: string, partial: number): void;
}

/** What a dead manager left of a pipe: `skip` if the next bytes are the tail of a line, `lost` bytes, null for unknown. */
export interface Takeover {
  readonly skip: boolean;
  readonly lost: number | null;
}

export interface PipeOptions {
  /** The read end, non-blocking; not closed by the reader. */
  readonly fd: number;
  readonly lineMax: number;
  /** Where it goes and how; null keeps it in the ring only. */
  readonly to: { readonly sink: Sink; readonly format: Format } | null;
  /** Null keeps nothing. */
  readonly ring: Ring | null;
  /** Absent for a pipe that no other manager has read. */
  readonly takeover?: Takeover;
}

export interface ReaderOptions {
  readonly core: PipeCore;
  /** Bytes of a service that a dead manager took with it, and the rest of their line; `atMost` where it is a bound. */
  readonly onLost?: (tag: string, lost: { readonly bytes: number; readonly atMost: boolean }) => void;
  /** A pipe that cannot be read (other than for being empty); it is not read again. */
  readonly onFailed?: (tag: string, code: string) => void;
  readonly clock?: Clock;
  /** Wall time for stamps, in milliseconds since 1970. */
  readonly wallTime?: () => number;
  /** read(2) into the buffer: the count, or throws what fs throws. */
  readonly read?: (fd: number, into: Buffer) => number;
  /** Calls back in a later turn of the loop, after waiting events were served. */
  readonly soon?: (wake: () => void) => void;
}

export interface Reader {
  add(tag: string, options: PipeOptions): void;
  /** Writes the unfinished line and forgets the pipe; the caller then closes it. What is in the pipe stays there. */
  remove(tag: string): void;
  /** Changes where a pipe's output goes from its next read on, as a changed specification wants it. */
  redirect(tag: string, to: PipeOptions["to"]): void;
  /** The core's word that there is something to read. */
  readable(tag: string): void;
  /**
   * Reads what is in the pipe now, then ends the unfinished line with a newline: to be called when a main process has
   * ended. Resolves when all of that is written (which may be never, if nobody reads our output), or the pipe removed.
   */
  flush(tag: string): Promise<void>;
  /** True if of these pipes nothing is in our hands but unfinished lines, and nothing known is left in them. */
  idle(tags: readonly string[]): boolean;
  /** Resolves when `idle` holds for all pipes; the caller bounds the wait. */
  whenWritten(): Promise<void>;
}

/** The most that is read from one pipe before what was read is written; what `Takeover.lost` null means. */
export const READ_MAX = 65536;
// Less than half of the smallest pipe that the kernel gives (8 KB): such a pipe may fill for a moment.
const LITTLE = 4096;
const LINGER: Ms = 10;
const TURN: Ms = 5;
const EMPTY = -1;

interface Pipe {
  readonly tag: string;
  readonly fd: number;
  readonly lines: Splitter;
  readonly ring: Ring | null;
  to: PipeOptions["to"];
  /** `waiting`: in one of the queues. `writing`: one chunk is in hand. `quiet`: nothing to do until the core speaks. */
  state: "quiet" | "waiting" | "writing";
  /** There is more to read than has been; only with `writing`. */
  again: boolean;
  /** When it was last read and gave little. */
  gaveLittleAt: Ms;
  /** Not told yet: what the dead manager had, without what is being skipped. */
  lost: number | null;
  isLossTold: boolean;
  flushed: (() => void)[];
}

/** The pump over all pipes; each in its turn, one read at a time, and none while its sink has no room. */
export function createReader(options: ReaderOptions): Reader {
  const { core, clock = monotonic, wallTime = Date.now, read = readSync, soon = setImmediate } = options;
  const chunk = Buffer.allocUnsafeSlow(READ_MAX);
  const pipes = new Map<string, Pipe>();
  let ready: Pipe[] = [];
  const lingering: Pipe[] = [];
  let isPumping = false;
  let writtenListeners: (() => void)[] = [];

  const wait = (pipe: Pipe) => {
    pipe.state = "waiting";
    ready.push(pipe);
    if (isPumping) return;
    isPumping = true;
    soon(pump);
  };
  /** Each ready pipe once, then the loop has its turn: also sooner, if the round takes long. */
  const pump = () => {
    const round = ready;
    ready = [];
    const start = clock.now();
    let done = 0;
    while (done < round.length && (done === 0 || clock.now() - start < TURN)) turn(round[done++] as Pipe);
    ready = round.slice(done).concat(ready);
    isPumping = ready.length > 0;
    if (isPumping) soon(pump);
    else tellWritten();
  };
  const turn = (pipe: Pipe) => {
    if (pipes.get(pipe.tag) !== pipe || pipe.state !== "waiting") return;
    if (pipe.to !== null && !pipe.to.sink.room()) pipe.to.sink.onRoom(() => wait(pipe));
    else take(pipe);
  };
  const take = (pipe: Pipe) => {
    core.taking(pipe.tag);
    const count = readInto(pipe);
    const isEmpty = count < READ_MAX;
    const blocks = count > 0 ? pipe.lines.push(chunk.subarray(0, count)) : [];
    const partial = partialOf(pipe);
    if (count > 0) core.held(pipe.tag, heldBytes(blocks) + partial, partial);
    pipe.gaveLittleAt = count < LITTLE ? clock.now() : Number.NEGATIVE_INFINITY;
    tellLoss(pipe);
    const isFlush = isEmpty && pipe.flushed.length > 0;
    const last = isFlush ? pipe.lines.flush() : null;
    pipe.again = !isEmpty;
    pipe.state = "writing";
    put(pipe, last === null ? blocks : [...blocks, last], () => written(pipe, isFlush));
  };
  const readInto = (pipe: Pipe): number => {
    try {
      return read(pipe.fd, chunk);
    } catch (error) {
      const code = errorCode(error);
      if (code === "EAGAIN") return EMPTY;
      options.onFailed?.(pipe.tag, code);
      return EMPTY;
    }
  };
  const put = (pipe: Pipe, blocks: readonly Lines[], done: () => void) => {
    if (blocks.length === 0) return done();
    const time = wallTime();
    pipe.ring?.push(blocks, time);
    if (pipe.to === null) done();
    else pipe.to.sink.write(pipe.to.format(blocks, time), done);
  };
  return null as never;
}
