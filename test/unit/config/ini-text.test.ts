import { describe, expect, test } from "vitest";
import { type IniText, readIni } from "../../../src/config/ini-text.ts";

const read = (text: string | Uint8Array, main: readonly string[] = []): IniText =>
  readIni(Buffer.from(text as string), "f.ini", main);
const plain = (text: IniText) =>
  Object.fromEntries(
    [...text.sections].map(([name, keys]) => [name, Object.fromEntries([...keys].map(([k, v]) => [k, v.text]))]),
  );
const told = (text: IniText) => text.problems.map((problem) => `${problem.where}: ${problem.text}`);

describe("values stay the text that was written", () => {
  test.each([
    "true",
    "null",
    "1",
    '"quoted; #"',
    "'single'",
    "sh -c 'echo 1; echo 2'",
    "a ; b # c",
    "a=b==c",
    "[x]",
    "C:\\new\\",
    '{"a": [1, "b"]}',
    "~marked",
    "%(ENV_X)s $HOME",
    "é\u{1f600}\u2028x",
    "",
  ])("%j", (value) => expect(plain(read(`k = ${value}\n`))).toEqual({ "": { k: value } }));
});

test("keys and sections may be named as ini would not like it", () => {
  const text =
    "__proto__ = 1\nk[] = 2\na.b = 3\nenv = 4\n[env]\nA = 5\n[program:x.y]\nz = 6\n[__proto__]\nq = 7\n[a\\.b]\nr = 8\n[x.y.z]\n[true]\ntrue = true\n";
  const { sections, problems } = read(text);
  expect(problems).toEqual([]);
  const got = [...sections].flatMap(([name, keys]) => [...keys].map(([key, value]) => [name, key, value.text]));
  expect(got.sort()).toEqual(
    [
      ["", "__proto__", "1"],
      ["", "k[]", "2"],
      ["", "a.b", "3"],
      ["", "env", "4"],
      ["env", "A", "5"],
      ["program:x.y", "z", "6"],
      ["__proto__", "q", "7"],
      ["a\\.b", "r", "8"],
      ["true", "true", "true"],
    ].sort(),
  );
  expect(sections.has("x.y.z")).toBe(true);
});

test("comments stand on their own lines, indented ones too; each value knows its line", () => {
  const text = read(
    "\ufeff# one\r\n; two\r\n\r\na = 1\r\n  # three\r\nb=2\r\n\t; four\r\n[s]\r\n  c = 3\r\n  d = 4\r\n",
  );
  expect(text.problems).toEqual([]);
  expect(plain(text)).toEqual({ "": { a: "1", b: "2" }, s: { c: "3", d: "4" } });
  expect(text.sections.get("s")?.get("d")).toEqual({ text: "4", line: 10, where: "f.ini:10" });
  expect(text.headers.get("s")).toBe("f.ini:8");
});

test("indented lines continue a value, past comments, until a blank line", () => {
  const text = read("a = one\n  two\n  # no\n\tthree = 3\n\nb =\n  x\n  y\n");
  expect(plain(text)).toEqual({ "": { a: "one\ntwo\nthree = 3", b: "x\ny" } });
  expect(text.sections.get("")?.get("b")?.line).toBe(6);
});

test("a main section is the same as none", () => {
  const text = read("a = 1\n[service]\nb = 2\n", ["service"]);
  expect(plain(text)).toEqual({ "": { a: "1", b: "2" } });
  expect([...text.headers]).toEqual([]);
});

test("the same key in two sections is two keys; twice in one it is a problem with both lines, and the first holds", () => {
  const text = read("a = 1\n[s]\na = 2\n[main]\na = 3\n[s]\na = 4\n", ["main"]);
  expect(plain(text)).toEqual({ "": { a: "1" }, s: { a: "2" } });
  expect(told(text)).toEqual([
    'f.ini:5: cannot use "a" twice: line 1 says it already',
    'f.ini:7: cannot use "a" twice: line 3 says it already',
  ]);
});

test.each([
  ["just words", 'f.ini:2: cannot read "just words": not KEY = VALUE, [SECTION] or a comment'],
  ["= value", 'f.ini:2: cannot read "= value"'],
  ["[open", 'f.ini:2: cannot read the section "[open"'],
  ["[a] b", 'f.ini:2: cannot read the section "[a] b"'],
  ["[]", 'f.ini:2: cannot read the section "[]"'],
  ["a \0 b", "f.ini:2: cannot read the file: there is a NUL in it"],
  [Buffer.from("a = \xff", "latin1"), "f.ini:2: cannot read the file: there are bytes in it that are not UTF-8"],
])("%j is a problem at its line", (line, problem) => {
  const text = read(Buffer.concat([Buffer.from("x = 1\n"), Buffer.from(line as string), Buffer.from("\ny = 2\n")]));
  expect(told(text)).toEqual([expect.stringContaining(problem)]);
});

test("what follows a broken section header is in no other section", () => {
  expect(plain(read("[s]\na = 1\n[t\nb = 2\n"))).toEqual({ s: { a: "1" } });
});

test("a file of faults tells some of them", () => {
  const text = read("garbage\n".repeat(5000));
  expect(text.problems.length).toBeGreaterThan(0);
  expect(text.problems.length).toBeLessThanOrEqual(20);
});

test("random text: every KEY = VALUE line comes back as it was, or is told", () => {
  let seed = 11;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  const alphabet = [
    "a",
    "b",
    " ",
    "=",
    "[",
    "]",
    ";",
    "#",
    '"',
    "'",
    "\\",
    ".",
    "\t",
    "true",
    "~",
    "@",
    "é",
    "\r",
    "%",
  ];
  const word = (length: number) => Array.from({ length }, () => alphabet[random(alphabet.length)] ?? "").join("");
  for (let round = 0; round < 500; round++) {
    const lines = Array.from({ length: 6 }, (_, i) => `k${i}${word(3).replace(/[=\r]/g, "")}=${word(8)}`);
    const text = read(lines.join("\n"));
    expect(text.problems).toEqual([]);
    const values = [...(text.sections.get("") ?? [])].map(([key, { text: value }]) => `${key}=${value}`);
    const trimmed = lines.map((line) => {
      const at = line.indexOf("=");
      return `${line.slice(0, at).trim()}=${line.slice(at + 1).trim()}`;
    });
    expect(values).toEqual(trimmed);
  }
});
