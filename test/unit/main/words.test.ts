import { describe, expect, test } from "vitest";
import { readWords, wordsFault } from "../../../src/main/words.ts";

describe("the words of --compat baseimage", () => {
  test("are my_init's options, with or without a directory", () => {
    expect(readWords(["--compat", "baseimage", "--quiet", "--skip-runit", "--", "bash", "--quiet"])).toMatchObject({
      scanDir: "/etc/service",
      files: [],
      compat: {
        skipStartupFiles: false,
        skipRunit: true,
        noKillAllOnExit: false,
        quiet: true,
        enableInsecureKey: false,
      },
      unknown: null,
      command: ["bash", "--quiet"],
    });
    expect(readWords(["-c", "x.ini", "--compat", "baseimage", "/srv"])).toMatchObject({
      scanDir: "/srv",
      files: ["x.ini"],
      unknown: null,
    });
  });

  test("are unknown without it, and so is another layout", () => {
    expect(readWords(["--quiet", "/srv"]).unknown).toBe("--quiet");
    expect(readWords(["--compat", "s6", "/srv"]).unknown).toBe("--compat");
    expect(readWords(["--compat", "baseimage", "--toString"]).unknown).toBe("--toString");
    expect(readWords(["--compat", "baseimage", "constructor"]).dir).toBe("constructor");
  });
});

test("an empty name is no directory, and never the one that we are in", () => {
  expect(readWords(["--as", "runsvdir", "--face", "9", "--dir", ""])).toMatchObject({
    scanDir: "/proc/nowhere",
    dir: "",
  });
});

test("a command that is too long for the core is refused in a sentence, and before anything runs", () => {
  const fault = (...more: readonly string[]) => wordsFault(readWords(["/srv", "--", "true", ...more]));
  expect(fault()).toBeNull();
  expect(fault(...new Array(5999).fill("x"))).toBeNull();
  expect(fault(...new Array(6000).fill("x"))).toMatch(/^cannot run "true": 6001 words of \d+ bytes are more than/);
  expect(fault("x".repeat(400_000))).toMatch(/^cannot run "true": 2 words/);
  expect(wordsFault(readWords(["-x"]))).toMatch(/^unknown word -x;/);
});
