// Buffers that pass from hand to hand: nobody who is idle has one.

/** What is read at once; large, since every write costs a turn of the loop and of another thread. */
export const BATCH = 512 * 1024;

// One for reading, one for laying out, for each of the writes that can be under way.
const KEPT = 4;
const free = new Map<number, Buffer[]>();

/** A buffer of at least `size` bytes, with anything in it. */
export function takeScratch(size: number): Buffer {
  const step = size <= BATCH ? BATCH : 2 * BATCH;
  if (size > step) return Buffer.allocUnsafeSlow(size);
  return free.get(step)?.pop() ?? Buffer.allocUnsafeSlow(step);
}

/** Gives back a whole buffer that `takeScratch` gave. */
export function giveScratch(buffer: Buffer): void {
  if (buffer.length !== BATCH && buffer.length !== 2 * BATCH) return;
  const kept = free.get(buffer.length) ?? [];
  free.set(buffer.length, kept);
  if (kept.length < KEPT) kept.push(buffer);
}
