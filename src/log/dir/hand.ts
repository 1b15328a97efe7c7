// What a stream has in hand: bytes that were read and are not written yet. Between batches that is the unfinished line,
// and it takes no more memory than it is long.
import type { Batch } from "./layout.ts";
import { BATCH, giveScratch, takeScratch } from "./scratch.ts";

const NEWLINE = 10;
// The unfinished line that is kept; what is longer is handed on in parts.
const PARTIAL_MAX = 64 * 1024;

/** Has a scratch buffer from the first `room` to the next `release`. */
export class Hand {
  /** How many bytes are in it; new ones are put behind them. */
  size = 0;
  private readonly longest: number;
  private scratch: Buffer | null = null;
  private kept: Buffer | null = null; // the unfinished line, while there is no scratch
  private known = 0; // so many of them were there before the last reads
  private taken = 0; // so many are being written
  private column = 0; // so much of the unfinished line was handed on
  private skipped = 0;
  /** What comes first is the tail of a line whose start is lost. */
  isSkipping: boolean;

  /** At least `lineMax` bytes of a line are handed on together. `carry`: what is in it at first. */
  constructor(lineMax: number, carry: Buffer | null, isSkipping: boolean) {
    this.longest = Math.max(PARTIAL_MAX, lineMax);
    this.kept = carry;
    this.size = this.known = carry?.length ?? 0;
    this.isSkipping = isSkipping;
  }

  /** The length of the unfinished line; 0 at the start of a line. To be asked while nothing is being written. */
  get partial(): number {
    return this.column + this.size;
  }
  /** Parts of the unfinished line were handed on. */
  get isLong(): boolean {
    return this.column > 0;
  }
  /** A copy of what is in it. */
  rest(): Buffer {
    return Buffer.from((this.scratch ?? this.kept ?? Buffer.alloc(0)).subarray(0, this.size));
  }
  /** Drops what is there of a lost line's tail, and says how much of it was dropped so far. */
  skip(): number {
    const scratch = this.room(0);
    const newline = scratch.subarray(0, this.size).indexOf(NEWLINE);
    const count = newline < 0 ? this.size : newline + 1;
    scratch.copyWithin(0, count, this.size);
    this.size -= count;
    this.known = Math.min(this.known, this.size);
    this.skipped += count;
    this.isSkipping = newline < 0;
    return this.skipped;
  }
  /** What came since the last batch. */
  get fresh(): Buffer {
    return this.room(0).subarray(this.known, this.size);
  }
  /** The buffer, with room for at least so many bytes behind what is in it. */
  room(most: number): Buffer {
    if (this.scratch !== null && this.scratch.length - this.size >= most) return this.scratch;
    const scratch = takeScratch(Math.max(BATCH, this.size + most));
    if (this.scratch !== null) {
      this.scratch.copy(scratch, 0, 0, this.size);
      giveScratch(this.scratch);
    } else if (this.kept !== null) this.kept.copy(scratch);
    this.kept = null;
    this.scratch = scratch;
    return scratch;
  }
  add(bytes: Buffer): void {
    this.size += bytes.copy(this.room(bytes.length), this.size);
  }
  /** Ends an unfinished line with a newline. */
  endLine(): void {
    if (this.partial === 0) return;
    const scratch = this.room(1);
    if (this.size === 0 || scratch[this.size - 1] !== NEWLINE) scratch[this.size++] = NEWLINE;
  }
  /** The whole lines of it, or a part of a line that is too long to be kept; null if there are none. `taken` follows. */
  take(): Batch | null {
    const scratch = this.room(0);
    let to = scratch.subarray(0, this.size).lastIndexOf(NEWLINE) + 1;
    if (to === 0 && this.size >= this.longest) to = this.size;
    this.taken = to;
    if (to === 0) return null;
    const { column } = this;
    const bytes = scratch.subarray(0, to);
    this.column = bytes[to - 1] === NEWLINE ? 0 : column + to;
    return { bytes, column };
  }
  /** How much `take` has left. */
  get left(): number {
    return this.size - this.taken;
  }
  /** What was taken is written. */
  written(): void {
    if (this.taken > 0) this.scratch?.copyWithin(0, this.taken, this.size);
    this.size -= this.taken;
    this.taken = 0;
    this.known = this.size;
  }
  /** Gives the buffer back; nothing may be being written. */
  release(): void {
    if (this.scratch === null) return;
    this.kept = this.size === 0 ? null : Buffer.from(this.scratch.subarray(0, this.size));
    giveScratch(this.scratch);
    this.scratch = null;
  }
}
