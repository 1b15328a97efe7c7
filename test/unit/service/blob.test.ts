import { describe, expect, test } from "vitest";
import { decode, encode } from "../../../src/service/blob.ts";
import { initial } from "../../../src/service/machine.ts";
import type { State } from "../../../src/service/model.ts";
import { dice } from "./kernel.ts";

const stopping: State = {
  ...initial(1.25, 42),
  phase: "stopping",
  last: { at: 0.5, exit: null, reason: "Infinity" },
  crashes: [0.25, 0.5],
  child: 3,
  pid: 77,
  until: Number.POSITIVE_INFINITY,
  startedAt: -3,
  killed: true,
  again: false,
  cause: "start-timeout",
  preparing: false,
};
const sweeping: State = {
  ...initial(1, 2),
  phase: "sweeping",
  last: { at: 1, exit: { signal: 9 }, reason: null },
  until: 12,
  killed: false,
  left: null,
  finished: false,
  next: { retryAt: 99.5 },
};

test("a state comes back from the core's memory as it went, Infinity included", () => {
  for (const state of [initial(0, 0), stopping, sweeping]) expect(decode(encode(state))).toEqual(state);
});

test("a blob has no NUL byte, whatever a reason says", () => {
  const state: State = { ...initial(0, 1), last: { at: 0, exit: null, reason: "bad\0byte" } };
  expect(encode(state)).not.toContain("\0");
  expect(decode(encode(state))).toEqual(state);
});

test("fields that nobody knows are dropped", () => {
  const text = encode(initial(0, 1)).replace("{", '{"__proto__":{"want":"up"},"extra":1,');
  expect(decode(text)).toEqual(initial(0, 1));
});

describe("refused as a whole", () => {
  const change = (from: string, to: string) => encode(stopping).replace(from, to);
  test.each([
    ["nothing", ""],
    ["half a blob", encode(stopping).slice(0, -9)],
    ["another kind of JSON", "[1]"],
    ["null", "null"],
    ["another version", change('"version":1', '"version":2')],
    ["an unknown phase", change('"phase":"stopping"', '"phase":"toString"')],
    ["a missing field", change('"child":3,', "")],
    ["a field of another type", change('"child":3', '"child":"3"')],
    ["a number out of range", change('"pid":77', '"pid":-1')],
    ["an unknown wish", change('"want":"down"', '"want":"sideways"')],
    ["an unknown cause", change('"cause":"start-timeout"', '"cause":"spite"')],
    ["a since of Infinity", change('"since":1.25', '"since":"Infinity"')],
    ["a number that JSON reads as Infinity", change('"since":1.25', '"since":1e999')],
    ["an exit of both kinds", encode(sweeping).replace('{"signal":9}', '{"signal":9,"code":1}')],
    ["an unknown next", encode(sweeping).replace('{"retryAt":99.5}', '"sideways"')],
    ["a text without end", " ".repeat(70_000) + encode(stopping)],
  ])("%s", (_what, text) => {
    expect(decode(text)).toBeNull();
  });
});

test("a damaged blob is refused or read as some state, and never throws", () => {
  const roll = dice(5);
  for (let n = 0; n < 3_000; n++) {
    const bytes = [...encode(n % 2 === 0 ? stopping : sweeping)];
    for (let hits = 0; hits < 3; hits++) {
      bytes[Math.floor(roll() * bytes.length)] = String.fromCharCode(32 + Math.floor(roll() * 95));
    }
    const state = decode(bytes.join(""));
    if (state !== null) expect(decode(encode(state))).toEqual(state);
  }
});
