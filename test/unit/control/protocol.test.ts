import { expect, test } from "vitest";
import { lineCutter } from "../../../src/control/lines.ts";
import { parseRequest } from "../../../src/control/protocol.ts";

test.each([
  ["", "not JSON"],
  ["{", "not JSON"],
  ["\u0000\ufffd", "not JSON"],
  ["[]", "not a JSON object"],
  ["null", "not a JSON object"],
  ['{"v":2,"do":"status"}', "version 2"],
  ['{"exec":"status"}', "not a list of strings"],
  ['{"exec":[1]}', "not a list of strings"],
  [`${"[".repeat(30_000)}`, "not JSON"],
])("%.30j ends the connection with a sentence", (line, text) => {
  expect(parseRequest(line)).toMatchObject({ do: "refuse", fatal: true, error: expect.stringContaining(text) });
});

test.each([
  ["{}", "cannot do nothing"],
  ['{"do":"constructor"}', "cannot do"],
  ['{"do":"__proto__"}', "cannot do"],
  ['{"do":"status","services":"web"}', "not a list of names"],
  ['{"do":"health","services":[{}]}', "not a list of names"],
  ['{"do":"order","service":"web","order":"toString"}', "cannot order"],
  ['{"do":"order","order":"start"}', "not a name"],
  ['{"do":"order","service":"web","order":"signal","signal":"NOPE"}', "no such signal"],
])("%s is refused, and the next request is read", (line, text) => {
  const id = { ...JSON.parse(line), id: 7 };
  expect(parseRequest(JSON.stringify(id).replace("{", line.includes("__proto__") ? '{"id":7,' : "{"))).toMatchObject({
    do: "refuse",
    fatal: false,
    id: 7,
    error: expect.stringContaining(text),
  });
});

test.each([
  ['{"do":"status"}', { do: "status", services: null, id: null }],
  ['{"v":1,"id":"a","do":"status","services":["web"]}', { do: "status", services: ["web"], id: "a" }],
  ['{"do":"order","service":"web","order":"start"}', { do: "order", service: "web", order: { do: "start" } }],
  ['{"do":"order","service":"web","order":"signal","signal":"HUP"}', { order: { do: "signal", signal: 1 } }],
  ['{"do":"apply","dryRun":true}', { do: "apply", dryRun: true }],
  ['{"do":"health"}', { do: "health", services: [] }],
])("%s is understood", (line, expected) => {
  expect(parseRequest(line)).toMatchObject(expected);
});

test("what an exec does not say of its terminal is the least", () => {
  expect(parseRequest('{"exec":["status"],"columns":1e9}')).toEqual({
    do: "exec",
    id: null,
    argv: ["status"],
    client: { tty: false, columns: 80, color: false, cwd: "", resumed: false },
  });
});

test("lines come out the same however they were cut", () => {
  const text = Buffer.from("one\n\nzwei ä€\nthree");
  for (let size = 1; size <= text.length; size++) {
    const cutter = lineCutter(100);
    const lines: string[] = [];
    for (let at = 0; at < text.length; at += size) lines.push(...(cutter.feed(text.subarray(at, at + size)) ?? []));
    expect(lines).toEqual(["one", "", "zwei ä€"]);
    expect(cutter.partial).toBe(true);
  }
});

test("a line may have as many bytes as are allowed, and not one more", () => {
  expect(lineCutter(4).feed(Buffer.from("1234\n"))).toEqual(["1234"]);
  expect(lineCutter(4).feed(Buffer.from("12345\n"))).toBeNull();
  const cutter = lineCutter(4);
  expect(cutter.feed(Buffer.from("123"))).toEqual([]);
  expect(cutter.feed(Buffer.from("45"))).toBeNull();
});
