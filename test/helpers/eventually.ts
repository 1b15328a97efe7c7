import { setTimeout as delay } from "node:timers/promises";
import type { Ms } from "../../src/base/clock.ts";
import { monotonic } from "../../src/base/clock.ts";

/** Between two looks; short, so that a measured time means something. */
const BETWEEN: Ms = 5;

/** How often it is seen whether this process runs, and how late that may be without meaning anything. */
const BEAT: Ms = 10;
const LATE: Ms = 10;
let held: Ms = 0;
let beat: Ms = monotonic.now();
const late = (): Ms => Math.max(0, monotonic.now() - beat - BEAT - LATE);
setInterval(() => {
  held += late();
  beat = monotonic.now();
}, BEAT).unref();

/**
 * The time of this process: it stands still while the process is kept from running. A machine that stalls for two seconds
 * is no delay of what is tested; what is tested has had no more of that time than we.
 */
export const running = (): Ms => monotonic.now() - held - late();

/**
 * Waits until `probe` gives something that is neither null, undefined nor false, and returns it.
 *
 * A probe that throws (an `expect` in it, a pid that is gone) is one that is not true yet; its last word is in the
 * error that comes after `within` (default 10 s) of `running`. `what` is the condition in words: "the web is up".
 */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  within: Ms = 10_000,
): Promise<Exclude<T, null | undefined | false>> {
  const deadline = running() + within;
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
    if (running() >= deadline) throw new Error(`not within ${within} ms: ${what}; at last: ${lastWord(last)}`);
    await delay(BETWEEN);
  }
}

/** Fails if `probe` becomes false (or throws) at any time during `span` of `running`: for "stays as it is". */
export async function throughout(what: string, probe: () => boolean | Promise<boolean>, span: Ms): Promise<void> {
  const deadline = running() + span;
  while (running() < deadline) {
    if (!(await probe())) throw new Error(`no longer true: ${what}`);
    await delay(BETWEEN);
  }
}

/**
 * How long a piece of work took, with its result. `took` is by the clock, for "not sooner than"; `active` is by `running`,
 * for "not later than".
 */
export async function timed<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly took: Ms; readonly active: Ms }> {
  const start = { clock: monotonic.now(), own: running() };
  const result = await work();
  return { result, took: monotonic.now() - start.clock, active: running() - start.own };
}

function lastWord(value: unknown): string {
  return value instanceof Error ? value.message : JSON.stringify(value);
}
