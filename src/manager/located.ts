import type { Problem } from "../base/errors.ts";

/** A problem's sentence, with the file below `home` (and its line) where the sentence does not name it. */
export function located({ where, text }: Problem, home: string): string {
  if (!where.startsWith(`${home}/`)) return text;
  const place = where.slice(home.length + 1);
  return text.includes(place.replace(/:\d+$/, "")) ? text : `${place}: ${text}`;
}
