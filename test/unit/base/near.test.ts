import { expect, test } from "vitest";
import { didYouMean, nearest } from "../../../src/base/near.ts";

const keys = ["stop-grace", "stop-signal", "restart", "env", "after"];

test.each([
  ["stop-gace", "stop-grace"],
  ["stop_grace", "stop-grace"],
  ["Restart", "restart"],
  ["retsart", "restart"],
  ["evn", "env"],
  ["xyz", null],
  ["e", null],
  ["something else", null],
  ["", null],
  ["x".repeat(100_000), null],
])("for %j the nearest is %s", (word, meant) => expect(nearest(word, keys)).toBe(meant));

test("nothing is said where nothing is near", () => {
  expect(didYouMean("zzz", keys)).toBe("");
  expect(didYouMean("aftre", keys)).toBe("; did you mean after?");
});
