// The last output of one service, in memory: at most so many bytes and lines, and no more memory than they need.
import { goesOn, type Lines, startAfter } from "./lines.ts";
import { createRows, grownRows } from "./rows.ts";

/** A line of a service's output, as it is kept for `upkeep logs`. */
export interface LogLine {
  readonly service: string;
  /** Wall time of its reading, in milliseconds since 1970. */
  readonly time: number;
  /** Without its newline; bytes as they came. */
  readonly line: Buffer;
  /** True if the line went on in another piece (it was longer than log-line-max). */
  readonly continues: boolean;
}

export interface RingLimits {
  /** Default 64 KB, newlines counted. A single longer line is kept by its first `bytes` bytes, and `continues`. */
  readonly bytes: number;
  /** Default 1,000. */
  readonly lines: number;
}

/** `skipped` lines came before these since the last call, too many at once to be told one by one. */
export type Follower = (lines: readonly LogLine[], skipped: number) => void;

export interface Ring {
  push(blocks: readonly Lines[], time: number): void;
  /** The newest `count` lines, oldest first. */
  last(count: number): readonly LogLine[];
  /**
   * Calls `follower` after each push, with no more lines than the ring's limit, until the returned function is called.
   * A follower that throws harms neither the ring nor who pushed.
   */
  follow(follower: Follower): () => void;
  isFollowed(): boolean;
  /** Calls `pushNow` before anybody looks: who pushes may put it off until then. */
  onLook(pushNow: () => void): void;
  /** Has what was put off pushed. */
  catchUp(): void;
  /** What the lines take up, with their newlines. */
  readonly bytes: number;
}

const DEFAULTS: RingLimits = { bytes: 65536, lines: 1000 };
const FIRST_BYTES = 1024;
const FIRST_LINES = 16;
const NO_BYTES = Buffer.alloc(0);
const NO_ROWS = createRows(0);

// Numbers all lines of all rings in the order of their reading; the clock's milliseconds would not tell them apart.
let newest = 0;
const orders = new WeakMap<LogLine, number>();

/** The newest `count` lines of several rings, in the order of their reading. */
export function lastOf(rings: readonly Ring[], count: number): readonly LogLine[] {
  const all = rings.flatMap((ring) => ring.last(count));
  if (rings.length > 1) all.sort((a, b) => (orders.get(a) ?? 0) - (orders.get(b) ?? 0));
  return count > 0 ? all.slice(-count) : [];
}

/** An empty ring for `service`; limits default to 64 KB and 1,000 lines. */
export function createRing(service: string, limits: Partial<RingLimits> = {}): Ring {
  return new Circles(service, { ...DEFAULTS, ...limits });
}

/** A class, for there is one per service: functions of its own would take up more than the lines of most. */
class Circles implements Ring {
  readonly #service: string;
  readonly #max: RingLimits;
  readonly #followers = new Set<Follower>();
  // Both are circles: bytes from `#oldestByte`, and one row per line from `#oldestLine`. They double up to their limits.
  #store = NO_BYTES;
  #oldestByte = 0;
  #usedBytes = 0;
  #rows = NO_ROWS;
  #oldestLine = 0;
  #usedLines = 0;
  #pushNow: (() => void) | null = null;

  constructor(service: string, max: RingLimits) {
    this.#service = service;
    this.#max = max;
  }

  get bytes(): number {
    return this.#usedBytes;
  }

