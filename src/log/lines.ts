// Cuts a stream of bytes into lines. Pure: no clock, no descriptor; the same bytes give the same lines, however they
// were cut into chunks.

/** Lines that lie one after the other in one buffer; they may share the memory of the chunk that was pushed. */
export interface Lines {
  readonly bytes: Buffer;
  /** Where each line ends in `bytes`, its newline not counted; never empty. */
  readonly ends: readonly number[];
  /** True if the first of them is a further piece of a line whose earlier pieces were given before. */
  readonly resumed: boolean;
}

/** True if line `index` goes on in another piece: what follows it is not a newline but more of the line. */
export function goesOn({ bytes, ends }: Lines, index: number): boolean {
  const end = ends[index] as number;
  return end < bytes.length && bytes[end] !== NEWLINE;
}

/** Where the line after line `index` starts; -1 gives the start of the first. */
export function startAfter({ bytes, ends }: Lines, index: number): number {
  if (index < 0) return 0;
  const end = ends[index] as number;
  return bytes[end] === NEWLINE ? end + 1 : end;
}

export interface Splitter {
  /** Whole lines, and pieces of a line longer than `max`; their bytes are good until the chunk is reused. */
  push(chunk: Buffer): readonly Lines[];
  /** The unfinished line, as if it had ended; null at the start of a line. Ends skipping, too. */
  flush(): Lines | null;
  /** The bytes of the unfinished line; 0 at the start of a line. Never more than `max`. */
  readonly kept: number;
  /** True until the first newline, if the splitter was made to skip. */
  readonly skipping: boolean;
  /** The bytes skipped so far, that newline included. */
  readonly skipped: number;
}

const NEWLINE = 10;
const NOTHING = Buffer.alloc(0);

/**
 * Cuts at newlines, and lines of more than `max` bytes into pieces of at most `max`, between characters of UTF-8 where
 * the line is UTF-8. With `skip` the first bytes, up to a newline, are the tail of a line that nobody has: dropped.
 */
export function createSplitter(max: number, skip = false): Splitter {
  return new Cutter(max, skip);
}

/** A class, for there is one per pipe. */
class Cutter implements Splitter {
  kept = 0;
  skipping: boolean;
  skipped = 0;
  readonly #max: number;
  #carry = NOTHING;
  #resumed = false;

  constructor(max: number, skip: boolean) {
    this.#max = max;
    this.skipping = skip;
  }

  push(chunk: Buffer): readonly Lines[] {
    let start = 0;
    if (this.skipping) {
      const newline = chunk.indexOf(NEWLINE);
      start = newline < 0 ? chunk.length : newline + 1;
      this.skipped += start;
      this.skipping = newline < 0;
    }
    if (start === chunk.length) return [];
    const found: Lines[] = [];
    let newline = chunk.indexOf(NEWLINE, start);
    if (this.kept > 0 || newline < 0) {
      start = this.#pushKept(chunk, start, newline, found);
      if (start < 0 || start === chunk.length) return found;
      newline = chunk.indexOf(NEWLINE, start);
    }
    this.#pushWhole(chunk, start, newline, found);
    return found;
  }

  flush(): Lines | null {
    this.skipping = false;
    const { kept } = this;
    if (kept === 0) return null;
    const last: Lines = { bytes: this.#carry.subarray(0, kept), ends: [kept], resumed: this.#resumed };
    this.#startAnew(false);
    return last;
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    const need = this.kept + to - from;
    if (need > this.#carry.length) {
      const grown = Buffer.allocUnsafe(Math.max(need, Math.min(2 * this.#carry.length, this.#max)));
      this.#carry.copy(grown, 0, 0, this.kept);
      this.#carry = grown;
    }
    bytes.copy(this.#carry, this.kept, from, to);
    this.kept = need;
  }

  // What was given away lies in the old buffer: never written again, freed with its last line.
  #startAnew(isResumed: boolean): void {
    this.#carry = NOTHING;
    this.kept = 0;
    this.#resumed = isResumed;
  }

  /** Adds the ends of all pieces but the last of the line at `start`, and says where the last one starts. */
  #cut(bytes: Buffer, start: number, end: number, ends: number[]): number {
    let from = start;
    while (end - from > this.#max) {
      from = pieceEnd(bytes, from, from + this.#max);
      ends.push(from);
    }
    return from;
  }

  /** Completes the kept line with the chunk's bytes from `start`; says where the next line starts, -1 if none does. */
  #pushKept(chunk: Buffer, start: number, newline: number, found: Lines[]): number {
    this.#keep(chunk, start, newline < 0 ? chunk.length : newline + 1);
    const end = newline < 0 ? this.kept : this.kept - 1;
    const ends: number[] = [];
    const last = this.#cut(this.#carry, 0, end, ends);
    if (newline >= 0) ends.push(end);
    const bytes = this.#carry.subarray(0, this.kept);
    if (ends.length > 0) found.push({ bytes, ends, resumed: this.#resumed });
    if (newline >= 0) this.#startAnew(false);
    else if (last > 0) {
      this.#startAnew(true);
      this.#keep(bytes, last, bytes.length);
    }
    return newline < 0 ? -1 : newline + 1;
  }

  #pushWhole(chunk: Buffer, start: number, newline: number, found: Lines[]): void {
    const bytes = start === 0 ? chunk : chunk.subarray(start);
    const ends: number[] = [];
    let from = 0;
    for (let at = newline - start; at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      if (at - from > this.#max) this.#cut(bytes, from, at, ends);
      ends.push(at);
      from = at + 1;
    }
    const last = this.#cut(bytes, from, bytes.length, ends);
    if (ends.length > 0) found.push({ bytes, ends, resumed: false });
    this.#startAnew(last > from);
    if (last < bytes.length) this.#keep(bytes, last, bytes.length);
  }
}

/** At most `end`, and not inside a character of UTF-8; bytes that are no UTF-8 are cut at `end`. */
function pieceEnd(bytes: Buffer, start: number, end: number): number {
  for (let at = end; at > start && at > end - 4; at--) if (((bytes[at] as number) & 0xc0) !== 0x80) return at;
  return end;
}

/** Bytes of all these lines, newlines included. */
export function lengthOf(blocks: readonly Lines[]): number {
  let length = 0;
  for (const lines of blocks) length += startAfter(lines, lines.ends.length - 1);
  return length;
}
