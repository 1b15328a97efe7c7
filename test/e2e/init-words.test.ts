// How init mode is called, and what it says to those who call it wrongly.
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { shell } from "../helpers/init.ts";
import { upkeep } from "../helpers/pid-namespace.ts";
import { temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";

describe("ways to be called", () => {
  test("a path runs without --, and its options are its own", async () => {
    expect((await shell('exec "$0" /bin/echo -g --grace x')).stdout).toBe("-g --grace x\n");
  });

  test.each(["upkeep", "tini", "dumb-init"])("as the interpreter of a script, called %s", async (name) => {
    const directory = temporaryDirectory();
    symlinkSync(upkeep, join(directory, name));
    writeFiles(directory, { script: { text: `#!${directory}/${name} /bin/sh\necho "$0: $*"\nexit 5\n`, mode: 0o755 } });
    const ran = await shell("exec ./script one two", [], { cwd: directory, env: { TINI_SUBREAPER: "" } });
    expect(ran).toEqual({ code: 5, stdout: "./script: one two\n", stderr: "" });
  });

  test("a container runtime's names for an init", async () => {
    const directory = temporaryDirectory();
    for (const name of ["docker-init", "podman-init", "init"]) symlinkSync(upkeep, join(directory, name));
    for (const name of ["docker-init", "podman-init", "init"]) {
      const { code, stdout } = await shell(`exec ./${name} -- echo hi`, [], { cwd: directory });
      expect({ code, stdout }).toEqual({ code: 0, stdout: "hi\n" });
    }
  });
});

describe("mistakes", () => {
  const JSON_FORM = 'a command line for a shell needs ["sh", "-c", "..."]';
  test.each([
    ["--", "/usr/sbin/sshd && /bin/bash"],
    ["--", "bash -c '/usr/sbin/sshd && /bin/bash'"],
    ["/usr/sbin/sshd && /bin/bash"],
    ["nginx -g off"],
  ])("a command line in one word is told with 127: %s %s", async (...words) => {
    const ran = await shell('exec "$0" "$@"', words);
    expect(ran.code).toBe(127);
    expect(ran.stderr).toContain(JSON_FORM);
    expect(ran.stderr.split("\n")).toHaveLength(2);
  });

  test.each([
    [["--yolo", "--", "true"], "unknown option --yolo"],
    [["-Z", "--", "true"], "invalid option -- 'Z'"],
    [["--grace"], "option '--grace' requires an argument"],
    [["--grace", "soon", "--", "true"], "cannot use --grace 'soon': not a time"],
    [["--drain", "1e9", "--", "true"], "not a time"],
    [["--grace", "99999999999999999999", "--", "true"], "not a time"],
    [["--grace", "-1s", "--", "true"], "not a time"],
    [["--grace", "", "--", "true"], "not a time"],
    [["-r", "TERM", "--", "true"], "cannot use -r 'TERM': not SIGNAL:SIGNAL"],
    [["--rew=TERM", "--", "true"], "cannot use --rewrite 'TERM': not SIGNAL:SIGNAL"],
    [["-r", "TERM:NOPE", "--", "true"], "not SIGNAL:SIGNAL"],
    [["-r", "0:TERM", "--", "true"], "not SIGNAL:SIGNAL"],
    [["-r", "65:1", "--", "true"], "not SIGNAL:SIGNAL"],
    [["-r", "RTMIN+31:1", "--", "true"], "not SIGNAL:SIGNAL"],
    [["-p", "NOPE", "--", "true"], "not a signal"],
    [["-ge256", "--", "true"], "cannot use -e '256': not an exit code"],
    [["--"], "no command after --"],
    [["--grace", "1s"], "no command to run"],
    [["--pause", "--", "true"], "--pause takes no command"],
  ])("%j is told with 64", async (words, told) => {
    const ran = await shell('exec "$0" "$@"', words);
    expect(ran).toMatchObject({ code: 64, stdout: "" });
    expect(ran.stderr).toContain(told);
  });

  test("a word that is no command is told how a program is run", async () => {
    const ran = await shell('exec "$0" nginx');
    expect(ran.code).toBe(64);
    expect(ran.stderr).toContain("unknown command nginx, and no directory either");
    expect(ran.stderr).toContain("upkeep [OPTIONS] -- CMD");
  });

  test.each(["-h", "--help"])("%s explains init mode without Node, and the way to the rest", async (word) => {
    const { code, stdout, stderr } = await shell(`PATH= exec "$0" ${word}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const option of [
      "--rewrite",
      "--grace",
      "--wait-all",
      "--drain",
      "--pre",
      "--pause",
      "--death-signal",
      "upkeep help",
    ])
      expect(stdout).toContain(option);
  });

  test.each(["-V", "--version"])("%s tells the version", async (word) => {
    expect((await shell(`exec "$0" ${word}`)).stdout).toMatch(/^upkeep \d+\.\d+\.\d+\n$/);
  });
});
