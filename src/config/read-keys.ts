// From the text of keys to their values, by the tables of keys.ts; the same for service.ini and the global file.
import type { Problem } from "../base/errors.ts";
import { didYouMean } from "../base/near.ts";
import { quoted } from "../base/words.ts";
import type { Key, ServiceValues } from "../spec/keys.ts";
import { isLimitWord, type Limits, limitWords, parseLimit, variableFault } from "../spec/kinds.ts";
import type { Limit, LimitName } from "../spec/spec.ts";
import type { IniSection, IniText, IniValue } from "./ini-text.ts";

/** What one source says about a service: only the keys that it sets, and where it sets them, by spelling. */
export interface Layer {
  readonly values: Partial<ServiceValues>;
  readonly source: Readonly<Record<string, string>>;
}

export const noLayer: Layer = Object.freeze({ values: {}, source: {} });

type Table<V> = { readonly [F in keyof V]: Key<V[F]> };

/** A table turned round, with all that its spellings are needed for. */
export interface Spellings<V> {
  readonly rows: ReadonlyMap<string, readonly [field: keyof V & string, key: Key<unknown>]>;
  readonly aliases: ReadonlyMap<string, string>;
}

/** Indexes a table by spelling. */
export function spellingsOf<V>(table: Table<V>): Spellings<V> {
  const keys = Object.entries(table) as [keyof V & string, Key<unknown>][];
  return {
    rows: new Map(keys.map(([field, key]) => [key.spelling, [field, key]])),
    aliases: new Map(keys.flatMap(([, key]) => (key.alias ?? []).map((alias) => [alias, key.spelling]))),
  };
}

/** What a section sets, by field; `unknown` are the keys that the table does not have. */
export interface Reading<V> {
  readonly values: Partial<V>;
  readonly source: Record<string, string>;
  readonly unknown: readonly (readonly [string, IniValue])[];
  readonly problems: readonly Problem[];
}

/** Parses the values of a section that the table knows. */
export function readKeys<V>(section: IniSection | undefined, { rows }: Spellings<V>): Reading<V> {
  const values: Partial<Record<string, unknown>> = {};
  const source: Record<string, string> = {};
  const unknown: [string, IniValue][] = [];
  const problems: Problem[] = [];
  for (const [spelling, value] of section ?? []) {
    const row = rows.get(spelling);
    if (row === undefined) {
      unknown.push([spelling, value]);
      continue;
    }
    const [field, key] = row;
    const swallowed = field === "env" ? null : swallowedKey(value.text, rows);
    if (swallowed !== null) {
      const text = `the indented ${quoted(swallowed)} continues ${spelling}; without white space before it, it is a key`;
      problems.push({ severity: "warning", where: value.where, text });
    }
    const parsed = key.kind.parse(value.text);
    if (parsed.ok) {
      values[field] = parsed.value;
      source[spelling] = value.where;
    } else problems.push(badValue(spelling, value, parsed.why));
  }
  return { values: values as Partial<V>, source, unknown, problems };
}

type Unknown = readonly (readonly [name: string, where: string])[];

// Each hint looks at all keys, and nobody reads a thousand of them: the file is of another program.
const MOST_UNKNOWN = 20;

/** A warning for each name that nobody knows, as long as they are few. */
function unknowns(kind: string, names: Unknown, hint: (name: string) => string): Problem[] {
  const problems = names.slice(0, MOST_UNKNOWN).map(
    ([name, where]): Problem => ({
      severity: "warning",
      where,
      text: `unknown ${kind} ${quoted(name)}${hint(name)}`,
    }),
  );
  const next = names[MOST_UNKNOWN];
  if (next !== undefined) {
    const text = `${names.length - MOST_UNKNOWN} more unknown ${kind}s from here on`;
    problems.push({ severity: "warning", where: next[1], text });
  }
  return problems;
}

