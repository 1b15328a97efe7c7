// The way of the bytes of one stream: from its source into hand, and from there to its outlets. It reads rarely and much,
// lets more gather in the pipe while it writes, and reads nothing while what was read is not written.
import { type Clock, type Ms, monotonic } from "../../base/clock.ts";
import { createFlush } from "../flush.ts";
import { Hand } from "./hand.ts";
import type { LogSource, LogStream, StreamOptions } from "./model.ts";
import type { Outlets } from "./outlets.ts";
import { ENOUGH, LARGE_PIPE, LINGER, LITTLE, MOMENT, Pace, ROOMY, SMALLEST_PIPE } from "./pace.ts";
import { createRush, type Read, readNow, readSome } from "./read.ts";
import { BATCH } from "./scratch.ts";

/** What tests replace. */
export interface StreamParts {
  readonly clock?: Clock;
  readonly read?: Read;
  /** Calls back when the loop has looked for events once more. */
  readonly soon?: (wake: () => void) => void;
}

const NEWLINE = 10;
const LINE_MAX = 1000;
const LARGE_PIECE = 32 * 1024; // what comes in pieces of this size is worth a read of one's own

/** What must come to pass before the end: `line` the end of a line, `now` and `release` no more than what is in hand. */
type Ending = "no" | "line" | "now" | "release";

/** The states of a stream, and what brings it from one to the next. */
export class Flow implements LogStream {
  private readonly source: LogSource;
  private readonly outlets: Outlets;
  private readonly options: StreamOptions;
  private readonly clock: Clock;
  private readonly read: Read;
  private rush: (() => void) | null = null;
  private readonly soon: (wake: () => void) => void;
  private readonly hand: Hand;
  private readonly over = createFlush();
  private state: "watching" | "gathering" | "writing" | "waiting" | "ended" = "waiting";
  private ending: Ending = "no";
  private count = 0; // read since the last batch
  private readonly pace: Pace;
  private isFast = false;
  private isHeldBack = false; // nothing may be read now
  private hasMore = false; // the last read was as large as it could be
  private cancelWait: (() => void) | null = null;

  constructor(source: LogSource, outlets: Outlets, options: StreamOptions, parts: StreamParts) {
    this.source = source;
    this.outlets = outlets;
    this.options = options;
    this.clock = parts.clock ?? monotonic;
    this.read = parts.read ?? readNow;
    this.soon = parts.soon ?? setImmediate;
    this.hand = new Hand(options.lineMax ?? LINE_MAX, options.carry ?? null, options.skip === true);
    this.pace = new Pace(this.clock);
  }

  get ended(): Promise<void> {
    return this.over.promise;
  }
  rotate(): Promise<void> {
    return this.outlets.rotate();
  }
  reopen(): Promise<number> {
    return this.outlets.reopen();
  }
  finish(): void {
    this.end("line");
  }
  close(): Promise<void> {
    this.end("now");
    return this.ended;
  }
  async release(): Promise<Buffer> {
    this.end("release");
    await this.ended;
    return this.hand.rest();
  }
  private end(how: Ending): void {
    if (this.state === "ended" || this.ending === "now" || this.ending === "release") return;
    this.ending = how;
    if (this.state === "writing") return; // then `written` sees to it
    this.source.pause();
    this.batch();
  }

  watch(): void {
    this.state = "watching";
    this.hand.release();
    this.source.drained?.(this.hand.partial);
    this.source.watch(this.take);
  }
  private resume(): void {
    if (this.isHeldBack && this.source.taking?.() === false) this.wait(LINGER, () => this.resume());
    else this.watch();
  }
  private wait(time: Ms, then: () => void): void {
    this.state = "waiting";
    if (!this.isFast) this.hand.release();
    if (!this.isFast) this.source.held?.(this.hand.partial, this.hand.partial); // should we die now, nothing is lost
    this.cancelWait = this.clock.at(this.clock.now() + time, () => {
      this.cancelWait = null;
      then();
    });
  }

