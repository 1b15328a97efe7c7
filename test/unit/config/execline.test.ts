import { describe, expect, test } from "vitest";
import { plainWords, readCommandFile } from "../../../src/config/execline.ts";
import { tree } from "../../helpers/tree.ts";

const file = (text: string): string => `${tree({ up: { text, mode: 0o644 } })}/up`;

describe("the command line of a oneshot", () => {
  test("is execline's where that is installed", () => {
    const up = file("foreground { echo a }\necho b\n");
    expect(readCommandFile(up, "up", "/usr/bin/execlineb")).toEqual({
      ok: true,
      value: ["/usr/bin/execlineb", "-P", up],
    });
  });

  test("with an interpreter of its own it is that one's, whatever the file's mode", () => {
    const up = file("#! /bin/sh -e\nmkdir -p /run/x\n");
    expect(readCommandFile(up, "up", "/usr/bin/execlineb")).toEqual({ ok: true, value: ["/bin/sh", "-e", up] });
  });

  test("that names execlineb, and it is not there, is read as plain words", () => {
    expect(readCommandFile(file("#!/command/execlineb -P\nmkdir -p /run/x\n"), "up", null)).toEqual({
      ok: true,
      value: ["mkdir", "-p", "/run/x"],
    });
  });

  test("of lines that end as on Windows is refused", () => {
    expect(readCommandFile(file("#!/bin/sh\r\n"), "up", null)).toMatchObject({
      ok: false,
      why: expect.stringContaining("CRLF"),
    });
  });
});

describe("plain words", () => {
  test.each<[string, readonly string[]]>([
    ["/etc/s6-overlay/scripts/init\n", ["/etc/s6-overlay/scripts/init"]],
    ["# first\nchmod 755 \\\n".replace(" \\", ""), ["chmod", "755"]],
    ['echo "two words" "a \\"b\\" \\\\ c" $HOME\n', ["echo", "two words", 'a "b" \\ c', "$HOME"]],
    ["mkdir\n  -p\n  /x # why\n", ["mkdir", "-p", "/x"]],
  ])("%j", (text, words) => {
    expect(plainWords(text, "up")).toEqual({ ok: true, value: words });
  });

  test.each<[string, string]>([
    ["foreground { echo a } echo b", "{ is a block of execline, which is not installed"],
    ["echo a\\ b", '"a\\\\ b" is more than plain words'],
    ['echo "open', "more than plain words"],
    ['echo a"b"', "more than plain words"],
    ["", "there is no command in it"],
    ["# nothing\n", "there is no command in it"],
  ])("%j is refused in a sentence", (text, why) => {
    const words = plainWords(text, "up");
    expect(words).toMatchObject({ ok: false, why: expect.stringContaining(why) });
    expect(words.ok ? "" : words.why).toMatch(/^cannot use up: /);
  });
});
