// When a service is started again, as functions of numbers.
import type { Ms } from "../base/clock.ts";
import type { GiveUp } from "../spec/spec.ts";

/** The share by which a delay may be shorter or longer, so that services that fell together do not rise together. */
const JITTER = 0.1;

// Beyond this many doublings every delay has met its limit; it also keeps 0 × Infinity out of the product.
const DOUBLINGS_MAX = 40;

// More crashes than this are not remembered, whatever give-up says, so that a state stays small.
const CRASHES_MAX = 1_000;

/** A number in [0, 1) and the next seed: a linear congruential generator of 32 bits, good enough to spread delays. */
export function random(seed: number): readonly [number, number] {
  const next = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return [next / 2 ** 32, next];
}

/**
 * How long to wait after an end, in milliseconds: nothing for the first one (`streak` 0), then `delay`, doubled each
 * time, ± 10 % by `chance` in [0, 1), and never more than `longest`.
 */
export function retryDelay(streak: number, delay: Ms, longest: Ms, chance: number): Ms {
  if (streak === 0) return 0;
  const nominal = Math.min(delay * 2 ** Math.min(streak - 1, DOUBLINGS_MAX), longest);
  return Math.min(nominal * (1 + JITTER * (2 * chance - 1)), longest);
}

/** What most services have: one list for all of them. */
export const noCrashes: readonly Ms[] = Object.freeze([]);

/** The crashes that still count at `now`, this one included: no more and no older ones than `rule` asks about. */
export function recordCrash(crashes: readonly Ms[], now: Ms, rule: GiveUp | null): readonly Ms[] {
  if (rule === null) return [];
  return [...crashes.filter((at) => now - at <= rule.within), now].slice(-crashesAsked(rule));
}

/** True when the recorded crashes are one too many. */
export function givesUp(crashes: readonly Ms[], rule: GiveUp | null): boolean {
  return rule !== null && crashes.length >= crashesAsked(rule);
}

function crashesAsked({ count }: GiveUp): number {
  return Math.min(Math.max(1, count), CRASHES_MAX);
}
