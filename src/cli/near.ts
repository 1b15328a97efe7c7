import { nearest } from "../base/near.ts";

/** The candidate that `word` was most likely meant to be, or begins; null if none is near. */
export function meant(word: string, candidates: Iterable<string>): string | null {
  return nearest(word, candidates) ?? startingWith(word, candidates);
}

function startingWith(word: string, candidates: Iterable<string>): string | null {
  if (word.length < 2) return null;
  for (const candidate of candidates) if (candidate.startsWith(word)) return candidate;
  return null;
}
