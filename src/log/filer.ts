// Moves the output of services from their pipes into log directories. As the reader it tells the core beforehand what it
// might take with it, and reads nothing while what was read is not written: a full disk lets the service wait.
import { type Clock, type Ms, monotonic } from "../base/clock.ts";
import type { LogDirectory, LogSource, LogStream, StreamOptions, Take, Told } from "./dir/model.ts";
import { BATCH } from "./dir/scratch.ts";
import { createFlush, type Flush } from "./flush.ts";
import type { Lines } from "./lines.ts";
import { createSplitter } from "./lines.ts";
import { createLose, type Lose, type OnLost } from "./loss.ts";
import { type PipeCore, type PipeOptions, READ_MAX } from "./pipe.ts";
import { keepRecent } from "./recent.ts";

export interface FilerOptions {
  readonly core: PipeCore;
  readonly onLost: OnLost;
  /** A write takes longer than a second: the service has to wait; and how long it was, once it is over. */
  readonly onSlow: (tag: string) => void;
  readonly onOver: (tag: string, took: Ms) => void;
  readonly stream: (source: LogSource, directories: readonly LogDirectory[], options: StreamOptions) => LogStream;
  readonly clock?: Clock;
}

export interface FileOptions extends PipeOptions {
  readonly directory: LogDirectory;
  /** What svlogd's `-t` says, by their number. */
  readonly stamp: 0 | 2;
  readonly told: Told;
}

export interface Filer {
  add(tag: string, options: FileOptions): void;
  has(tag: string): boolean;
  /** Writes what was read, ends an unfinished line and closes the directory. What is in the pipe stays there. */
  remove(tag: string): Promise<void>;
  readable(tag: string): void;
  /** The main process has ended: its unfinished line is ended once its last words are read. */
  endLine(tag: string): void;
  /** Resolves when what is in the pipe now is read and written. */
  flush(tag: string): Promise<void>;
  /** The same for all, with their directories closed; they are not read any more. */
  close(): Promise<void>;
}

const SLOW: Ms = 1000;
const LAST_WORDS: Ms = 100;
/** So many pipes are made larger at most: what they hold is the kernel's memory. */
const LARGE_PIPES = 32;
const NEWLINE = Buffer.from("\n");

type Parts = FilerOptions & { readonly lose: Lose };

/** One pipe, as its stream sees it and as the core does. */
class Pipe implements LogSource {
  readonly fd: number;
  isLarge = false;
  readonly stream: LogStream;
  /** Since when bytes are in hand that are not written. */
  heldAt: Ms = Number.POSITIVE_INFINITY;
  isSlow = false;
  private readonly tag: string;
  private readonly options: FileOptions;
  private readonly parts: Parts;
  private readonly clock: Clock;
  private readonly isBusy: () => void;
  private readonly mayEnlarge: () => boolean;
  private taker: Take | null = null;
  /** The core will speak once there is something. */
  private isArmed = true;
  private partialBytes = 0;
  private isSkipping: boolean;
  private isTaking = false;
  private endsLineUntil: Ms = Number.NEGATIVE_INFINITY;
  private flushing: Flush | null = null;
  /** The pipe was looked into since the flush was asked for. */
  private hasLooked = false;

  constructor(tag: string, options: FileOptions, parts: Parts, isBusy: () => void, mayEnlarge: () => boolean) {
    this.tag = tag;
    this.fd = options.fd;
    this.options = options;
    this.parts = parts;
    this.clock = parts.clock ?? monotonic;
    this.isBusy = isBusy;
    this.mayEnlarge = mayEnlarge;
    const { takeover } = options;
    this.isSkipping = takeover?.skip ?? false;
    if (takeover !== undefined) parts.lose(tag, takeover.lost, takeover.atMost);
    this.stream = parts.stream(this, [options.directory], {
      told: options.told,
      stamp: options.stamp,
      tap: this.tap(),
      ...(takeover?.skip === true ? { skip: true, skipped: (bytes) => this.skipped(bytes) } : {}),
    });
  }

  private tap(): (bytes: Buffer) => void {
    const { ring, to, lineMax } = this.options;
    if (to === null) return ring === null ? () => {} : keepRecent(ring, lineMax);
    const lines = createSplitter(lineMax);
    return (bytes) => {
      // Ring and format copy what they take: these bytes are another read's soon.
      const blocks: readonly Lines[] = lines.push(bytes);
      if (blocks.length === 0) return;
      const time = Date.now();
      ring?.push(blocks, time);
      to.sink.write(to.format(blocks, time));
    };
  }

