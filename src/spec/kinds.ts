// How the text of a value becomes a value: one row for each kind that keys.ts names.
import { parseSignal } from "../base/signals.ts";
import {
  bad,
  good,
  type Parsed,
  parseBoolean,
  parseDuration,
  parseInteger,
  parseSize,
  parseUmask,
} from "../base/units.ts";
import { lexWords, quoted, splitWords } from "../base/words.ts";
import { logUnit, parseLog } from "./log-target.ts";
import { type GiveUp, type Limit, type LimitName, limitNames, type StreamName, streamNames } from "./spec.ts";

/** A kind of value: what the reference calls it, and its parser. */
export interface Kind<T> {
  readonly unit: string;
  readonly parse: (text: string) => Parsed<T>;
}

type Program = readonly [string, ...string[]];
/** Limits by the names of their resources. */
export type Limits = Readonly<Partial<Record<LimitName, Limit>>>;

const NO_COMMENT = "a comment needs a line of its own";
const items = (text: string): readonly string[] => text.split(/[\s,]+/).filter((item) => item !== "");

/** Why a service cannot have this name, or null. */
export function nameFault(name: string): string | null {
  if (name === "") return "it is empty";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) return "it holds a control character";
  if (/[\s,/]/.test(name)) return "white space, commas and slashes cannot be in the name of a service";
  return null;
}

