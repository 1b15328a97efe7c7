import { nearest } from "../base/near.ts";
import { type VerbName, verbs } from "./verbs.ts";

/** What a command is called elsewhere; src/core/client.c knows the same. */
export const sayings: Readonly<Record<string, VerbName>> = {
  check: "lint",
  doctor: "lint",
  validate: "lint",
  verify: "lint",
  info: "status",
  show: "status",
  continue: "cont",
  resume: "cont",
  reread: "apply",
  exit: "shutdown",
  quit: "shutdown",
};

/** The candidate that `word` begins, or was most likely meant to be; null if none is near. */
export function meant(word: string, candidates: Iterable<string>): string | null {
  return startingWith(word, candidates) ?? nearest(word, candidates);
}

/** What is said behind a word that is no command. */
export function guessVerb(word: string): string {
  const names = verbs.flatMap(({ name, aliases }) => [name, ...aliases]);
  const near = Object.hasOwn(sayings, word) ? sayings[word] : meant(word, names);
  return near == null ? "; upkeep help lists them" : `; did you mean ${near}?`;
}

function startingWith(word: string, candidates: Iterable<string>): string | null {
  if (word.length < 2) return null;
  for (const candidate of candidates) if (candidate.startsWith(word)) return candidate;
  return null;
}
