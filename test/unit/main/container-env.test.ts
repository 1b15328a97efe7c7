import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { differencesTo, parseEnvironment, shellDump } from "../../../src/main/container-env.ts";

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
});

test("what differs is set or taken away, and nothing else is sent", () => {
  const inherited = env({ SAME: "1", OTHER: "old", GONE: "x" });
  expect(differencesTo(inherited, env({ SAME: "1", OTHER: "new", MADE: "" }))).toEqual({
    OTHER: "new",
    MADE: "",
    GONE: null,
  });
});

describe("the dump for shells", () => {
  test("gives back what it was made of, whatever is in it", () => {
    const values = ["plain", "", "two words", "it's", "$(touch /no)`x`\\", 'a "b"', "line\nbreak", "ünï", "-n"];
    for (const value of values) {
      const script = `${shellDump(env({ VALUE: value }))}printf %s "$VALUE"`;
      expect(execFileSync("/bin/sh", ["-c", script], { encoding: "utf8" })).toBe(value);
    }
  });

  test("leaves out what belongs to a user, and makes names that a shell takes", () => {
    expect(shellDump(env({ HOME: "/root", UID: "0", "my.name-x": "1" }))).toBe("export my_name_x=1\n");
  });
});
