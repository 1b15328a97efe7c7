// What a ring knows of each of its lines: columns, for a thousand objects would take up more than what they tell of.

export interface Rows {
  readonly times: Float64Array;
  readonly orders: Float64Array;
  /** With the newline, where there is one. */
  readonly lengths: Uint32Array;
  readonly newlines: Uint8Array;
  readonly continues: Uint8Array;
}

export function createRows(size: number): Rows {
  return {
    times: new Float64Array(size),
    orders: new Float64Array(size),
    lengths: new Uint32Array(size),
    newlines: new Uint8Array(size),
    continues: new Uint8Array(size),
  };
}

/** The rows in use, the oldest first, with room for `size`. */
export function grownRows(rows: Rows, oldest: number, used: number, size: number): Rows {
  const grown = createRows(size);
  // Not every row need be in use: a few long lines may have had the older ones forgotten.
  const head = Math.min(used, rows.times.length - oldest);
  for (const key of ["times", "orders", "lengths", "newlines", "continues"] as const) {
    grown[key].set(rows[key].subarray(oldest, oldest + head));
    grown[key].set(rows[key].subarray(0, used - head), head);
  }
  return grown;
}
