import { expect, test } from "vitest";
import { monotonic } from "../../../src/base/clock.ts";

/** A turn of the loop that takes this long. */
function toil(span: number): void {
  const end = monotonic.now() + span;
  while (monotonic.now() < end);
}

test("nobody is woken before the time, however long the turn was in which it was asked for", async () => {
  for (const after of [1, 3.5, 8, 20]) {
    await new Promise((resolve) => setImmediate(resolve));
    toil(5);
    const when = monotonic.now() + after;
    await new Promise<void>((resolve) => void monotonic.at(when, resolve));
    expect(monotonic.now()).toBeGreaterThanOrEqual(when);
  }
});

test("who has forgotten his time is not woken", async () => {
  let isWoken = false;
  const forget = monotonic.at(monotonic.now() + 1, () => {
    isWoken = true;
  });
  forget();
  await new Promise<void>((resolve) => void monotonic.at(monotonic.now() + 5, resolve));
  expect(isWoken).toBe(false);
});
