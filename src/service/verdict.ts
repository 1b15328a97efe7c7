// What becomes of a service whose process ended, or never began, without being asked to stop.
import type { Ms } from "../base/clock.ts";
import type { Exit } from "../base/exit.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import type { Common, Next, Want } from "./model.ts";
import type { Moment } from "./moment.ts";
import { givesUp, random, recordCrash, retryDelay } from "./restart.ts";

/** The sentence on one end: what follows, in how long (null: not at all), and what is remembered. */
export interface Verdict {
  readonly next: Next;
  readonly retryIn: Ms | null;
  readonly gaveUp: boolean;
  readonly change: Partial<Common>;
}

/** True for an exit code that is no failure; an end by a signal always is one. */
export function isSuccess(spec: ServiceSpec, exit: Exit): boolean {
  return "code" in exit && spec.successCodes.includes(exit.code);
}

/** True when an end of this kind is the last one. */
function isFinal(spec: ServiceSpec, want: Want, failure: boolean): boolean {
  if (want === "once" || spec.restart === "never") return true;
  return !failure && (spec.restart === "on-failure" || spec.type === "oneshot");
}

/**
 * Judges an end by policy, give-up and backoff. A good end that is restarted waits like a crash, for a program that
 * exits 0 at once would spin as well as any other; but only failures make it give up.
 */
export function judge({ spec, state, now }: Moment, failure: boolean): Verdict {
  if (isFinal(spec, state.want, failure)) {
    return { next: failure ? "failed" : "done", retryIn: null, gaveUp: false, change: {} };
  }
  const crashes = failure ? recordCrash(state.crashes, now, spec.giveUp) : state.crashes;
  const streak = state.streak + 1;
  if (failure && givesUp(crashes, spec.giveUp)) {
    return { next: "failed", retryIn: null, gaveUp: true, change: { crashes, streak } };
  }
  const [chance, seed] = random(state.seed);
  const retryIn = retryDelay(state.streak, spec.restartDelay, spec.restartDelayMax, chance);
  const next = retryIn === 0 ? "start" : { retryAt: now + retryIn };
  return { next, retryIn, gaveUp: false, change: { crashes, streak, seed } };
}
