// The verb table: what `upkeep VERB` knows, in one place. Help, docs/cli.md, parsing and the native client's list of
// words all come from it or are checked against it.
import type { Ms } from "../base/clock.ts";
import type { OrderName } from "../control/supervisor.ts";
import type { ServiceStatus } from "../service/status.ts";
import { type ExitName, exitCodes } from "./exit-codes.ts";

/** True once a service is where a verb wants it; `before` is how it was when the order was given. */
export type Done = (now: ServiceStatus, before: ServiceStatus) => boolean;

/** Ready, or a oneshot that has done its work. */
export const up: Done = ({ state, ready }) => (state === "up" && ready) || state === "done";
/** Nothing of it runs and nothing is to come. */
export const down: Done = ({ state, want, pid }) =>
  pid === null &&
  ((state === "down" && want === "down") || state === "failed" || state === "done" || state === "incomplete");
/** Up, in another process than before. */
export const reborn: Done = (now, before) =>
  up(now, before) && (now.state === "done" ? now.since !== before.since : now.pid !== before.pid);
export const paused: Done = ({ state }) => state === "paused";
export const going: Done = ({ state, pid }) => state !== "paused" && pid !== null;
/** It has a main process that was let go, ready or not. */
export const started: Done = ({ state }) => state === "up" || state === "done";
export const finished: Done = ({ state }) => state === "done";

/** What `wait --for` takes. */
export const goals = { ready: up, up: started, down, done: finished } as const satisfies Record<string, Done>;
export type Goal = keyof typeof goals;

/** The options, each in one spelling for all verbs that have it. */
export const options = {
  wait: { short: "w", value: "SEC", summary: "wait at most SEC seconds for the outcome; 0 does not wait" },
  "no-wait": { short: null, value: null, summary: "do not wait for the outcome" },
  for: { short: null, value: "ready|up|down|done", summary: "what to wait for; ready by default" },
  output: { short: "o", value: "table|json|name", summary: "how to print it" },
  follow: { short: "f", value: null, summary: "go on with what comes" },
  lines: { short: "n", value: "N", summary: "begin with the last N lines; 50 by default" },
  timestamps: { short: null, value: null, summary: "put the time before each line" },
  signal: { short: "s", value: "SIG", summary: "the signal, in place of the first word" },
  "dry-run": { short: null, value: null, summary: "say what would change, and change nothing" },
  code: { short: null, value: "N", summary: "the exit code to end with; 0 by default" },
  help: { short: "h", value: null, summary: "explain this command" },
} as const satisfies Record<string, { short: string | null; value: string | null; summary: string }>;
export type OptionName = keyof typeof options;

export interface Verb {
  readonly name: string;
  readonly aliases: readonly string[];
  /** What follows the name. */
  readonly usage: string;
  readonly summary: string;
  /** Whether it takes services; `optional` means all where none is named. */
  readonly targets: "none" | "optional" | "required";
  readonly options: readonly OptionName[];
  /** What each service is told; null tells it nothing. */
  readonly order: OrderName | null;
  /** True once a service is where the verb wants it; null has nothing to wait for. */
  readonly done: Done | null;
  /** How long it is waited for by default. */
  readonly wait: Ms;
  /** What it says of itself at the end of a sentence: "is up", "cannot start". */
  readonly words: {
    readonly done: string;
    readonly told: string;
    readonly cannot: string;
    readonly not: string;
  } | null;
  /** The codes it may leave with, besides those that all have. */
  readonly codes: readonly ExitName[];
  /** True if it works without a supervisor. */
  readonly offline: boolean;
}

const SV_WAIT: Ms = 7_000;
const SWITCH_WAIT: Ms = 30_000;
const waits = ["wait", "no-wait"] as const;
const base = { order: null, done: null, wait: 0, words: null, offline: false } as const;
const words = (done: string, told: string, cannot: string, not: string) => ({ done, told, cannot, not });