  push(blocks: readonly Lines[], time: number): void {
    let count = 0;
    for (const lines of blocks) {
      // Of a block that is longer than the ring only the end is copied; then nothing older has a place.
      const first = firstThatFits(lines, this.#max);
      if (first > 0) while (this.#usedLines > 0) this.#forgetOldest();
      this.#add(lines, first, time, newest);
      newest += lines.ends.length;
      count += lines.ends.length;
    }
    if (this.#followers.size > 0 && count > 0) this.#tell(count);
  }

  last(count: number): LogLine[] {
    this.catchUp();
    return this.#last(count);
  }

  isFollowed(): boolean {
    return this.#followers.size > 0;
  }

  onLook(pushNow: () => void): void {
    this.catchUp();
    this.#pushNow = pushNow;
  }

  catchUp(): void {
    this.#pushNow?.();
  }

  follow(follower: Follower): () => void {
    this.catchUp();
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  #forgetOldest(): void {
    const rows = this.#rows;
    const length = rows.lengths[this.#oldestLine] as number;
    this.#oldestByte = (this.#oldestByte + length) % this.#store.length;
    this.#usedBytes -= length;
    this.#oldestLine = (this.#oldestLine + 1) % rows.times.length;
    this.#usedLines--;
  }

  #copyOut(from: number, length: number): Buffer {
    const store = this.#store;
    const line = Buffer.allocUnsafe(length);
    const head = store.copy(line, 0, from, Math.min(from + length, store.length));
    if (head < length) store.copy(line, head, 0, length - head);
    return line;
  }

  #makeRoom(length: number, count: number): void {
    const max = this.#max;
    const rowsWanted = Math.min(max.lines, this.#usedLines + count);
    const rowsNow = this.#rows.times.length;
    if (rowsWanted > rowsNow) {
      const size = Math.min(max.lines, Math.max(FIRST_LINES, 2 * rowsNow, rowsWanted));
      this.#rows = grownRows(this.#rows, this.#oldestLine, this.#usedLines, size);
      this.#oldestLine = 0;
    }
    const bytesWanted = Math.min(max.bytes, this.#usedBytes + length);
    const bytesNow = this.#store.length;
    if (bytesWanted > bytesNow) {
      const grown = Buffer.alloc(Math.min(max.bytes, Math.max(FIRST_BYTES, 2 * bytesNow, bytesWanted)));
      this.#copyOut(this.#oldestByte, this.#usedBytes).copy(grown);
      this.#store = grown;
      this.#oldestByte = 0;
    }
    while (this.#usedLines + count > max.lines || this.#usedBytes + length > max.bytes) this.#forgetOldest();
  }

  /** All lines of a block from line `first` on, which fit together, or a single one that may be too long. */
  #add(lines: Lines, first: number, time: number, order: number): void {
    const { bytes, ends } = lines;
    const from = startAfter(lines, first - 1);
    const end = startAfter(lines, ends.length - 1);
    const length = Math.min(end - from, this.#max.bytes);
    this.#makeRoom(length, ends.length - first);
    const store = this.#store;
    const rows = this.#rows;
    const to = (this.#oldestByte + this.#usedBytes) % store.length;
    const head = bytes.copy(store, to, from, Math.min(from + length, from + store.length - to));
    if (head < length) bytes.copy(store, 0, from + head, from + length);
    this.#usedBytes += length;
    let start = from;
    for (let index = first; index < ends.length; index++) {
      const row = (this.#oldestLine + this.#usedLines++) % rows.times.length;
      const next = Math.min(startAfter(lines, index), from + length);
      rows.times[row] = time;
      rows.orders[row] = order + index;
      rows.lengths[row] = next - start;
      rows.newlines[row] = next - (ends[index] as number) === 1 ? 1 : 0;
      rows.continues[row] = goesOn(lines, index) || next < (ends[index] as number) ? 1 : 0;
      start = next;
    }
  }

  #last(count: number): LogLine[] {
    const rows = this.#rows;
    const lines: LogLine[] = [];
    let end = this.#oldestByte + this.#usedBytes;
    for (let index = this.#usedLines - 1; index >= Math.max(0, this.#usedLines - count); index--) {
      const row = (this.#oldestLine + index) % rows.times.length;
      end -= rows.lengths[row] as number;
      const length = (rows.lengths[row] as number) - (rows.newlines[row] as number);
      const line = {
        service: this.#service,
        time: rows.times[row] as number,
        line: length === 0 ? NO_BYTES : this.#copyOut(end % this.#store.length, length),
        continues: rows.continues[row] === 1,
      };
      orders.set(line, rows.orders[row] as number);
      lines.push(line);
    }
    return lines.reverse();
  }

  /** Not from within `push`: what a follower does, or throws, is not the reader's business. */
  #tell(count: number): void {
    const followers = this.#followers;
    const told = Math.min(count, this.#usedLines);
    const lines = this.#last(told);
    for (const follower of followers) {
      queueMicrotask(() => {
        if (followers.has(follower)) follower(lines, count - told);
      });
    }
  }
}

function firstThatFits(lines: Lines, max: RingLimits): number {
  const last = lines.ends.length - 1;
  const end = startAfter(lines, last);
  let first = Math.max(0, last + 1 - max.lines);
  while (first < last && end - startAfter(lines, first - 1) > max.bytes) first++;
  return first;
}
