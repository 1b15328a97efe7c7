// The log engine beside runit's svlogd: the same input and configuration give the same files.
import { createSocket } from "node:dgram";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { type Before, buildEngine, contents, runLogger, withoutTime } from "../helpers/log-engine.ts";
import { need } from "../helpers/need.ts";

let engine: readonly string[] = [];
beforeAll(async () => {
  engine = [process.execPath, await buildEngine()];
});
const svlogd = ["svlogd"];

const seq = (count: number, text = "line"): string =>
  Array.from({ length: count }, (_, index) => `${text} ${index}\n`).join("");
const long = (length: number) => "abcdefghijklmnopqrstuvwxy\t".repeat(length / 26 + 1).slice(0, length);
const odd = Buffer.concat([
  Buffer.from("plain\n\n\n"),
  Buffer.from([0, 1, 9, 31, 32, 126, 127, 128, 200, 255, 10]),
  Buffer.from(`a:b;c\n${long(999)}\n${long(1000)}\n${long(1001)}\n${long(1500)}\nend\n`),
]);

const cases: Readonly<Record<string, { words?: string[]; config?: string; input?: string | Buffer; before?: Before }>> =
  {
    "no config": { input: seq(100) },
    "an empty input": { input: "" },
    "rotation, three kept": { config: "s3000\nn3\n", input: seq(2000) },
    "sizes in kilobytes, two kept": { config: "s4k\nn2\n", input: seq(3000) },
    "all kept": { config: "n0\ns2500\n", input: seq(1500) },
    "no rotation": { config: "s0\n", input: seq(200_000) },
    "a size that is no number": { config: "sx\nnx\n", input: seq(2000) },
    "no newline at the end of config": { config: "s3000\nn2", input: seq(2000) },
    "the default size": { input: seq(300_000) },
    "rotation with -l": { words: ["-l", "100"], config: "s1000\nn4\n", input: seq(600) },
    "rotation with stamps": { words: ["-t"], config: "s3000\nn3\n", input: seq(400) },
    "-tt": { words: ["-tt"], input: odd },
    "-ttt and a prefix": { words: ["-ttt"], config: "pweb: \n", input: odd },
    "-t and empty lines": { words: ["-t"], input: "\n\na\n\n" },
    "a prefix": { config: "pweb: \n", input: odd },
    "an empty prefix": { config: "p\n", input: odd },
    "odd bytes": { input: odd },
    "-r": { words: ["-r", "."], input: odd },
    "-R": { words: ["-R", ":;a"], input: odd },
    "-r and -R": { words: ["-r", "x", "-R", "abc"], input: odd },
    "-r with -l": { words: ["-r", ".", "-l", "20", "-b", "64"], input: odd },
    "no line but those with er": { config: "-*\n+*er*\n", input: "error\nother\ndeer\ner\ne\n" },
    "the last that matches decides": { config: "+*\n-*a*\n+*ab*\n", input: "xax\nxabx\nx\n" },
    "lines for standard error": { config: "e*fatal*\nE*not*\n", input: "fatal: 1\nf\nnot fatal: 2\nx fatal\n" },
    "lines for standard error, with all before them": {
      words: ["-tt", "-l", "10", "-b", "20"],
      config: "px: \ne*\n-*b*\n",
      input: "0123456789\n012345678\n01234567890123\nb\n\n",
    },
    "comments and letters without meaning": { config: "# s10\n\nx\nzz\n s10\n", input: seq(100) },
    "bad addresses": { config: "u1.2.3\nu127.0.0.1:0\n", input: seq(3) },
    "a clean current": { before: { log: { current: { text: "old\n", mode: 0o744 } } }, input: "new\n" },
    "an unclean current": { before: { log: { current: { text: "old\n", mode: 0o644 } } }, input: "new\n" },
    "an empty unclean current": { before: { log: { current: { text: "", mode: 0o644 } } }, input: "new\n" },
    "what a processor has left, too many files, and others": {
      config: "s1000\nn2\n",
      before: {
        log: Object.fromEntries([
          ...["1.s", "2.t", "3.u", "4.s", "5.s"].map((end) => [`@40000000500000000000000${end}`, end]),
          ["@short.s", ""],
          ["other", ""],
        ]),
      },
      words: ["-l", "100"],
      input: seq(200),
    },
    "a processor": { config: "s1000\nn5\n!tr a-z A-Z\n", words: ["-l", "100"], input: seq(300) },
    "a processor with a state": {
      config: "s1000\nn5\n!cat; { cat <&4; echo once more; } >&5\n",
      words: ["-l", "100"],
      input: seq(400),
    },
  };

