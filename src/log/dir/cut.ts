// Where a file ends. Pure.
const NEWLINE = 10;

/** What of a write still belongs to the current file, and whether the file is full then. */
export interface Fit {
  readonly count: number;
  readonly isFull: boolean;
}

/**
 * How many of the bytes from `from` on still belong to a file of `size` bytes that is full with `most` (0: never): to the
 * end of the first line that ends less than `lineMax` before that, or behind it. A file is cut within a line only if that
 * line alone is longer than `most`. `isInside`: the file ends within a line, and these bytes go on with it.
 */
export function fitting(
  bytes: Buffer,
  from: number,
  { size, isInside }: { readonly size: number; readonly isInside: boolean },
  { most, lineMax }: { readonly most: number; readonly lineMax: number },
): Fit {
  const rest = bytes.length - from;
  // Where no line fits, svlogd cuts anywhere; this one then looks for a newline from `most` on.
  const enough = most >= lineMax ? most - lineMax : most;
  if (most === 0 || size + rest < enough) return { count: rest, isFull: false };
  // It has been full before: the maximum was made smaller.
  if (size >= most && !isInside) return { count: 0, isFull: true };
  const newline = bytes.indexOf(NEWLINE, from + Math.max(0, enough - size - 1));
  const bound = Math.max(0, 2 * most - size);
  if (newline >= 0 && newline + 1 - from <= bound) return { count: newline + 1 - from, isFull: true };
  return rest < bound ? { count: rest, isFull: false } : { count: bound, isFull: true };
}