/** A parser of lists, by spaces or commas; the first item that is refused refuses the list. */
function listOf<T>(parse: (item: string) => Parsed<T>): (text: string) => Parsed<readonly T[]> {
  return (text) => {
    const values: T[] = [];
    for (const item of items(text)) {
      const value = /^[#;]/.test(item) ? bad(NO_COMMENT) : parse(item);
      if (!value.ok) return bad(`${quoted(item)} is ${value.why}`);
      if (!values.includes(value.value)) values.push(value.value);
    }
    return good(values);
  };
}

function oneOf<const T extends string>(...words: readonly T[]): Kind<T> {
  const parse = (text: string): Parsed<T> => {
    const word = words.find((each) => each === text);
    return word === undefined ? bad(`not one of ${words.join(", ")}`) : good(word);
  };
  return { unit: words.map((word) => `\`${word}\``).join(" · "), parse };
}

/** A parser that refuses `never`, for durations that something has to wait out. */
function finite(text: string): Parsed<number> {
  const value = parseDuration(text);
  return value.ok && value.value === Number.POSITIVE_INFINITY ? bad("it must come to an end, as 10s does") : value;
}

// No shell reads these lines. Whoever means such a word as an argument can quote it.
const SHELL = /^(?:\d*[<>]|&>|\|\|?$|&&?$)|;$/;

/** A program and its arguments; what only a shell would understand is refused unless it is quoted. */
export function parseCommand(text: string): Parsed<Program> {
  const words = lexWords(text);
  if (!words.ok) return words;
  for (const word of words.value) {
    if (!word.bare) continue;
    if (/^[#;]/.test(word.text)) return bad(`${quoted(word.text)}: ${NO_COMMENT}; quote it if it is an argument`);
    if (SHELL.test(word.text)) {
      return bad(`no shell reads ${quoted(word.text)}; quote it, or run it by sh -c '…' or a run script`);
    }
  }
  const [program, ...rest] = words.value.map((word) => word.text);
  if (program === undefined || program === "") return bad("there is no program in it");
  return good([program, ...rest]);
}

/** Why an environment variable cannot have this name, or null. */
export function variableFault(name: string): string | null {
  if (name === "") return "a variable needs a name";
  return name.includes("=") || name.includes("\0") ? "the name of a variable cannot hold = or NUL" : null;
}

function parseVariables(text: string): Parsed<Readonly<Record<string, string>>> {
  const words = splitWords(text);
  if (!words.ok) return words;
  const pairs: [string, string][] = [];
  for (const word of words.value) {
    const at = word.indexOf("=");
    if (at <= 0) return bad(`${quoted(word)} is not NAME=VALUE`);
    pairs.push([word.slice(0, at), word.slice(at + 1)]);
  }
  return good(Object.fromEntries(pairs));
}

/** `memory` stands for the four that bound it, as softlimit and chpst have it. */
export type LimitWord = LimitName | "memory";
const MEMORY: readonly LimitName[] = ["data", "stack", "memlock", "as"];
/** The words for limits, as one may write them. */
export const limitWords: readonly LimitWord[] = [...limitNames, "memory"];

const LIMIT_UNITS: Readonly<Record<LimitWord, (text: string) => Parsed<number>>> = {
  nofile: parseInteger(0, 1_000_000_000),
  core: parseSize,
  as: parseSize,
  nproc: parseInteger(0, 1_000_000_000),
  stack: parseSize,
  fsize: parseSize,
  data: parseSize,
  rss: parseSize,
  memlock: parseSize,
  memory: parseSize,
  cpu(text) {
    const value = finite(text);
    return value.ok ? good(Math.ceil(value.value / 1000)) : value;
  },
};

/**
 * The limits of one word: `1024`, `1024:4096` (soft:hard), `unlimited`, `1024:inherited`; sizes and durations where the
 * resource has them.
 */
export function parseLimit(word: LimitWord, text: string): Parsed<Limits> {
  const one = (part: string): Parsed<number | null> => (part === "unlimited" ? good(null) : LIMIT_UNITS[word](part));
  const parts = text.split(":").map((part) => part.trim());
  if (parts.length > 2) return bad("not a limit like 1024:4096 or unlimited");
  const soft = one(parts[0] ?? "");
  if (!soft.ok) return bad(`${soft.why}, nor unlimited`);
  if (parts[1] === "inherited") return good(limitsOf(word, { soft: soft.value, hard: "inherited" }));
  // The hard limit of locked memory is low nearly everywhere: it is not to be raised in passing.
  if (word === "memory" && parts.length === 1) return good(limitsOf(word, { soft: soft.value, hard: "inherited" }));
  const hard = parts.length === 2 ? one(parts[1] ?? "") : soft;
  if (!hard.ok) return bad(`${hard.why}, nor unlimited or inherited`);
  if ((soft.value ?? Number.POSITIVE_INFINITY) > (hard.value ?? Number.POSITIVE_INFINITY)) {
    return bad("the soft limit is above the hard one");
  }
  return good(limitsOf(word, { soft: soft.value, hard: hard.value }));
}

function limitsOf(word: LimitWord, limit: Limit): Limits {
  return Object.fromEntries((word === "memory" ? MEMORY : [word]).map((name) => [name, limit]));
}

/** True for a word that stands for limits that can be set. */
export const isLimitWord = (word: string): word is LimitWord => (limitWords as readonly string[]).includes(word);

function parseLimits(text: string): Parsed<Limits> {
  const limits: Partial<Record<LimitName, Limit>> = {};
  for (const item of items(text)) {
    const [name = "", value = ""] = item.split("=", 2);
    if (!isLimitWord(name)) return bad(`${quoted(name)} is not one of ${limitWords.join(", ")}`);
    const limit = parseLimit(name, value);
    if (!limit.ok) return bad(`${name}: ${limit.why}`);
    Object.assign(limits, limit.value);
  }
  return good(limits);
}

function parseGiveUp(text: string): Parsed<GiveUp | null> {
  if (text === "never") return good(null);
  const match = /^(\d{1,6})\s+in\s+(\S+)$/.exec(text);
  const within = match === null ? null : finite(match[2] ?? "");
  if (match === null || !within?.ok || Number(match[1]) < 1) return bad("not like 5 in 60s, nor never");
  return good({ count: Number(match[1]), within: within.value });
}

function parseOneSignal(text: string): Parsed<number> {
  const number = parseSignal(text);
  return number === null ? bad("not a signal like TERM, SIGUSR1, RTMIN+3 or 15") : good(number);
}

// KILL and STOP never reach a handler: to promise an answer to them would be a lie.
function parseCatchable(text: string): Parsed<number> {
  const signal = parseOneSignal(text);
  return signal.ok && (signal.value === 9 || signal.value === 19) ? bad("a signal that nobody can catch") : signal;
}

function parseForward(text: string): Parsed<Readonly<Record<number, string>>> {
  const forward: Record<number, string> = {};
  for (const item of items(text)) {
    const [word = "", name = ""] = item.split(":", 2);
    const signal = parseCatchable(word);
    if (!signal.ok) return bad(`${quoted(word)} is ${signal.why}`);
    if (nameFault(name) !== null) return bad(`${quoted(item)} is not SIGNAL:SERVICE`);
    if (forward[signal.value] !== undefined) return bad(`${quoted(word)} is there twice`);
    forward[signal.value] = name;
  }
  return good(forward);
}

function parseLineMax(text: string): Parsed<number> {
  const size = parseSize(text);
  return size.ok && (size.value < 256 || size.value > 1 << 20) ? bad("not from 256 bytes to 1MB") : size;
}

const parseText = (text: string): Parsed<string> => (text === "" ? bad("there is nothing after the =") : good(text));

function parseAbsolute(text: string): Parsed<string> {
  return text.startsWith("/") ? good(text.replace(/(?<=.)\/+$/, "")) : bad("not a path that begins with /");
}

function parseStream(item: string): Parsed<StreamName> {
  const name = streamNames.find((each) => each === item);
  return name === undefined ? bad(`not one of ${streamNames.join(", ")}`) : good(name);
}

function parseName(item: string): Parsed<string> {
  const fault = nameFault(item);
  return fault === null ? good(item) : bad(`no name of a service: ${fault}`);
}

export const kinds = {
  command: { unit: "command line", parse: parseCommand },
  path: { unit: "path", parse: parseText },
  absolute: { unit: "absolute path", parse: parseAbsolute },
  text: { unit: "text", parse: parseText },
  account: { unit: "name or number", parse: parseText },
  accounts: { unit: "names or numbers", parse: listOf(parseText) },
  names: { unit: "service names", parse: listOf(parseName) },
  variables: { unit: "`NAME=VALUE` words", parse: parseVariables },
  limits: { unit: "`NAME=SOFT:HARD` words", parse: parseLimits },
  streams: { unit: "`stdin`, `stdout`, `stderr`", parse: listOf(parseStream) },
  umask: { unit: "octal", parse: parseUmask },
  nice: { unit: "-20 to 19", parse: parseInteger(-20, 19) },
  descriptor: { unit: "3 to 1023", parse: parseInteger(3, 1023) },
  duration: { unit: "duration", parse: finite },
  durationOrNever: { unit: "duration or `never`", parse: parseDuration },
  lineMax: { unit: "256 to 1MB", parse: parseLineMax },
  codes: { unit: "0 to 255", parse: listOf(parseInteger(0, 255)) },
  giveUp: { unit: "`N in DURATION` or `never`", parse: parseGiveUp },
  signal: { unit: "signal", parse: parseOneSignal },
  signals: { unit: "signals", parse: listOf(parseCatchable) },
  forward: { unit: "`SIGNAL:SERVICE` words", parse: parseForward },
  boolean: { unit: "`yes` or `no`", parse: parseBoolean },
  type: oneOf("service", "oneshot"),
  restart: oneOf("always", "on-failure", "never"),
  stopScope: oneOf("session", "group", "process"),
  log: { unit: logUnit, parse: parseLog },
  logLevel: oneOf("debug", "info", "warn", "error"),
} as const satisfies Record<string, Kind<unknown>>;
