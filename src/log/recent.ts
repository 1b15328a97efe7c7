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
  let splitter: Splitter = createSplitter(lineMax);
  /** The newest bytes, and those before them. */
  let newest: Buffer | null = null;
  let older: Buffer | null = null;
  let used = 0;
  /** Something before them is not kept: they begin in the midst of a line. */
  let isCut = false;
  let time: Ms = 0;
  let largeAt: Ms = Number.NEGATIVE_INFINITY;

  const push = (bytes: Buffer) => {
    const blocks = splitter.push(bytes);
    if (blocks.length > 0) ring.push(blocks, time);
  };
  const catchUp = () => {
    if (newest === null) return;
    const [first, second] = [older, newest.subarray(0, used)];
    newest = older = null;
    if (isCut) splitter = createSplitter(lineMax, true);
    if (first !== null) push(first);
    push(second);
  };
  const putOff = (bytes: Buffer) => {
    const kept = bytes.length > KEEP ? bytes.subarray(-KEEP) : bytes;
    if (newest === null) {
      newest = Buffer.allocUnsafe(KEEP);
      used = 0;
      isCut = false;
    }
    isCut ||= kept !== bytes;
    const head = Math.min(kept.length, KEEP - used);
    kept.copy(newest, used, 0, head);
    used += head;
    if (head === kept.length) return;
    // The older half makes room for what is new.
    isCut ||= older !== null;
    const room: Buffer = older ?? Buffer.allocUnsafe(KEEP);
    older = newest;
    newest = room;
    used = kept.copy(newest, 0, head);
  };

  ring.onLook(catchUp);
  return (bytes) => {
    const now = wall();
    const isLarge = bytes.length >= LARGE;
    const isBusy = Math.abs(now - largeAt) < BUSY;
    if (!isBusy) catchUp();
    if (isLarge) largeAt = now;
    time = now;
    if ((isLarge || isBusy) && !ring.isFollowed()) return putOff(bytes);
    catchUp();
    push(bytes);
  };
}
