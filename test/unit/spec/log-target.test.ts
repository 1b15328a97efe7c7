import { expect, test } from "vitest";
import { parseLog } from "../../../src/spec/log-target.ts";

test.each([
  ["prefix", { kind: "prefix", dir: null }],
  ["none", { kind: "none", dir: null }],
  ["file:logs", { kind: "file", dir: "logs" }],
  ["file:/var/log/web", { kind: "file", dir: "/var/log/web" }],
  ["prefix, file:logs", { kind: "prefix", dir: "logs" }],
  ["file:logs,json", { kind: "json", dir: "logs" }],
])("%s is understood", (text, value) => {
  expect(parseLog(text)).toEqual({ ok: true, value });
});

test.each(["", "file:", "file", "stdout", "prefix, json", "file:a, file:b", "inherit, file:a", "logger, file:a"])(
  "%s is refused",
  (text) => {
    expect(parseLog(text).ok).toBe(false);
  },
);
