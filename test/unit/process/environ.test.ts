import { describe, expect, test } from "vitest";
import { parseEnvironment, wholeEnvironment } from "../../../src/process/environ.ts";

const env = (record: Readonly<Record<string, string>>) => new Map(Object.entries(record));

describe("the environment of a process", () => {
  test("is read as the kernel shows it; what is no text or no variable is left out", () => {
    const bytes = Buffer.concat([
      Buffer.from("A=1\0EMPTY=\0B=x=y\0=odd\0none\0LINES=one\ntwo\0BAD="),
      Buffer.from([0xff, 0]),
    ]);
    expect(parseEnvironment(bytes)).toEqual(env({ A: "1", EMPTY: "", B: "x=y", LINES: "one\ntwo" }));
  });

  test("of nothing is empty, and one that is cut short is read as far as it goes", () => {
    expect(parseEnvironment(Buffer.alloc(0))).toEqual(new Map());
    expect(parseEnvironment(Buffer.from("A=1\0B=2"))).toEqual(env({ A: "1", B: "2" }));
  });

  test("is nothing where there is no such process, or where it is larger than it may be", () => {
    expect(wholeEnvironment(process.pid)?.size).toBeGreaterThan(0);
    expect(wholeEnvironment(process.pid, 1)).toBeNull();
    expect(wholeEnvironment(-1)).toBeNull();
  });
});
