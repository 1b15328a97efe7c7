import { expect, test } from "vitest";
import { alike } from "../../../src/process/proc.ts";

test.each([
  ["that stands still is read twice", ["1 2 ", "1 2 "], "1 2 ", 2],
  ["that has left one out is read again", ["1 ", "2 3 ", "2 3 "], "2 3 ", 3],
  ["of a process that goes is none", ["1 ", null, null], null, 3],
  ["that never stands still keeps nobody", ["1 ", "2 ", "3 ", "4 ", "5 ", "6 "], "5 ", 5],
])("a list of children %s", (_what, lists: readonly (string | null)[], whole, count) => {
  let reads = 0;
  expect(alike(() => lists[reads++] ?? null)).toBe(whole);
  expect(reads).toBe(count);
});