  get batchMax(): number {
    return this.isLarge ? BATCH : READ_MAX;
  }
  enlarge(): void {
    if (this.isLarge || !this.mayEnlarge()) return;
    this.isLarge = true;
    this.parts.core.enlarge(this.tag);
  }
  watch(take: Take): void {
    this.taker = take;
    if (this.partialBytes > 0 && this.clock.now() < this.endsLineUntil) {
      this.endsLineUntil = Number.NEGATIVE_INFINITY;
      setImmediate(() => this.give(NEWLINE));
    } else if (!this.isArmed || (this.flushing !== null && !this.hasLooked)) setImmediate(() => this.give(null));
    else if (this.flushing !== null) {
      this.flushing.resolve();
      this.flushing = null;
    }
  }
  pause(): void {
    this.taker = null;
  }
  close(): void {
    this.taker = null;
    this.options.ring?.catchUp();
    this.flushing?.resolve();
    this.written();
  }
  taking(): boolean {
    if (this.options.to?.sink.room() === false) return false;
    this.hasLooked = true;
    // It is told once for each read.
    this.isTaking ||= this.parts.core.taking(this.tag);
    return this.isTaking;
  }
  held(bytes: number, partial: number): void {
    this.written();
    this.isTaking = false;
    this.parts.core.held(this.tag, bytes, partial);
    if (bytes === partial) return;
    this.heldAt = this.clock.now();
    this.isBusy();
  }
  drained(partial: number): void {
    this.written();
    this.partialBytes = partial;
    this.isArmed = true;
    this.isTaking = false;
    // Should we die now, what comes next is a tail for the next one as well.
    this.parts.core.drained(this.tag, this.isSkipping ? Math.max(1, partial) : partial);
  }
  private skipped(bytes: number): void {
    this.isSkipping = false;
    this.parts.lose(this.tag, bytes, false);
  }
  private written(): void {
    const took = this.clock.now() - this.heldAt;
    this.heldAt = Number.POSITIVE_INFINITY;
    if (!this.isSlow) return;
    this.isSlow = false;
    this.parts.onOver(this.tag, took);
  }
  private give(bytes: Buffer | null): void {
    const take = this.taker;
    if (take === null) return;
    this.taker = null;
    if (take(bytes)) this.watch(take);
  }

  readable(): void {
    this.isArmed = false;
    this.give(null);
  }
  endLine(): void {
    this.endsLineUntil = this.clock.now() + LAST_WORDS;
    if (this.taker !== null && this.isArmed) this.give(this.partialBytes > 0 ? NEWLINE : null);
  }
  flush(): Promise<void> {
    this.flushing ??= createFlush();
    this.hasLooked = false;
    if (this.taker !== null) setImmediate(() => this.give(null));
    return this.flushing.promise;
  }
}

/** The pump into log directories. */
export function createFiler(options: FilerOptions): Filer {
  const { clock = monotonic } = options;
  const parts: Parts = { lose: createLose(options.core, options.onLost), ...options };
  const pipes = new Map<string, Pipe>();
  let isLooking = false;

  const look = () => {
    isLooking = false;
    for (const [tag, pipe] of pipes) {
      if (pipe.heldAt === Number.POSITIVE_INFINITY) continue;
      if (!pipe.isSlow && clock.now() - pipe.heldAt >= SLOW) {
        pipe.isSlow = true;
        options.onSlow(tag);
      }
      watch();
    }
  };
  const mayEnlarge = () => [...pipes.values()].filter(({ isLarge }) => isLarge).length < LARGE_PIPES;
  // Nobody looks while nothing is being written.
  const watch = () => {
    if (isLooking) return;
    isLooking = true;
    clock.at(clock.now() + SLOW, look);
  };
  return {
    add: (tag, file) => void pipes.set(tag, new Pipe(tag, file, parts, watch, mayEnlarge)),
    has: (tag) => pipes.has(tag),
    async remove(tag) {
      const pipe = pipes.get(tag);
      pipes.delete(tag);
      await pipe?.stream.close();
    },
    readable: (tag) => pipes.get(tag)?.readable(),
    endLine: (tag) => pipes.get(tag)?.endLine(),
    flush: (tag) => pipes.get(tag)?.flush() ?? Promise.resolve(),
    async close() {
      const all = [...pipes.values()];
      await Promise.all(
        all.map(async (pipe) => {
          await pipe.flush();
          await pipe.stream.close();
        }),
      );
    },
  };
}