/** Warnings for keys that none of the tables has, with what was probably meant. */
export function unknownKeys(keys: Reading<never>["unknown"], tables: readonly Spellings<never>[]): Problem[] {
  const spellings = tables.flatMap(({ rows }) => [...rows.keys()]);
  const places = keys.map(([name, { where }]) => [name, where] as const);
  return unknowns("key", places, (name) => {
    const alias = tables.map(({ aliases }) => aliases.get(name.toLowerCase())).find((known) => known !== undefined);
    return alias === undefined ? didYouMean(name, spellings) : `; it is called ${alias} here`;
  });
}

/** Warnings for sections that are none of `known`; "" is always known. */
export function unknownSections(text: IniText, known: readonly string[]): Problem[] {
  const names = [...text.headers].filter(([name]) => !known.includes(name));
  return unknowns("section", names, (name) => `, its keys are not read${didYouMean(name, known)}`);
}

function badValue(spelling: string, value: IniValue, why: string): Problem {
  const comment = /\s[#;]/.test(value.text) && !why.includes("comment") ? "; a comment needs a line of its own" : "";
  return {
    severity: "error",
    where: value.where,
    text: `cannot use ${spelling} ${quoted(value.text)}: ${why}${comment}`,
  };
}

/** A line of a joined value that looks like a key of its own: indented by mistake, it would be lost without a word. */
function swallowedKey(text: string, rows: ReadonlyMap<string, unknown>): string | null {
  const [, ...continued] = text.split("\n");
  return continued.find((line) => rows.has(/^([a-z-]+)\s*=/.exec(line)?.[1] ?? "")) ?? null;
}

/** The variables of a section `[env]`: each value as it is, in quotes if white space at its ends matters. */
export function readVariables(section: IniSection | undefined): {
  readonly env: Record<string, string>;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const pairs: [string, string][] = [];
  for (const [name, value] of section ?? []) {
    const fault = variableFault(name);
    if (fault === null) pairs.push([name, unquoted(value.text)]);
    else problems.push({ severity: "error", where: value.where, text: `cannot set ${quoted(name)}: ${fault}` });
  }
  return { env: Object.fromEntries(pairs), problems };
}

const unquoted = (text: string): string => /^(["'])((?:(?!\1).)*)\1$/s.exec(text)?.[2] ?? text;

/** The limits of a section `[limits]`. */
export function readLimits(section: IniSection | undefined): {
  readonly limits: Limits;
  readonly problems: readonly Problem[];
} {
  const limits: Partial<Record<LimitName, Limit>> = {};
  const problems: Problem[] = [];
  const unknown: [string, string][] = [];
  for (const [name, value] of section ?? []) {
    if (!isLimitWord(name)) {
      unknown.push([name, value.where]);
      continue;
    }
    const limit = parseLimit(name, value.text);
    if (limit.ok) Object.assign(limits, limit.value);
    else problems.push(badValue(name, value, limit.why));
  }
  return { limits, problems: [...problems, ...unknowns("limit", unknown, (name) => didYouMean(name, limitWords))] };
}

/** The layer of a section of service keys with the sections `[env]` and `[limits]` beside it. */
export function serviceLayer(
  reading: Reading<ServiceValues>,
  text: IniText,
): Layer & { readonly problems: readonly Problem[] } {
  const variables = readVariables(text.sections.get("env"));
  const limits = readLimits(text.sections.get("limits"));
  const source = { ...reading.source };
  for (const name of ["env", "limits"]) {
    const where = text.headers.get(name);
    if (where !== undefined) source[name] ??= where;
  }
  const values: { -readonly [F in keyof ServiceValues]?: ServiceValues[F] } = { ...reading.values };
  if (text.headers.has("env")) values.env = { ...values.env, ...variables.env };
  if (text.headers.has("limits")) values.limits = { ...values.limits, ...limits.limits };
  return { values, source, problems: [...reading.problems, ...variables.problems, ...limits.problems] };
}
