import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { differencesTo, shellDump } from "../../../src/main/container-env.ts";

const env = (record: Readonly<Record<string, string>>) => new Map(Object.entries(record));

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
