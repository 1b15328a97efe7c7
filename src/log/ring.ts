// The last output of one service, in memory: at most so many bytes and lines, and no more memory than they need.
import { goesOn, type Lines, startAfter } from "./lines.ts";

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
  const max = { ...DEFAULTS, ...limits };
  const followers = new Set<Follower>();
  // Both are circles: bytes from `oldestByte`, and one row per line from `oldestLine`. They double up to their limits.
  let store = Buffer.alloc(0);
  let oldestByte = 0;
  let usedBytes = 0;
  let rows = createRows(0);
  let oldestLine = 0;
  let usedLines = 0;
  let catchUp: () => void = () => {};

  const forgetOldest = () => {
    const length = rows.lengths[oldestLine] as number;
    oldestByte = (oldestByte + length) % store.length;
    usedBytes -= length;
    oldestLine = (oldestLine + 1) % rows.times.length;
    usedLines--;
  };
  const copyOut = (from: number, length: number): Buffer => {
    const line = Buffer.allocUnsafe(length);
    const head = store.copy(line, 0, from, Math.min(from + length, store.length));
    if (head < length) store.copy(line, head, 0, length - head);
    return line;
  };
  const makeRoom = (length: number, count: number) => {
    const rowsWanted = Math.min(max.lines, usedLines + count);
    if (rowsWanted > rows.times.length) {
      const size = Math.min(max.lines, Math.max(FIRST_LINES, 2 * rows.times.length, rowsWanted));
      rows = grownRows(rows, oldestLine, usedLines, size);
      oldestLine = 0;
    }
    const bytesWanted = Math.min(max.bytes, usedBytes + length);
    if (bytesWanted > store.length) {
      const grown = Buffer.alloc(Math.min(max.bytes, Math.max(FIRST_BYTES, 2 * store.length, bytesWanted)));
      copyOut(oldestByte, usedBytes).copy(grown);
      store = grown;
      oldestByte = 0;
    }
    while (usedLines + count > max.lines || usedBytes + length > max.bytes) forgetOldest();
  };
  /** All lines of a block from line `first` on, which fit together, or a single one that may be too long. */
  const add = (lines: Lines, first: number, time: number, order: number) => {
    const { bytes, ends } = lines;
    const from = startAfter(lines, first - 1);
    const end = startAfter(lines, ends.length - 1);
    const length = Math.min(end - from, max.bytes);
    makeRoom(length, ends.length - first);
    const to = (oldestByte + usedBytes) % store.length;
    const head = bytes.copy(store, to, from, Math.min(from + length, from + store.length - to));
    if (head < length) bytes.copy(store, 0, from + head, from + length);
    usedBytes += length;
    let start = from;
    for (let index = first; index < ends.length; index++) {
      const row = (oldestLine + usedLines++) % rows.times.length;
      const next = Math.min(startAfter(lines, index), from + length);
      rows.times[row] = time;
      rows.orders[row] = order + index;
      rows.lengths[row] = next - start;
      rows.newlines[row] = next - (ends[index] as number) === 1 ? 1 : 0;
      rows.continues[row] = goesOn(lines, index) || next < (ends[index] as number) ? 1 : 0;
      start = next;
    }
  };
  const last = (count: number): LogLine[] => {
    const lines: LogLine[] = [];
    let end = oldestByte + usedBytes;
    for (let index = usedLines - 1; index >= Math.max(0, usedLines - count); index--) {
      const row = (oldestLine + index) % rows.times.length;
      end -= rows.lengths[row] as number;
      const length = (rows.lengths[row] as number) - (rows.newlines[row] as number);
      const line = {
        service,
        time: rows.times[row] as number,
        line: length === 0 ? Buffer.alloc(0) : copyOut(end % store.length, length),
        continues: rows.continues[row] === 1,
      };
      orders.set(line, rows.orders[row] as number);
      lines.push(line);
    }
    return lines.reverse();
  };
  /** Not from within `push`: what a follower does, or throws, is not the reader's business. */
  const tell = (count: number) => {
    const told = Math.min(count, usedLines);
    const lines = last(told);
    for (const follower of followers) {
      queueMicrotask(() => {
        if (followers.has(follower)) follower(lines, count - told);
      });
    }
  };

  return {
    push(blocks, time) {
      let count = 0;
      for (const lines of blocks) {
        // Of a block that is longer than the ring only the end is copied; then nothing older has a place.
        const first = firstThatFits(lines, max);
        if (first > 0) while (usedLines > 0) forgetOldest();
        add(lines, first, time, newest);
        newest += lines.ends.length;
        count += lines.ends.length;
      }
      if (followers.size > 0 && count > 0) tell(count);
    },
    last(count) {
      catchUp();
      return last(count);
    },
    isFollowed: () => followers.size > 0,
    onLook(pushNow) {
      catchUp();
      catchUp = pushNow;
    },
    catchUp: () => catchUp(),
    follow(follower) {
      catchUp();
      followers.add(follower);
      return () => followers.delete(follower);
    },
    get bytes() {
      return usedBytes;
    },
  };
}

function firstThatFits(lines: Lines, max: RingLimits): number {
  const last = lines.ends.length - 1;
  const end = startAfter(lines, last);
  let first = Math.max(0, last + 1 - max.lines);
  while (first < last && end - startAfter(lines, first - 1) > max.bytes) first++;
  return first;
}

interface Rows {
  readonly times: Float64Array;
  readonly orders: Float64Array;
  /** With the newline, where there is one. */
  readonly lengths: Uint32Array;
  readonly newlines: Uint8Array;
  readonly continues: Uint8Array;
}

function createRows(size: number): Rows {
  return {
    times: new Float64Array(size),
    orders: new Float64Array(size),
    lengths: new Uint32Array(size),
    newlines: new Uint8Array(size),
    continues: new Uint8Array(size),
  };
}

function grownRows(rows: Rows, oldest: number, used: number, size: number): Rows {
  const grown = createRows(size);
  // Not every row need be in use: a few long lines may have had the older ones forgotten.
  const head = Math.min(used, rows.times.length - oldest);
  for (const key of ["times", "orders", "lengths", "newlines", "continues"] as const) {
    grown[key].set(rows[key].subarray(oldest, oldest + head));
    grown[key].set(rows[key].subarray(0, used - head), head);
  }
  return grown;
}
