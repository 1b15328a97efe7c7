// How numbers, times and states read to a person. Pure.
import { type Exit, exitText } from "../base/exit.ts";
import type { ServiceStatus } from "../service/status.ts";

const units: readonly (readonly [name: string, seconds: number])[] = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
];

/** Seconds in at most two units: `0.3s`, `34s`, `2m 5s`, `3d 4h`. */
export function span(seconds: number): string {
  const left = Math.max(0, seconds);
  if (left < 9.95) return `${Number(left.toFixed(1))}s`;
  const whole = Math.round(left);
  const first = units.findIndex(([, size]) => whole >= size);
  const [name, size] = units[first] ?? ["s", 1];
  const [nextName, nextSize] = units[first + 1] ?? ["", 0];
  const rest = nextSize === 0 ? 0 : Math.floor((whole % size) / nextSize);
  return `${Math.floor(whole / size)}${name}${rest === 0 ? "" : ` ${rest}${nextName}`}`;
}

/** Text that is safe on a terminal: every control character becomes `?`. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "?");
}

/** `a`, `a and b`, `a, b and c`. */
export function listing(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** Why the service is not where one would have it, as the end of a sentence. */
export function reason(status: ServiceStatus): string {
  if (status.why !== null) return plain(status.why);
  const last = status.lastExit === null ? "" : `; last ${exitText(status.lastExit)}`;
  return stateSentences[status.state](status, last);
}

/** How its process ended, as a sentence: `it left with exit 3`, `it was killed by SIGKILL`. */
export function ended(exit: Exit): string {
  return "code" in exit ? `it left with ${exitText(exit)}` : `it was ${exitText(exit)}`;
}

/** `pid 812`, or nothing while there is none. */
export const pidText = ({ pid }: ServiceStatus): string => (pid === null ? "" : `, pid ${pid}`);

/** Why one that has failed is not tried again, behind `it was`. */
export const fate = ({ want }: ServiceStatus): string => (want === "once" ? "to run once, and failed" : "given up");

type Sentence = (status: ServiceStatus, last: string) => string;

const stateSentences: Readonly<Record<ServiceStatus["state"], Sentence>> = {
  down: (s, last) => `it is down for ${span(s.seconds)}${last}`,
  waiting: () => "it waits for a service that it requires",
  preparing: (s) => `its start-pre runs for ${span(s.seconds)}${pidText(s)}`,
  starting: (s) => `it was started ${span(s.seconds)} ago${pidText(s)}, and is not ready yet`,
  up: (s) => `it is up for ${span(s.seconds)}${pidText(s)}`,
  paused: (s) => `it is paused for ${span(s.seconds)}${pidText(s)}; cont lets it go on`,
  stopping: (s) => `it is stopping for ${span(s.seconds)}${pidText(s)}`,
  finishing: (s) => `its finish runs for ${span(s.seconds)}${pidText(s)}`,
  backoff: (s, last) => `it is to be started again ${due(s.retryIn)}${last}`,
  failed: (s, last) => `it was ${fate(s)}${last}`,
  done: (s, last) => `it is done for ${span(s.seconds)}${last}`,
  incomplete: () => "its directory cannot be run yet",
};

/** When the next try comes: `in 12s`, `at once`, `soon`. */
export function due(retryIn: number | null): string {
  if (retryIn === null) return "soon";
  return retryIn <= 0 ? "at once" : `in ${span(retryIn)}`;
}
