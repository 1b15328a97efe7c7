// Words to services: names, globs, `all`, and paths below the scan directory. Pure.
import { relative, resolve } from "node:path";
import type { ServiceStatus } from "../service/status.ts";
import { matchesGlob } from "./glob.ts";
import { meant } from "./near.ts";
import { quoted } from "./parse.ts";

/** What a selection is made from. */
export interface Field {
  /** Looks a service or a logger (`web/log`) up; null if there is none. */
  readonly service: (name: string) => ServiceStatus | null;
  readonly services: () => readonly ServiceStatus[];
  readonly scanDir: string;
  /** Against which paths are resolved; empty if unknown. */
  readonly cwd: string;
}

/** Names without doubles in the order they were asked for, or why there is no such service. */
export type Selection = { readonly names: readonly string[] } | { readonly unknown: string };

/** The services that `words` mean. */
export function select(words: readonly string[], field: Field): Selection {
  const names = new Set<string>();
  for (const word of words) {
    const found = selectOne(word, field);
    if (typeof found === "string") return { unknown: found };
    for (const name of found) names.add(name);
  }
  return { names: [...names] };
}

const isPath = (word: string): boolean =>
  word.startsWith("/") || word === "." || word === ".." || /^\.{1,2}\//.test(word);

function selectOne(word: string, field: Field): readonly string[] | string {
  if (!isPath(word)) {
    if (field.service(word) !== null) return [word];
    if (word === "all") return field.services().map(({ name }) => name);
    if (/[*?[]/.test(word)) return selectGlob(word, field);
    // What a shell completes in the scan directory ends with a slash.
    const bare = word.replace(/\/+$/, "");
    if (bare !== word && field.service(bare) !== null) return [bare];
    if (!word.includes("/")) return unknown(word, field);
  }
  return selectPath(word, field);
}

function selectPath(word: string, field: Field): readonly string[] | string {
  if (!word.startsWith("/") && field.cwd === "")
    return `no service at ${quoted(word)}: the working directory is not known; give its name`;
  const path = resolve(field.cwd, word);
  const below = relative(field.scanDir, path);
  if (below === "") return field.services().map(({ name }) => name);
  if (field.service(below) !== null) return [below];
  if (!isPath(word)) return unknown(word, field);
  return below.startsWith("..")
    ? `no service at ${quoted(path)}: services are in ${field.scanDir}`
    : `no service at ${quoted(path)}${suggestion(below, field)}`;
}

function selectGlob(word: string, field: Field): readonly string[] | string {
  const found = candidates(field, word.includes("/")).filter((name) => matchesGlob(word, name));
  return found.length > 0 ? found : `no service matches ${quoted(word)}`;
}

const unknown = (word: string, field: Field): string => `no service ${quoted(word)}${suggestion(word, field)}`;

function suggestion(word: string, field: Field): string {
  const near = meant(word, candidates(field, word.includes("/")));
  if (near !== null) return `; did you mean ${near}?`;
  return field.services().length === 0 ? `; there is none in ${field.scanDir}` : "; upkeep status lists them";
}

function candidates(field: Field, loggers: boolean): string[] {
  return field.services().flatMap(({ name, log }) => (loggers ? (log === null ? [] : [log.name]) : [name]));
}
