// Aligned columns for a person's eyes. Pure.

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/** One cell: its text, and how it is dressed once it has its width. */
export interface Cell {
  readonly text: string;
  readonly dress?: (text: string) => string;
}

const GAP = "  ";

/** Cells a character takes on a terminal: 2 for the wide East Asian ones, 0 for those that lie over others. */
function cellsOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (/\p{M}|\p{Cf}/u.test(character)) return 0;
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u.test(
    character,
  )
    ? 2
    : 1;
}

/** The width of `text` on a terminal, in cells. */
export function width(text: string): number {
  // Nearly every cell, and thousands of them.
  if (/^[ -~]*$/.test(text)) return text.length;
  let cells = 0;
  for (const character of text) cells += cellsOf(character);
  return cells;
}

/** `text` in at most `most` cells, with a `…` where something is missing. */
export function cut(text: string, most: number): string {
  if (width(text) <= most) return text;
  let kept = "";
  let left = most - 1;
  for (const character of text) {
    left -= cellsOf(character);
    if (left < 0) break;
    kept += character;
  }
  return most <= 0 ? "" : `${kept}…`;
}

/** Makes the table's lines one by one, its titles first: thousands of rows are not laid out in one go. */
export interface Table {
  readonly head: string;
  readonly line: (cells: readonly Cell[]) => string;
}

/** The widest cell of each column, so far; a new list. */
export function widen(widths: readonly number[], cells: readonly Cell[]): number[] {
  return cells.map(({ text }, at) => Math.max(widths[at] ?? 0, width(text)));
}

/** A table for cells of at most these widths; the last column is cut so that no line is wider than `total`. */
export function layTable(
  columns: readonly Column[],
  widest: readonly number[],
  total: number,
  title: (text: string) => string,
): Table {
  const titles = columns.map((column) => ({ text: column.title, dress: title }));
  const widths = widen(widest, titles);
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + GAP.length, 0);
  // A column of fewer than eight cells tells nothing: then let the line be too wide.
  const room = Math.max(8, total - before);
  const line = (cells: readonly Cell[]) => {
    const placed = cells.map(({ text, dress = same }, at) => {
      const shown = at === last ? cut(text, room) : text;
      const space = " ".repeat(Math.max(0, (widths[at] ?? 0) - width(shown)));
      if (columns[at]?.align === "right") return space + dress(shown);
      return dress(shown) + (at === last ? "" : space);
    });
    return `${placed.join(GAP).trimEnd()}\n`;
  };
  return { head: line(titles), line };
}

const same = (text: string): string => text;
