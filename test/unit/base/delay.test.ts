import { expect, test } from "vitest";
import type { Clock, Ms } from "../../../src/base/clock.ts";
import { createDelay } from "../../../src/base/delay.ts";

/** A clock that is moved by hand, and notes for when it was last asked to wake. */
function handClock() {
  let time: Ms = 0;
  let alarms: { readonly when: Ms; readonly wake: () => void }[] = [];
  const clock: Clock = {
    now: () => time,
    at(when, wake) {
      const alarm = { when, wake };
      alarms.push(alarm);
      return () => {
        alarms = alarms.filter((each) => each !== alarm);
      };
    },
  };
  /** One turn of the loop at this time: whoever is armed in it waits for the next. */
  const turn = (to: Ms) => {
    time = to;
    const due = alarms.filter(({ when }) => when <= to);
    alarms = alarms.filter(({ when }) => when > to);
    for (const { wake } of due) wake();
  };
  return { clock, turn, armed: () => alarms.length };
}

test("each is due the same time after it was added, in that order, by one timer", () => {
  const { clock, turn, armed } = handClock();
  const seen: string[] = [];
  const delay = createDelay<string, number>(clock, 10, (key, value) => seen.push(`${key}${value}`));
  delay.add("a", 1);
  turn(4);
  delay.add("b", 2);
  delay.add("c", 3);
  expect(armed()).toBe(1);
  turn(10);
  expect(seen).toEqual(["a1"]);
  expect(armed()).toBe(1);
  turn(14);
  expect(seen).toEqual(["a1", "b2", "c3"]);
  expect(armed()).toBe(0);
});

test("what is taken back is not due, and what is added again waits anew", () => {
  const { clock, turn } = handClock();
  const seen: string[] = [];
  const delay = createDelay<string, number>(clock, 10, (key, value) => seen.push(`${key}${value}`));
  delay.add("a", 1);
  delay.add("b", 1);
  turn(5);
  delay.delete("a");
  delay.delete("never there");
  expect([delay.has("a"), delay.has("b")]).toEqual([false, true]);
  delay.add("a", 2);
  turn(10);
  expect(seen).toEqual(["b1"]);
  turn(15);
  expect(seen).toEqual(["b1", "a2"]);
});

test("of many that are due at once only a few are in one turn of the loop, and what one of them adds waits", () => {
  const { clock, turn, armed } = handClock();
  const seen: number[] = [];
  const delay = createDelay<number, null>(clock, 10, (key) => {
    seen.push(key);
    if (key === 0) delay.add(1000, null);
  });
  for (let key = 0; key < 100; key++) delay.add(key, null);
  const turns = [];
  while (armed() > 0 && turns.length < 50) {
    const before = seen.length;
    turn(10 + turns.length);
    turns.push(seen.length - before);
  }
  expect(Math.max(...turns)).toBeLessThanOrEqual(16);
  expect(seen).toEqual([...Array.from({ length: 100 }, (_, key) => key), 1000]);
});
