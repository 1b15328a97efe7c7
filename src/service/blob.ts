// A state as text for the core's memory, and back. What comes back may be hostile, cut short or of another version:
// it is rebuilt field by field, or refused as a whole.
import type { Phase, State } from "./model.ts";

const VERSION = 1;
/** Longer than any state can become, in characters. */
const LENGTH_MAX = 64 * 1024;
const CRASHES_MAX = 1_000;

type Check = (value: unknown) => boolean;

const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isFlag: Check = (value) => typeof value === "boolean";
const isMs: Check = (value) => Number.isFinite(value);
const isDeadline: Check = (value) => isMs(value) || value === Number.POSITIVE_INFINITY;
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
/** A record of exactly these fields. */
const isShape =
  (shape: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isRecord(value) && Object.keys(value).length === Object.keys(shape).length && fits(value, shape);

function fits(value: Readonly<Record<string, unknown>>, shape: Readonly<Record<string, Check>>): boolean {
  return Object.entries(shape).every(([key, check]) => Object.hasOwn(value, key) && check(value[key]));
}

const hasCode = isShape({ code: isCount });
const hasSignal = isShape({ signal: isCount });
const isExit: Check = (value) => hasCode(value) || hasSignal(value);
const isReason: Check = (value) => typeof value === "string";
const isMoments: Check = (value) => Array.isArray(value) && value.length <= CRASHES_MAX && value.every(isMs);
const isNext: Check = (value) => oneOf("down", "start", "failed", "done")(value) || isShape({ retryAt: isMs })(value);

const common = {
  want: oneOf("up", "down", "once"),
  since: isMs,
  sequence: isCount,
  starts: isCount,
  streak: isCount,
  crashes: isMoments,
  last: orNull(isShape({ at: isMs, exit: orNull(isExit), reason: orNull(isReason) })),
  seed: isMs,
};
const running = { child: isCount, pid: isCount };
const isStopCause = oneOf("request", "dependency", "changed", "removed", "shutdown", "start-timeout");

/** The keys of one phase's variant: a field that is added to the model and forgotten here does not compile. */
type Fields<P extends Phase> = Exclude<keyof Extract<State, { readonly phase: P }>, "phase" | keyof typeof common>;

// biome-ignore format: a table
const shapes: { readonly [P in Phase]: { readonly [F in Fields<P>]: Check } } = {
  down:      {},
  waiting:   {},
  preparing: { ...running, until: isDeadline },
  starting:  { ...running, until: isDeadline, deadline: isDeadline, startedAt: isMs, paused: isFlag },
  up:        { ...running, startedAt: isMs, paused: isFlag },
  stopping:  { ...running, until: isDeadline, startedAt: isMs, killed: isFlag, again: isFlag, cause: isStopCause,
               preparing: isFlag },
  sweeping:  { until: isDeadline, killed: isFlag, left: orNull(isCount), finished: isFlag, next: isNext },
  finishing: { ...running, until: isDeadline, killed: isFlag, sweeps: isFlag, next: isNext },
  backoff:   { until: isDeadline },
  failed:    {},
  done:      {},
};

const isPhase = (value: unknown): value is Phase => typeof value === "string" && Object.hasOwn(shapes, value);

/** The state as one line of JSON without NUL bytes; `Infinity`, which JSON lacks, becomes the word. */
export function encode(state: State): string {
  const words: Record<string, string> = {};
  if ("until" in state && state.until === Number.POSITIVE_INFINITY) words["until"] = "Infinity";
  if ("deadline" in state && state.deadline === Number.POSITIVE_INFINITY) words["deadline"] = "Infinity";
  return JSON.stringify({ version: VERSION, ...state, ...words });
}

/** The state that `encode` wrote; null for anything else, of another version too. Never throws. */
export function decode(text: string): State | null {
  const value = parse(text);
  if (!isRecord(value) || value["version"] !== VERSION || !isPhase(value["phase"])) return null;
  const phase = value["phase"];
  const shape: Readonly<Record<string, Check>> = { ...common, ...shapes[phase] };
  const fields = Object.fromEntries(Object.keys(shape).map((key) => [key, value[key]]));
  // Only the deadlines may be the word; a reason of that name stays a text.
  for (const key of ["until", "deadline"]) if (fields[key] === "Infinity") fields[key] = Number.POSITIVE_INFINITY;
  return fits(fields, shape) ? ({ ...fields, phase } as unknown as State) : null;
}

function parse(text: string): unknown {
  if (text.length > LENGTH_MAX) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null; // not JSON: the caller is told by the null
  }
}
