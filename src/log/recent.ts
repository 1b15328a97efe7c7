// The end of a busy stream as it came, cut into lines only when somebody looks: at full speed, cutting lines that nobody
// sees would cost more than writing them to disk.
import type { Ms } from "../base/clock.ts";
import { createSplitter, type Splitter } from "./lines.ts";
import type { Ring } from "./ring.ts";

/** A batch of at least this many bytes comes from a busy stream. */
const LARGE = 4096;
/** After a large batch the stream is busy for so long; what is put off has the time of its last batch. */
const BUSY: Ms = 1000;
/** Of what is put off, at least so much is kept: as much as a ring holds. */
const KEEP = 65536;

/** Returns what takes a stream's bytes, which may be overwritten afterwards, and keeps its last lines in `ring`. */
export function keepRecent(ring: Ring, lineMax: number, wall: () => Ms = Date.now): (bytes: Buffer) => void {
  const recent = new Recent(ring, lineMax, wall);
  ring.onLook(() => recent.catchUp());
  return (bytes) => recent.take(bytes);
}

/** A class, for there is one per service that logs into files. */
class Recent {
  readonly #ring: Ring;
  readonly #lineMax: number;
  readonly #wall: () => Ms;
  #splitter: Splitter;
  /** The newest bytes, and those before them. */
  #newest: Buffer | null = null;
  #older: Buffer | null = null;
  #used = 0;
  /** Something before them is not kept: they begin in the midst of a line. */
  #isCut = false;
  #time: Ms = 0;
  #largeAt: Ms = Number.NEGATIVE_INFINITY;

  constructor(ring: Ring, lineMax: number, wall: () => Ms) {
    this.#ring = ring;
    this.#lineMax = lineMax;
    this.#wall = wall;
    this.#splitter = createSplitter(lineMax);
  }

  take(bytes: Buffer): void {
    const now = this.#wall();
    const isLarge = bytes.length >= LARGE;
    const isBusy = Math.abs(now - this.#largeAt) < BUSY;
    if (!isBusy) this.catchUp();
    if (isLarge) this.#largeAt = now;
    this.#time = now;
    if ((isLarge || isBusy) && !this.#ring.isFollowed()) {
      this.#putOff(bytes);
      return;
    }
    this.catchUp();
    this.#push(bytes);
  }

  catchUp(): void {
    if (this.#newest === null) return;
    const [first, second] = [this.#older, this.#newest.subarray(0, this.#used)];
    this.#newest = this.#older = null;
    if (this.#isCut) this.#splitter = createSplitter(this.#lineMax, true);
    if (first !== null) this.#push(first);
    this.#push(second);
  }

  #push(bytes: Buffer): void {
    const blocks = this.#splitter.push(bytes);
    if (blocks.length > 0) this.#ring.push(blocks, this.#time);
  }

  #putOff(bytes: Buffer): void {
    const kept = bytes.length > KEEP ? bytes.subarray(-KEEP) : bytes;
    if (this.#newest === null) {
      this.#newest = Buffer.allocUnsafe(KEEP);
      this.#used = 0;
      this.#isCut = false;
    }
    this.#isCut ||= kept !== bytes;
    const head = Math.min(kept.length, KEEP - this.#used);
    kept.copy(this.#newest, this.#used, 0, head);
    this.#used += head;
    if (head === kept.length) return;
    // The older half makes room for what is new.
    this.#isCut ||= this.#older !== null;
    const room: Buffer = this.#older ?? Buffer.allocUnsafe(KEEP);
    this.#older = this.#newest;
    this.#newest = room;
    this.#used = kept.copy(room, 0, head);
  }
}
