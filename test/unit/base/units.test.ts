import { describe, expect, test } from "vitest";
import {
  durationSpelling,
  parseBoolean,
  parseDuration,
  parseInteger,
  parseSize,
  parseUmask,
} from "../../../src/base/units.ts";

const value = (parsed: { ok: boolean; value?: unknown }) => (parsed.ok ? parsed.value : "refused");

describe("durations", () => {
  test.each([
    ["10s", 10_000],
    ["500ms", 500],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["1d", 86_400_000],
    ["1m30s", 90_000],
    ["1.5s", 1500],
    ["7", 7000],
    ["0", 0],
    ["0.25", 250],
    ["never", Number.POSITIVE_INFINITY],
    ["infinity", Number.POSITIVE_INFINITY],
  ])("%s is %d ms", (text, ms) => expect(value(parseDuration(text))).toBe(ms));

  test.each([
    "",
    " ",
    "10 s",
    "10x",
    "-1",
    "-1s",
    "1e3",
    "s",
    "1s2",
    "1_000",
    "0x10",
    "١s",
    "Infinity",
    "9".repeat(400),
  ])("%j is refused", (text) => expect(value(parseDuration(text))).toBe("refused"));

  test.each([
    [0, "0s"],
    [7000, "7s"],
    [90_000, "1m30s"],
    [1500, "1s500ms"],
    [86_400_000, "1d"],
    [Number.POSITIVE_INFINITY, "never"],
  ])("%d ms is written %s and read back", (ms, text) => {
    expect(durationSpelling(ms)).toBe(text);
    expect(value(parseDuration(text))).toBe(ms);
  });
});

test.each([
  ["64KB", 65_536],
  ["64k", 65_536],
  ["1MiB", 1 << 20],
  ["5 MB", 5 << 20],
  ["2G", 2 ** 31],
  ["4096", 4096],
  ["7B", 7],
  ["", "refused"],
  ["-1", "refused"],
  ["1.5M", "refused"],
  ["KB", "refused"],
  ["999999999999999T", "refused"],
])("the size %j is %s", (text, bytes) => expect(value(parseSize(text))).toBe(bytes));

test.each([
  ["022", 0o22],
  ["0027", 0o27],
  ["0", 0],
  ["777", 0o777],
  ["8", "refused"],
  ["1777", "refused"],
  ["", "refused"],
  ["0x1", "refused"],
])("the mask %j is %s", (text, mask) => expect(value(parseUmask(text))).toBe(mask));

test.each([
  ["yes", true],
  ["TRUE", true],
  ["on", true],
  ["1", true],
  ["No", false],
  ["false", false],
  ["off", false],
  ["0", false],
  ["", "refused"],
  ["2", "refused"],
  ["constructor", "refused"],
])("%j is %s", (text, truth) => expect(value(parseBoolean(text))).toBe(truth));

test("a whole number keeps to its bounds", () => {
  const parse = parseInteger(-2, 3);
  expect(["-3", "-2", "3", "4", "1.0", "", "0x1", " 1"].map((text) => value(parse(text)))).toEqual([
    "refused",
    -2,
    3,
    "refused",
    "refused",
    "refused",
    "refused",
    "refused",
  ]);
});
