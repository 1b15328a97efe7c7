// Moves the output of all services from their pipes to where it belongs. It may be killed between any two lines of its
// code: the core is told beforehand what it might take with it, and nothing is read before what was read is written.
import { readSync } from "node:fs";
import { type Ms, monotonic } from "../base/clock.ts";
import { errorCode } from "../base/errors.ts";
import { createFlush, type Flush } from "./flush.ts";
import { createSplitter, type Lines, lengthOf, type Splitter } from "./lines.ts";
import { createLose, type OnLost } from "./loss.ts";
import { type PipeCore, type PipeOptions, READ_MAX } from "./pipe.ts";
import { createTurns, LINGER, type TurnOptions } from "./turns.ts";

export interface ReaderOptions extends TurnOptions {
  readonly core: PipeCore;
  readonly onLost?: OnLost;
  /** A pipe that cannot be read (other than for being empty); it is not read again. */
  readonly onFailed?: (tag: string, code: string) => void;
  /** Wall time for stamps, in milliseconds since 1970. */
  readonly wallTime?: () => number;
  /** read(2) into the buffer: the count, or throws what fs throws. */
  readonly read?: (fd: number, into: Buffer) => number;
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
  /**
   * The main process has ended: what is known to be in the pipe is read and the unfinished line ended at once, if there
   * is room for it; else when the pipe is next found empty.
   */
  endLine(tag: string): void;
  /** True if of these pipes nothing is in our hands but unfinished lines, and nothing known is left in them. */
  idle(tags: readonly string[]): boolean;
  /** Resolves when `idle` holds for all pipes; the caller bounds the wait. */
  whenWritten(): Promise<void>;
}

// Less than half of the smallest pipe that the kernel gives (8 KB): such a pipe may fill for a moment.
const LITTLE = 4096;
const EMPTY = -1;
// From an exit to the core's word of what its pipe still holds: they come together.
const LAST_WORDS: Ms = 100;

interface Pipe extends Omit<PipeOptions, "takeover"> {
  readonly tag: string;
  readonly lines: Splitter;
  to: PipeOptions["to"];
  /**
   * `quiet`: the core will speak. `lingering`: filling for a moment. `ready`: its turn comes. `blocked`: its sink has no
   * room. `writing`: a chunk is in hand. `dead`: it cannot be read.
   */
  state: "quiet" | "lingering" | "ready" | "blocked" | "writing" | "dead";
  /** When a read last gave little. */
  gaveLittleAt: Ms;
  /** When the core was last asked to tell of more. */
  drainedAt: Ms;
  /** True until the tail of a dead manager's line is skipped, and its length told. */
  isSkipping: boolean;
  flush: Flush | null;
  /** Until then the unfinished line is ended when the pipe is found empty; later it is another process's. */
  endsLineUntil: Ms;
}

