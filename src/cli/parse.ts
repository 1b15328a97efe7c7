// A command line to a verb, its services and its options. Pure; options may stand before, between and after names.
import type { Ms } from "../base/clock.ts";
import { parseSignal } from "../base/signals.ts";
import { guessVerb } from "./near.ts";
import { findVerb, type Goal, goals, type OptionName, options, type Verb, type VerbName } from "./verbs.ts";

export type Output = "table" | "json" | "name";

export interface Command {
  readonly verb: Verb & { readonly name: VerbName };
  /** The words that are no options. */
  readonly words: readonly string[];
  /** The time to wait for the outcome; 0 does not, `Infinity` does for ever. */
  readonly wait: Ms;
  readonly goal: Goal;
  readonly output: Output;
  readonly follow: boolean;
  /** Lines to begin with. */
  readonly lines: number;
  readonly timestamps: boolean;
  /** The signal's number; null if none was given. */
  readonly signal: number | null;
  readonly dryRun: boolean;
  /** The code to shut down with. */
  readonly code: number;
  readonly help: boolean;
}

/** A command line that was not understood: one sentence. */
export interface Misuse {
  readonly misuse: string;
}

type Draft = { -readonly [K in keyof Command]: Command[K] };
/** Takes the option's value; gives back what would have done, where it cannot be used. */
type Take = (draft: Draft, value: string) => string | null;

const outputs: readonly string[] = ["table", "json", "name"];
const linesMax = 1_000_000;

const take: Readonly<Record<OptionName, Take>> = {
  wait(draft, value) {
    const wait = parseWait(value);
    if (wait === null) return "use seconds like 10 or 0.5, or forever";
    draft.wait = wait;
    return null;
  },
  "no-wait"(draft) {
    draft.wait = 0;
    return null;
  },
  for(draft, value) {
    if (!Object.hasOwn(goals, value)) return `use one of ${Object.keys(goals).join(", ")}`;
    draft.goal = value as Goal;
    return null;
  },
  output(draft, value) {
    if (!outputs.includes(value)) return `use one of ${outputs.join(", ")}`;
    draft.output = value as Output;
    return null;
  },
  follow(draft) {
    draft.follow = true;
    return null;
  },
  lines(draft, value) {
    if (!/^\d+$/.test(value)) return "use a number of lines like 50";
    draft.lines = Math.min(Number(value), linesMax);
    return null;
  },
  timestamps(draft) {
    draft.timestamps = true;
    return null;
  },
  signal(draft, value) {
    draft.signal = parseSignal(value);
    return draft.signal === null ? "use a signal like HUP or 1" : null;
  },
  "dry-run"(draft) {
    draft.dryRun = true;
    return null;
  },
  code(draft, value) {
    if (!/^\d{1,3}$/.test(value) || Number(value) > 255) return "use a number from 0 to 255";
    draft.code = Number(value);
    return null;
  },
  help(draft) {
    draft.help = true;
    return null;
  },
};

const longest: Ms = 365 * 86_400_000;
const scales: Readonly<Record<string, Ms>> = { "": 1_000, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `7`, `0.5`, `500ms`, `2m`, `forever`; null if it is none. */
function parseWait(text: string): Ms | null {
  if (text === "forever") return Number.POSITIVE_INFINITY;
  const match = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h|)$/.exec(text);
  const wait = match === null ? Number.NaN : Number(match[1]) * (scales[match[2] ?? ""] ?? Number.NaN);
  return wait <= longest ? wait : null;
}

/** Reads the words after `upkeep`. */
export function parseCommand(argv: readonly string[]): Command | Misuse {
  const [first, ...rest] = argv;
  if (first === undefined) return { misuse: "no command given; upkeep help lists them" };
  const verb = findVerb(first === "-h" || first === "--help" ? "help" : first === "--version" ? "version" : first);
  if (verb === null) return { misuse: `no command ${quoted(first)}${guessVerb(first)}` };
  const draft: Draft = {
    verb,
    words: [],
    wait: verb.wait,
    goal: "ready",
    output: "table",
    follow: false,
    lines: 50,
    timestamps: false,
    signal: null,
    dryRun: false,
    code: 0,
    help: false,
  };
  const words: string[] = [];
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? "";
    if (word === "--") {
      words.push(...rest.slice(at + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      words.push(word);
      continue;
    }
    const taken = takeOption(draft, word, rest[at + 1]);
    if (typeof taken === "string") return { misuse: `${verb.name}: ${taken}` };
    at += taken;
  }
  return finish(draft, words);
}

/** The number of further words that the option used, or what is wrong with it. */
function takeOption(draft: Draft, word: string, next: string | undefined): number | string {
  const { verb } = draft;
  const isLong = word.startsWith("--");
  const [spelled, attached] = isLong ? splitAt(word.slice(2), "=") : [word.slice(1, 2), word.slice(2) || null];
  const known: readonly OptionName[] = [...verb.options, "help"];
  const name = known.find((one) => (isLong ? one === spelled : options[one].short === spelled));
  if (name === undefined) {
    // As kill(1) has it: -9, -HUP.
    const signal = verb.name === "signal" && !isLong ? parseSignal(word.slice(1)) : null;
    if (signal === null) return unknownOption(word, known);
    draft.signal = signal;
    return 0;
  }
  const shown = isLong ? `--${spelled}` : `-${spelled}`;
  if (options[name].value === null) {
    if (attached !== null && isLong) return `${shown} takes no value`;
    take[name](draft, "");
    // Several letters in one word: -fn 20.
    return attached === null ? 0 : takeOption(draft, `-${attached}`, next);
  }
  const value = attached ?? next;
  if (value === undefined) return `${shown} needs a value: ${options[name].value}`;
  const wrong = take[name](draft, value);
  if (wrong !== null) return `cannot use ${shown} ${quoted(value)}: ${wrong}`;
  return attached === null ? 1 : 0;
}

function unknownOption(word: string, known: readonly OptionName[]): string {
  const list = known.map((one) => (options[one].short === null ? `--${one}` : `-${options[one].short}, --${one}`));
  return `no option ${quoted(word)}; it has ${list.join("; ")}`;
}

function finish(draft: Draft, words: string[]): Command | Misuse {
  const { verb } = draft;
  if (draft.help) return { ...draft, words };
  if (verb.name === "signal" && draft.signal === null) {
    const first = words.shift();
    if (first === undefined) return { misuse: "signal: no signal given; for example: upkeep signal HUP web" };
    draft.signal = parseSignal(first);
    if (draft.signal === null)
      return { misuse: `signal: no signal ${quoted(first)}; for example: upkeep signal HUP web` };
  }
  if (verb.targets === "required" && words.length === 0)
    return { misuse: `${verb.name}: no service named; name some, or all` };
  if (verb.name === "switch" && words.length === 0)
    return { misuse: "switch: no directory named; one beside the link current" };
  const most =
    verb.name === "help" || verb.name === "lint" || verb.name === "switch"
      ? 1
      : verb.targets === "none"
        ? 0
        : Number.POSITIVE_INFINITY;
  if (words.length > most) return { misuse: `${verb.name}: one word too many: ${quoted(words[most] ?? "")}` };
  return { ...draft, words };
}

function splitAt(text: string, mark: string): [string, string | null] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + mark.length)];
}

/** A word of the command line as it may stand in a sentence: JSON's quotes and escapes, cut to 60 characters. */
export function quoted(word: string): string {
  return JSON.stringify(word.length > 60 ? `${word.slice(0, 60)}…` : word);
}