describe("beside svlogd", () => {
  test.each(Object.entries(cases))("%s: the same files and modes, the same words", async (_, one) => {
    const { words = [], config, input = "", before = { log: {} } } = one;
    const files: Before = config === undefined ? before : { ...before, log: { ...before["log"], config } };
    const theirs = await runLogger(svlogd, [...words, "log"], files, input);
    const ours = await runLogger(engine, [...words, "log"], files, input);
    expect(contents(join(ours.directory, "log"))).toEqual(contents(join(theirs.directory, "log")));
    expect(withoutTime(ours.stderr)).toBe(withoutTime(theirs.stderr));
    expect(ours.code).toBe(theirs.code);
  });

  test("the same of many lines for each of many patterns", async () => {
    const patterns = ["", "*", "a", "a*", "*a", "*a*", "a*b", "+a", "+ab", "+a*", "+a+b", "*+a", "*b+c", "++", "**"];
    patterns.push("*: *", "*: *: pid *", "-*", "+-*", "e", "* ", "a**b", "*.log");
    const text = ["", "a", "aa", "ab", "aab", "aabb", "ba", "b", "abc", "bcc", "+", "a+b", "*", "x: y: pid 4", "x: y"];
    text.push("tcpsvd: info: pid 1", "-", "--", "-a", "a b", "a ", "x.log", "aaa.log", "aaabbbccc", "ac", "e", " ");
    const before: Before = Object.fromEntries(
      patterns.map((pattern, index) => [`log${index}`, { config: `-*\n+${pattern}\n` }]),
    );
    const names = Object.keys(before);
    const input = `${text.join("\n")}\n`;
    const theirs = await runLogger(svlogd, names, before, input);
    const ours = await runLogger(engine, names, before, input);
    for (const [index, name] of names.entries()) {
      const label = `pattern ${patterns[index]}`;
      expect([label, ...contents(join(ours.directory, name))]).toEqual([
        label,
        ...contents(join(theirs.directory, name)),
      ]);
    }
  });

  test("several directories, each with its own configuration; one that is not there is warned of", async () => {
    const before: Before = {
      all: {},
      errors: { config: "-*\n+*error*\n" },
      small: { config: "s2000\nn3\np> \n" },
    };
    const words = ["-t", "all", "none", "errors", "small"];
    const input = seq(700) + seq(20, "an error");
    const theirs = await runLogger(svlogd, words, before, input);
    const ours = await runLogger(engine, words, before, input);
    for (const name of Object.keys(before))
      expect(contents(join(ours.directory, name))).toEqual(contents(join(theirs.directory, name)));
    expect(ours.stderr).toBe("svlogd: warning: unable to open log directory: none: file does not exist\n");
    expect(ours.stderr).toBe(theirs.stderr);
  });

  test("what -v tells of starts, renames, deletions and closes is told in the same words", async () => {
    const before: Before = { log: { config: "s3000\nn2\n", current: { text: "old\n", mode: 0o744 } } };
    const theirs = await runLogger(svlogd, ["-v", "log"], before, seq(1500));
    const ours = await runLogger(engine, ["-v", "log"], before, seq(1500));
    expect(withoutTime(ours.stderr)).toBe(withoutTime(theirs.stderr));
    expect(ours.stderr).toContain("info: delete: log/@");
  });

  test.each(["u", "U"])("lines selected for UDP with %s are sent as svlogd sends them", async (letter) => {
    const socket = createSocket("udp4");
    const received: string[] = [];
    socket.on("message", (message) => received.push(withoutTime(message.toString("latin1"))));
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const config = `${letter}127.0.0.1:${socket.address().port}\npweb: \n-no*\n`;
    const input = "one\nno\ntwo\n\n0123456789\n01234567890\n";
    const words = ["-t", "-l", "10", "-b", "20", "log"];
    try {
      const theirs = await runLogger(svlogd, words, { log: { config } }, input);
      await eventually("all have come", () => received.length === 5);
      const sent = received.splice(0);
      const ours = await runLogger(engine, words, { log: { config } }, input);
      await eventually("all have come", () => received.length === 5);
      expect(received).toEqual(sent);
      expect(contents(join(ours.directory, "log"))).toEqual(contents(join(theirs.directory, "log")));
    } finally {
      socket.close();
    }
  });
});

test("the tests of this file have svlogd", (context) => need(context, "svlogd"));
