import { expect, test } from "vitest";
import { monotonic } from "../../../src/base/clock.ts";

test("an alarm never wakes before its time, by this very clock", async () => {
  const start = monotonic.now();
  const early = await Promise.all(
    Array.from({ length: 500 }, (_, n) => {
      const when = start + n / 10 + 0.05;
      return new Promise<number>((resolve) => monotonic.at(when, () => resolve(monotonic.now() - when)));
    }),
  );
  expect(Math.min(...early)).toBeGreaterThanOrEqual(0);
});

test("a forgotten alarm does not wake, nor does one at Infinity", async () => {
  let woken = 0;
  const forget = monotonic.at(monotonic.now() + 1, () => woken++);
  monotonic.at(Number.POSITIVE_INFINITY, () => woken++);
  forget();
  await new Promise<void>((resolve) => monotonic.at(monotonic.now() + 5, resolve));
  expect(woken).toBe(0);
});
