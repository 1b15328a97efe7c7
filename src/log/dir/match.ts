// svlogd's patterns (svlogd(8), PATTERN MATCHING). Pure.
import type { Selection } from "./config.ts";

const STAR = "*".charCodeAt(0);
const PLUS = "+".charCodeAt(0);

/**
 * True if the bytes of `text` between `from` and `to` match the whole pattern: `*` is a run of bytes that ends before the
 * first one that is the pattern's next (at its end: anything), `+` is its next byte once or more often.
 */
export function matches(pattern: Uint8Array, text: Uint8Array, from: number, to: number): boolean {
  let at = from;
  for (let index = 0; index < pattern.length; index++) {
    const sign = pattern[index];
    if (sign === STAR) {
      const next = pattern[index + 1];
      if (next === undefined) return true;
      while (at < to && text[at] !== next) at++;
      if (at === to) return false;
    } else if (sign === PLUS) {
      const repeated = pattern[++index];
      if (at === to || text[at] !== repeated) return false;
      while (at < to && text[at] === repeated) at++;
      // svlogd stops here, whatever more the pattern wants.
      if (at === to) return true;
    } else if (at === to || text[at++] !== sign) return false;
  }
  return at === to;
}

/** For what a line is selected: by default to be written, and not for standard error. */
export interface Selected {
  readonly write: boolean;
  readonly alert: boolean;
}

const CHOICES: readonly Selected[] = [
  { write: false, alert: false },
  { write: true, alert: false },
  { write: false, alert: true },
  { write: true, alert: true },
];

/** Applies the lines of a `config` in their order to one line; the last that matches decides. */
export function selected(selections: readonly Selection[], text: Uint8Array, from: number, to: number): Selected {
  let write = true;
  let alert = false;
  for (const { sign, pattern } of selections) {
    if (!matches(pattern, text, from, to)) continue;
    if (sign === "+" || sign === "-") write = sign === "+";
    else alert = sign === "e";
  }
  return CHOICES[Number(write) + 2 * Number(alert)] as Selected;
}
