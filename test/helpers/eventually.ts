import { setTimeout as delay } from "node:timers/promises";
import type { Ms } from "../../src/base/clock.ts";
import { monotonic } from "../../src/base/clock.ts";

/** Between two looks; short, so that a measured time means something. */
const BETWEEN: Ms = 5;

/**
 * Waits until `probe` gives something that is neither null, undefined nor false, and returns it.
 *
 * A probe that throws (an `expect` in it, a pid that is gone) is one that is not true yet; its last word is in the
 * error that comes after `within` (default 10 s). `what` is the condition in words: "the web is up".
 */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  within: Ms = 10_000,
): Promise<Exclude<T, null | undefined | false>> {
  const deadline = monotonic.now() + within;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== null && value !== undefined && value !== false)
        return value as Exclude<T, null | undefined | false>;
      last = value;
    } catch (error) {
      last = error;
    }
    if (monotonic.now() >= deadline) throw new Error(`not within ${within} ms: ${what}; at last: ${lastWord(last)}`);
    await delay(BETWEEN);
  }
}

/** Fails if `probe` becomes false (or throws) at any time during `span`: for "stays as it is". */
export async function throughout(what: string, probe: () => boolean | Promise<boolean>, span: Ms): Promise<void> {
  const deadline = monotonic.now() + span;
  while (monotonic.now() < deadline) {
    if (!(await probe())) throw new Error(`no longer true: ${what}`);
    await delay(BETWEEN);
  }
}

/** How long a piece of work took, with its result. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly took: Ms }> {
  const start = monotonic.now();
  const result = await work();
  return { result, took: monotonic.now() - start };
}

function lastWord(value: unknown): string {
  return value instanceof Error ? value.message : JSON.stringify(value);
}