/** The pump over all pipes; each in its turn, one read at a time, and none while its sink has no room. */
export function createReader(options: ReaderOptions): Reader {
  const { core, clock = monotonic, wallTime = Date.now, read = readSync, onLost = () => {} } = options;
  const lose = createLose(core, onLost);
  const chunk = Buffer.allocUnsafeSlow(READ_MAX);
  const pipes = new Map<string, Pipe>();
  let writtenListeners: (() => void)[] = [];

  const makeReady = (pipe: Pipe) => {
    pipe.state = "ready";
    turns.soon(pipe);
  };
  const turn = (pipe: Pipe) => {
    const sink = pipe.to?.sink;
    if (sink === undefined || sink.room()) return take(pipe);
    pipe.state = "blocked";
    sink.onRoom(() => {
      if (pipe.state === "blocked") makeReady(pipe);
    });
  };
  const turns = createTurns<Pipe>((pipe) => {
    // It may have been in both queues, or be gone.
    if (pipe.state === "ready" || pipe.state === "lingering") turn(pipe);
  }, options);

  const take = (pipe: Pipe) => {
    if (!core.taking(pipe.tag)) {
      pipe.state = "lingering";
      return turns.later(pipe);
    }
    const count = readInto(pipe);
    if (pipe.state === "dead") return tellWritten();
    const blocks = count > 0 ? pipe.lines.push(chunk.subarray(0, count)) : [];
    tellSkipped(pipe);
    const partial = partialOf(pipe);
    if (count > 0) core.held(pipe.tag, lengthOf(blocks) + partial, partial);
    pipe.gaveLittleAt = count > 0 && count < LITTLE ? clock.now() : Number.NEGATIVE_INFINITY;
    // A read that gives less than was asked for has emptied the pipe, without the cost of an EAGAIN.
    const isEmpty = count < READ_MAX;
    const flush = isEmpty ? pipe.flush : null;
    if (flush !== null) pipe.flush = null;
    const last = flush === null && !(isEmpty && clock.now() < pipe.endsLineUntil) ? null : endLine(pipe);
    if (isEmpty) pipe.endsLineUntil = Number.NEGATIVE_INFINITY;
    pipe.state = "writing";
    put(pipe, last === null ? blocks : [...blocks, last], () => {
      flush?.resolve();
      if (pipe.state === "writing") written(pipe, isEmpty);
    });
  };
  const readInto = (pipe: Pipe): number => {
    try {
      const count = read(pipe.fd, chunk);
      if (count === 0) end(pipe); // the core has closed the write end
      return count;
    } catch (error) {
      const code = errorCode(error);
      if (code !== "EAGAIN") fail(pipe, code);
      return EMPTY;
    }
  };
  const put = (pipe: Pipe, blocks: readonly Lines[], done: () => void) => {
    if (blocks.length === 0) return done();
    const time = wallTime();
    pipe.ring?.push(blocks, time);
    if (pipe.to === null) return done();
    pipe.to.sink.write(pipe.to.format(blocks, time), done);
  };
  const written = (pipe: Pipe, isEmpty: boolean) => {
    // Its process may have ended while this was written: then there may be a last word, and a line to be ended.
    const endsLine = clock.now() < pipe.endsLineUntil;
    if (!isEmpty || pipe.flush !== null || endsLine) return makeReady(pipe);
    pipe.state = "quiet";
    pipe.drainedAt = clock.now();
    core.drained(pipe.tag, partialOf(pipe));
    tellWritten();
  };

  /** Of what line we have the start alone: should we die, its tail is to be skipped. One to skip has its newline to come. */
  const partialOf = ({ lines }: Pipe): number => (lines.skipping ? Math.max(1, lines.skipped) : lines.kept);
  /** The tail of the line is gone as well; told once. */
  const tellSkipped = (pipe: Pipe) => {
    if (!pipe.isSkipping || pipe.lines.skipping) return;
    pipe.isSkipping = false;
    lose(pipe.tag, pipe.lines.skipped, false);
  };
  const endLine = (pipe: Pipe): Lines | null => {
    const last = pipe.lines.flush();
    tellSkipped(pipe);
    return last;
  };
  /** Not `drained`: the core would say `readable` for ever. */
  const fail = (pipe: Pipe, code: string) => {
    end(pipe);
    options.onFailed?.(pipe.tag, code);
  };
  const end = (pipe: Pipe) => {
    pipe.state = "dead";
    const last = endLine(pipe);
    const { flush } = pipe;
    pipe.flush = null;
    put(pipe, last === null ? [] : [last], () => flush?.resolve());
  };

  const isIdle = (pipe: Pipe | undefined) => pipe === undefined || pipe.state === "quiet" || pipe.state === "dead";
  const tellWritten = () => {
    if (writtenListeners.length === 0 || ![...pipes.values()].every(isIdle)) return;
    const listeners = writtenListeners;
    writtenListeners = [];
    for (const listener of listeners) listener();
  };

  return {
    add(tag, { fd, lineMax, to, ring, takeover }) {
      const pipe: Pipe = {
        fd,
        lineMax,
        to,
        ring,
        tag,
        lines: createSplitter(lineMax, takeover?.skip ?? false),
        state: "quiet",
        gaveLittleAt: Number.NEGATIVE_INFINITY,
        drainedAt: Number.NEGATIVE_INFINITY,
        isSkipping: takeover?.skip ?? false,
        flush: null,
        endsLineUntil: Number.NEGATIVE_INFINITY,
      };
      pipes.set(tag, pipe);
      if (takeover !== undefined) lose(tag, takeover.lost, takeover.atMost);
    },
    remove(tag) {
      const pipe = pipes.get(tag);
      if (pipe === undefined) return;
      pipes.delete(tag);
      if (pipe.state !== "dead") end(pipe);
      tellWritten();
    },
    redirect(tag, to) {
      const pipe = pipes.get(tag);
      if (pipe === undefined) return;
      pipe.to = to;
      if (pipe.state === "blocked") makeReady(pipe);
    },
    readable(tag) {
      const pipe = pipes.get(tag);
      // In any other state it has its turn to come, and `drained` after it.
      if (pipe?.state !== "quiet") return;
      if (clock.now() - pipe.gaveLittleAt >= LINGER) return makeReady(pipe);
      pipe.state = "lingering";
      turns.later(pipe);
    },
    endLine(tag) {
      const pipe = pipes.get(tag);
      if (pipe === undefined || pipe.state === "dead") return;
      pipe.endsLineUntil = clock.now() + LAST_WORDS;
      // At once, before the next process of this service can write behind the unfinished line. What was written before
      // the end was announced before the end, unless the core had only just been asked: else a quiet pipe is empty.
      const mayHoldMore = partialOf(pipe) > 0 || clock.now() - pipe.drainedAt < LAST_WORDS;
      if (pipe.state === "ready" || pipe.state === "lingering" || (pipe.state === "quiet" && mayHoldMore)) turn(pipe);
    },
    flush(tag) {
      const pipe = pipes.get(tag);
      if (pipe === undefined || pipe.state === "dead") return Promise.resolve();
      pipe.flush ??= createFlush();
      if (pipe.state === "quiet" || pipe.state === "lingering") makeReady(pipe);
      return pipe.flush.promise;
    },
    idle: (tags) => tags.every((tag) => isIdle(pipes.get(tag))),
    whenWritten: () =>
      new Promise((resolve) => {
        writtenListeners.push(resolve);
        tellWritten();
      }),
  };
}
