import { expect, test } from "vitest";
import { givesUp, random, recordCrash, retryDelay } from "../../../src/service/restart.ts";

const MIDDLE = 0.5;

test("the first crash waits for nothing, each further one twice as long, up to the limit", () => {
  const delays = [0, 1, 2, 3, 4, 9, 10, 5_000].map((streak) => retryDelay(streak, 100, 30_000, MIDDLE));
  expect(delays).toEqual([0, 100, 200, 400, 800, 25_600, 30_000, 30_000]);
});

test("jitter moves a delay by 10 % at most, and never beyond the limit", () => {
  expect(retryDelay(1, 100, 30_000, 0)).toBeCloseTo(90);
  expect(retryDelay(1, 100, 30_000, 0.999999)).toBeCloseTo(110, 3);
  expect(retryDelay(20, 100, 30_000, 0.999999)).toBe(30_000);
});

test("a delay of 0 stays 0 however often it crashes", () => {
  expect(retryDelay(5_000, 0, 30_000, 0)).toBe(0);
});

test("the generator spreads, repeats itself for the same seed, and takes any seed", () => {
  const draws: number[] = [];
  let seed = -7;
  for (let n = 0; n < 1_000; n++) {
    const [chance, next] = random(seed);
    expect(random(seed)).toEqual([chance, next]);
    draws.push(chance);
    seed = next;
  }
  expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...draws)).toBeLessThan(1);
  for (let tenth = 0; tenth < 10; tenth++) {
    expect(draws.filter((draw) => Math.floor(draw * 10) === tenth).length).toBeGreaterThan(60);
  }
});

test("give-up counts the crashes within its time, and remembers no more than it needs", () => {
  const rule = { count: 3, within: 1_000 };
  let crashes: readonly number[] = [];
  for (const at of [0, 600, 1_200]) crashes = recordCrash(crashes, at, rule);
  expect(crashes).toEqual([600, 1_200]);
  expect(givesUp(crashes, rule)).toBe(false);
  crashes = recordCrash(crashes, 1_600, rule);
  expect(givesUp(crashes, rule)).toBe(true);
  expect(recordCrash(crashes, 1_601, rule)).toEqual([1_200, 1_600, 1_601]);
});

test("without give-up nothing is remembered and nothing is given up", () => {
  expect(recordCrash([1, 2], 3, null)).toEqual([]);
  expect(givesUp([1, 2, 3], null)).toBe(false);
});

test("a give-up of absurdly many crashes keeps the state small", () => {
  const rule = { count: 1e9, within: 1e9 };
  let crashes: readonly number[] = [];
  for (let at = 0; at < 1_500; at++) crashes = recordCrash(crashes, at, rule);
  expect(crashes).toHaveLength(1_000);
});