  private readonly take = (bytes: Buffer | null): boolean => {
    const { source } = this;
    if (this.state !== "watching" && this.state !== "gathering") return false;
    // What has been read already is written all the same.
    this.isHeldBack = source.taking?.() === false;
    if (this.isHeldBack && bytes === null) {
      this.wait(LINGER, () => this.resume());
      return false;
    }
    if (bytes !== null) this.add(bytes);
    const isPiece = bytes !== null && bytes.length < LARGE_PIECE;
    if (source.fd !== null && !this.isHeldBack && !isPiece) this.readOn(source.fd);
    const isOpen = this.isFast && bytes !== null && this.ending === "no" && !this.isHeldBack;
    if (isOpen && this.hand.size < this.enough) this.gather();
    else this.batch();
    return false;
  };
  private add(bytes: Buffer): void {
    if (bytes.length === 0) this.ending = "now";
    this.hand.add(bytes);
    this.count += bytes.length;
  }
  private get enough(): number {
    return Math.min(ENOUGH, this.source.batchMax ?? BATCH);
  }
  private readOn(fd: number, most: number = this.source.batchMax ?? BATCH): void {
    const room = most - this.hand.size;
    this.hasMore = false;
    if (room <= 0) return;
    const count = readSome(this.read, this.options.told, fd, this.hand.room(room), this.hand.size, room);
    if (count === null) return;
    if (count === 0) this.ending = "now";
    this.hasMore = count === room;
    this.pace.saw(count);
    this.hand.size += count;
    this.count += count;
  }
  /** From a small pipe it comes in drops, which are collected for a moment. */
  private gather(): void {
    this.state = "gathering";
    this.cancelWait ??= this.clock.at(this.clock.now() + MOMENT, () => {
      this.source.pause();
      this.batch();
    });
    this.pace.startRush();
    this.rush ??= createRush(this.soon, () => this.look());
    this.rush();
  }
  /** While much comes the loop does not sleep: it looks once a turn, and at all others as well. */
  private look(): boolean {
    if (this.state !== "gathering") return false;
    const fd = this.isHeldBack || !this.pace.isRushing ? null : this.source.fd;
    if (fd === null) this.source.watch(this.take);
    else this.readOn(fd);
    const goesOn = this.ending === "no" && this.hand.size < this.enough;
    if (!goesOn) this.batch();
    return goesOn && fd !== null;
  }

  /** Hands on what was read, up to the end of the last line. */
  private batch(): void {
    const { hand, source } = this;
    this.cancelWait?.();
    this.cancelWait = null;
    this.state = "writing";
    if (hand.isSkipping) this.skip();
    if (this.count > 0) this.options.tap?.(hand.fresh);
    // Of a line that was handed on in parts nobody else could write the rest.
    if (this.ending === "now" || (this.ending === "release" && hand.isLong)) hand.endLine();
    const batch = hand.take();
    source.held?.(hand.size, hand.left);
    if (batch === null) {
      this.written();
      return;
    }
    let isNow = true;
    // Where nothing is selected nothing is written, and the loop must have its turn.
    this.outlets.write(batch, () => (isNow ? this.soon(() => this.written()) : this.written()));
    isNow = false;
  }
  private skip(): void {
    const skipped = this.hand.skip();
    if (!this.hand.isSkipping || this.ending === "now") this.options.skipped?.(skipped);
  }
  private written(): void {
    const { count } = this;
    this.hand.written();
    this.pace.add(count);
    this.count = 0;
    if (this.ending !== "no") {
      this.endOn();
      return;
    }
    this.isFast = count >= LITTLE;
    if (this.isFast && !this.isHeldBack) this.goOn();
    else this.wait(LINGER, () => this.resume());
  }
  /** Much is coming. */
  private goOn(): void {
    const { source } = this;
    this.isHeldBack = source.taking?.() === false; // who says no is asked again for the next batch
    const capacity = this.pace.capacity(source.capacity?.() ?? SMALLEST_PIPE);
    if (capacity < ROOMY && source.enlarge !== undefined && this.pace.isTimeToLook()) {
      source.enlarge(LARGE_PIPE);
      return void this.wait(LINGER, () => this.pull());
    }
    const isSmall = source.fd === null || capacity < ROOMY;
    // Who reads all that a read can take has not seen how much is coming.
    const time = isSmall || this.hasMore ? 0 : this.pace.rest(capacity);
    if (isSmall) this.gather();
    else if (time >= 1) this.wait(time, () => this.pull());
    else this.pull();
  }
  /** Reads without having been told that there is something: there is, at such a rate. */
  private pull(): void {
    this.isHeldBack = this.source.taking?.() === false;
    if (this.source.fd !== null && !this.isHeldBack) this.readOn(this.source.fd);
    if (this.count === 0 && this.ending === "no") this.resume();
    else this.batch();
  }
  private endOn(): void {
    const { hand, source } = this;
    if (hand.partial === 0 || this.ending === "release") {
      this.state = "ended";
      hand.release();
      source.drained?.(hand.partial);
      source.close();
      void this.outlets.close().then(() => this.over.resolve());
      return;
    }
    // To the end of the line, not beyond: what follows is for whoever reads the pipe next. The loop gets its turns.
    for (let left = LITTLE; left > 0 && source.fd !== null && this.ending === "line"; left--) {
      const { size } = hand;
      this.readOn(source.fd, size + 1);
      if (hand.size === size || hand.room(0)[size] === NEWLINE) break;
    }
    if (this.count > 0 || this.ending === "now") {
      this.soon(() => this.batch());
      return;
    }
    this.state = "watching";
    source.watch(this.take);
  }
}
