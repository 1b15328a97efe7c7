/**
 * Whether the whole of `name` matches a pattern of `*`, `?` and `[a-z]`, `[!x]`; no star crosses a slash.
 *
 * By hand and not by an expression: this takes at most the product of the lengths, whatever the pattern.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let starred = 0;
  while (n < name.length) {
    const width = pattern[p] === "*" ? 0 : matchOne(pattern, p, name[n] ?? "");
    if (pattern[p] === "*") {
      star = p++;
      starred = n;
    } else if (width > 0) {
      p += width;
      n++;
    } else if (star !== -1 && name[starred] !== "/") {
      // The last star takes one more letter, and the rest is tried again.
      p = star + 1;
      n = ++starred;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}

/** How many characters of the pattern at `p` stand for `letter`; 0 if they do not. */
function matchOne(pattern: string, p: number, letter: string): number {
  const here = pattern[p];
  if (here === undefined) return 0;
  if (here === "?") return letter === "/" ? 0 : 1;
  const end = here === "[" ? pattern.indexOf("]", p + 2) : -1;
  if (end === -1) return here === letter ? 1 : 0;
  const inverted = pattern[p + 1] === "!";
  const set = pattern.slice(p + (inverted ? 2 : 1), end);
  return inSet(set, letter) !== inverted && letter !== "/" ? end + 1 - p : 0;
}

function inSet(set: string, letter: string): boolean {
  for (let at = 0; at < set.length; at++) {
    const first = set[at] ?? "";
    const last = set[at + 1] === "-" ? set[at + 2] : undefined;
    if (last === undefined) {
      if (first === letter) return true;
    } else {
      if (first <= letter && letter <= last) return true;
      at += 2;
    }
  }
  return false;
}
