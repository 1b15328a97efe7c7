import { expect, test } from "vitest";
import { matchesGlob } from "../../../src/cli/glob.ts";
import { meant } from "../../../src/cli/near.ts";

test.each([
  ["web*", "web-1", true],
  ["web*", "web", true],
  ["*", "web/log", false],
  ["*/log", "web/log", true],
  ["w?b", "web", true],
  ["w?b", "wb", false],
  ["[a-c]*", "beta", true],
  ["[!a-c]*", "beta", false],
  ["[z-a]", "m", false],
  ["a*b*c", "a-b-b-c", true],
  ["a*b*c", "a-b-b-", false],
  ["[", "[", true],
  ["a.c", "abc", false],
])("the pattern %s matches %s: %s", (pattern, name, expected) => {
  expect(matchesGlob(pattern, name)).toBe(expected);
});

test("a pattern that is made to be slow is not", () => {
  const begun = process.cpuUsage();
  expect(matchesGlob(`${"a*".repeat(20_000)}b`, "a".repeat(255))).toBe(false);
  expect(process.cpuUsage(begun).user).toBeLessThan(500_000);
});

test.each([
  ["weeb", "web"],
  ["wbe", "web"],
  ["databse", "database"],
  ["data", "database"],
  ["nginx", null],
  ["x", null],
])("%s is taken for %s", (word, expected) => {
  expect(meant(word, ["web", "database", "cron"])).toBe(expected);
});
