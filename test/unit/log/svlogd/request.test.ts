import { expect, test } from "vitest";
import { readHanded, readHandedLine } from "../../../../src/log/svlogd/request.ts";

const request = {
  pid: 7,
  ledger: 5,
  listener: -1,
  stamp: 2,
  replacement: 95,
  lineMax: 1000,
  verbose: 1,
  replaced: "0a7f",
  dirs: [{ name: "d", fd: 3 }, { warning: "unable to open log directory: x: file does not exist" }],
};

test("a request is read with its directories in their order", () => {
  expect(readHanded(request)).toEqual({
    pid: 7,
    ledger: 5,
    listener: -1,
    verbose: true,
    options: { stamp: 2, lineMax: 1000, replacement: 95, replaced: Buffer.from([0x0a, 0x7f]) },
    directories: request.dirs,
  });
  expect(readHanded({ ...request, replacement: -1, replaced: "" })?.options).toEqual({ stamp: 2, lineMax: 1000 });
});

test.each([
  ["no pid", { pid: undefined }],
  ["a pid that is none", { pid: -1 }],
  ["a stamp that there is not", { stamp: 4 }],
  ["a line of no length", { lineMax: 0 }],
  ["no directories", { dirs: null }],
  ["a directory without a descriptor", { dirs: [{ name: "d" }] }],
  ["a directory that is none", { dirs: [null] }],
])("%s is refused", (_, change) => {
  expect(readHanded({ ...request, ...change })).toBeNull();
});

test("further lines are the agreement and signals; all else is nothing", () => {
  expect(readHandedLine('{"go":true}')).toBe("go");
  expect(readHandedLine('{"signal":"TERM"}')).toEqual({ signal: "TERM" });
  expect(readHandedLine('{"signal":"HUP","dirs":[{"name":"d","fd":4}]}')).toEqual({
    signal: "HUP",
    directories: [{ name: "d", fd: 4 }],
  });
  for (const line of ["", "null", "[]", "{", '{"signal":"KILL"}', '{"signal":"HUP"}'])
    expect(readHandedLine(line)).toBeNull();
});