// biome-ignore format: a table
export const verbs = [
  { ...base, name: "status", aliases: ["ps", "list", "ls"], usage: "[NAME…]", targets: "optional", options: ["output"],
    summary: "show all services, or one in detail", codes: ["unknown"] },
  { ...base, name: "start", aliases: ["up"], usage: "NAME…", targets: "required", options: waits,
    order: "start", done: up, wait: SV_WAIT, words: words("up", "told to start", "start", "not up"),
    summary: "start, keep up, and wait until it is ready", codes: ["timedOut", "unknown"] },
  { ...base, name: "stop", aliases: ["down"], usage: "NAME…", targets: "required", options: waits,
    order: "stop", done: down, wait: SV_WAIT, words: words("down", "told to stop", "stop", "not down"),
    summary: "stop, and leave down", codes: ["timedOut", "unknown"] },
  { ...base, name: "restart", aliases: [], usage: "NAME…", targets: "required", options: waits,
    order: "restart", done: reborn, wait: SV_WAIT, words: words("up", "told to restart", "restart", "not up again"),
    summary: "stop, then start with the newest definition", codes: ["timedOut", "unknown"] },
  { ...base, name: "once", aliases: [], usage: "NAME…", targets: "required", options: waits,
    order: "once", done: up, wait: SV_WAIT, words: words("up", "told to start once", "start", "not up"),
    summary: "start, and let it end by itself", codes: ["timedOut", "unknown"] },
  { ...base, name: "pause", aliases: [], usage: "NAME…", targets: "required", options: waits,
    order: "pause", done: paused, words: words("paused", "told to pause", "pause", "not paused"),
    summary: "send SIGSTOP", codes: ["timedOut", "notRunning", "unknown"] },
  { ...base, name: "cont", aliases: [], usage: "NAME…", targets: "required", options: waits,
    order: "cont", done: going, words: words("going on", "told to go on", "continue", "still paused"),
    summary: "send SIGCONT", codes: ["timedOut", "notRunning", "unknown"] },
  { ...base, name: "signal", aliases: ["kill"], usage: "SIG NAME…", targets: "required", options: ["signal"],
    summary: "send a signal, by name or number", codes: ["notRunning", "unknown"] },
  { ...base, name: "reload", aliases: [], usage: "NAME…", targets: "required", options: [],
    order: "reload", words: words("reloaded", "told to reload", "reload", "not reloaded"),
    summary: "have it read its own configuration again (SIGHUP)", codes: ["notRunning", "unknown"] },
  { ...base, name: "wait", aliases: [], usage: "NAME…", targets: "required", options: ["for", "wait"], wait: Infinity,
    summary: "wait until it is ready, up, down or done", codes: ["timedOut", "unknown"] },
  { ...base, name: "logs", aliases: ["tail"], usage: "[NAME…]", targets: "optional",
    options: ["follow", "lines", "timestamps", "output"],
    summary: "show the last output", codes: ["unknown"] },
  { ...base, name: "health", aliases: [], usage: "[NAME…]", targets: "optional", options: ["output"],
    summary: "one sentence and one code, for a HEALTHCHECK", codes: ["unknown"] },
  { ...base, name: "events", aliases: [], usage: "[NAME…]", targets: "optional", options: ["output", "follow"],
    summary: "show changes as they come", codes: ["unknown"] },
  { ...base, name: "apply", aliases: ["update"], usage: "", targets: "none", options: ["dry-run", "output"],
    summary: "read all configuration again and make it so", codes: ["timedOut"] },
  { ...base, name: "switch", aliases: [], usage: "DIR", targets: "none", options: ["dry-run", ...waits], wait: SWITCH_WAIT,
    summary: "make DIR the current set of services, wait until it is up, and go back if it fails",
    codes: ["timedOut"] },
  { ...base, name: "lint", aliases: [], usage: "[DIR]", targets: "none", options: ["output"], offline: true,
    summary: "check the service directories in DIR (/etc/service) without running them", codes: [] },
  { ...base, name: "shutdown", aliases: ["halt"], usage: "", targets: "none", options: ["code"],
    summary: "stop everything in order and end", codes: [] },
  { ...base, name: "version", aliases: [], usage: "", targets: "none", options: ["output"], offline: true,
    summary: "print the version; with -o, that of the supervisor", codes: ["notPermitted", "unreachable"] },
  { ...base, name: "help", aliases: [], usage: "[VERB]", targets: "none", options: [], offline: true,
    summary: "explain the commands, or one", codes: [] },
] as const satisfies readonly Verb[];

export type VerbName = (typeof verbs)[number]["name"];

/** The row of a name or an alias; null if there is none. */
export function findVerb(word: string): (Verb & { readonly name: VerbName }) | null {
  return verbs.find(({ name, aliases }) => name === word || (aliases as readonly string[]).includes(word)) ?? null;
}

/** Every verb may be cut short or misunderstood, and most need a supervisor. */
export function codesOf({ codes, offline }: Verb): readonly ExitName[] {
  const all: readonly ExitName[] = ["ok", "failed", "usage", ...codes, ...(offline ? [] : needsSupervisor)];
  return all.toSorted((a, b) => exitCodes[a] - exitCodes[b]);
}
const needsSupervisor = ["notPermitted", "unreachable"] as const;
