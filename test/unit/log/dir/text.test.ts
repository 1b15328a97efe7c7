import { expect, test } from "vitest";
import { DEFAULT_CONFIG, parseConfig } from "../../../../src/log/dir/config.ts";
import { fitting } from "../../../../src/log/dir/cut.ts";
import { type Batch, createLayout, createReplacement } from "../../../../src/log/dir/layout.ts";
import { matches, selected } from "../../../../src/log/dir/match.ts";
import { asKind, oldName, sacrifice, surplus } from "../../../../src/log/dir/names.ts";
import { createMicros, stampText, tai64n } from "../../../../src/log/dir/stamp.ts";
import { fakeClock } from "../fakes.ts";

const read = (text: string) => parseConfig(Buffer.from(text, "latin1"));
const isMatch = (pattern: string, text: string) => {
  const bytes = Buffer.from(`<${text}>`);
  return matches(Buffer.from(pattern), bytes, 1, bytes.length - 1);
};

test("a config says what its letters mean, and keeps the defaults of what it does not say", () => {
  expect(read("").config).toEqual(DEFAULT_CONFIG);
  expect(read("#s5\n\nz\n").config).toEqual(DEFAULT_CONFIG);
  const { config, problems } = read("s20k\nn3\nN2\nt5m\n!gzip\npweb: \nu10.0.0.1\n-*\n+a*\n");
  expect(problems).toEqual([]);
  expect(config).toMatchObject({ size: 20_480, keep: 3, least: 2, age: 300, processor: "gzip", udpOnly: false });
  expect(config.udp).toEqual({ address: "10.0.0.1", port: 514 });
  expect(config.prefix?.toString()).toBe("web: ");
  expect(config.selections.map(({ sign, pattern }) => `${sign}${pattern}`)).toEqual(["-*", "+a*"]);
});

test.each([
  ["s", { size: 0 }],
  ["sx", { size: 0 }],
  ["s2m", { size: 2 * 1024 * 1024 }],
  ["s7kb", { size: 7168 }],
  ["s99999999999999999999", { size: Number.MAX_SAFE_INTEGER }],
  ["t2h", { age: 7200 }],
  ["t3", { age: 3 }],
  ["n0", { keep: 0 }],
  ["!", { processor: null }],
  ["p", { prefix: null }],
  ["U1.2.3.4:99", { udpOnly: true, udp: { address: "1.2.3.4", port: 99 } }],
])("the line %s", (line, expected) => {
  expect(read(line).config).toMatchObject(expected);
});

test.each([
  ["u1.2.3", "unable to scan ip address: 1.2.3"],
  ["U300.1.1.1", "unable to scan ip address: 300.1.1.1"],
  ["u1.2.3.4:x", "unable to scan port number: x"],
  ["U1.2.3.4:70000", "unable to scan port number: 70000"],
])("%s is no target, is told, and lines go on being written", (line, problem) => {
  const { config, problems } = read(line);
  expect(problems).toEqual([problem]);
  expect(config).toMatchObject({ udp: null, udpOnly: false });
});

test.each([
  ["", "", true],
  ["", "a", false],
  ["*", "", true],
  ["*: *: pid *", "2005 tcpsvd: info: pid 1977 from", true],
  ["*pid*", "tcpsvd: info: pid 1977", false],
  ["+ab", "aaab", true],
  ["+ab", "b", false],
  ["a+", "a", false],
  ["+", "", false],
  ["a*", "a", true],
  ["*a", "ba", true],
  ["*a", "baa", false],
  ["**", "x*", true],
])("the pattern %s and the line %s: %s", (pattern, text, expected) => {
  expect(isMatch(pattern, text)).toBe(expected);
});

test("of the patterns that match a line the last decides, apart for the file and for standard error", () => {
  const of = (config: string, text: string) => {
    const { selections } = read(config).config;
    return selected(selections, Buffer.from(text), 0, text.length);
  };
  expect(of("", "x")).toEqual({ write: true, alert: false });
  expect(of("-*\n+a*\n", "ab")).toEqual({ write: true, alert: false });
  expect(of("-*\n+a*\n", "b")).toEqual({ write: false, alert: false });
  expect(of("e*\nEa*\n-*\n", "b")).toEqual({ write: false, alert: true });
  expect(of("e*\nEa*\n-*\n", "a")).toEqual({ write: false, alert: false });
});

test("stamps are as svlogd writes them", () => {
  const time = Date.UTC(2026, 10, 21, 23, 59, 59) * 1000 + 12_345;
  expect(tai64n(1e15 + 7)).toBe("@400000003b9aca0a00001b58");
  expect(tai64n(0)).toBe("@400000000000000a00000000");
  expect(stampText(2, time)).toBe("2026-11-21_23:59:59.01234 ");
  expect(stampText(3, time)).toBe("2026-11-21T23:59:59.01234 ");
  expect(stampText(0, time)).toBe("");
});

test("wall time goes on by microseconds between the milliseconds, and follows a clock that was set", () => {
  const clock = fakeClock();
  let wall = 5_000;
  const micros = createMicros(clock, () => Math.floor(wall));
  expect(micros()).toBe(5_000_000);
  clock.advance(0.25);
  wall += 0.25;
  expect(micros()).toBe(5_000_250);
  wall = 90_000;
  expect(micros()).toBe(90_000_000);
  wall = 10;
  expect(micros()).toBe(10_000);
});

test("names of old files sort by time, whatever has become of them", () => {
  const names = [3e15, 1e15, 2e15].map((time) => oldName(time, "s"));
  expect([...names].sort()).toEqual([names[1], names[2], names[0]]);
  expect(asKind("@400000000000000a00000000.u", "t")).toBe("@400000000000000a00000000.t");
});

test("what is deleted: leftovers of processors, and the oldest one beyond what is kept, never the pending one", () => {
  const name = (n: number, kind: "s" | "u" | "t") => oldName(n * 1e6, kind);
  const names = [name(2, "s"), name(1, "u"), name(3, "t"), "current", "@short", "state"];
  expect(surplus(names, 1, null)).toEqual({ leftovers: [name(3, "t")], oldest: name(1, "u") });
  expect(surplus(names, 1, name(1, "u"))).toEqual({ leftovers: [name(3, "t")], oldest: name(2, "s") });
  expect(surplus(names, 2, null).oldest).toBe(null);
  expect(surplus(names, 0, null).oldest).toBe(null);
});

test("on a full disk the oldest goes, while there are more than the least number and that is less than what is kept", () => {
  const names = [1, 2, 3].map((n) => oldName(n * 1e6, "s"));
  expect(sacrifice(names, 2, 10)).toBe(names[0]);
  expect(sacrifice(names, 3, 10)).toBe(null);
  expect(sacrifice(names, 10, 10)).toBe(null);
  expect(sacrifice(names, 1, 0)).toBe(null);
});

test("a file ends with the first line that ends less than a line's length before its size", () => {
  const at = (text: string, size: number, most: number, lineMax: number, isInside = false) =>
    fitting(Buffer.from(text), 0, { size, isInside }, { most, lineMax });
  expect(at("aaaa\nbbbb\ncccc\n", 0, 20, 10)).toEqual({ count: 10, isFull: true });
  expect(at("aaaa\nbbbb\ncccc\n", 6, 20, 10)).toEqual({ count: 5, isFull: true });
  expect(at("aaaa\nbbbb\n", 0, 100, 10)).toEqual({ count: 10, isFull: false });
  expect(at("aaaa\nbbbb\n", 0, 0, 10)).toEqual({ count: 10, isFull: false });
  // Too small for a line: whole lines all the same.
  expect(at("aaaa\nbbbb\n", 0, 3, 10)).toEqual({ count: 5, isFull: true });
  // Already too large: a new file first, but not in the midst of a line.
  expect(at("aaaa\n", 30, 20, 10)).toEqual({ count: 0, isFull: true });
  expect(at("aaaa\nbb\n", 30, 20, 10, true)).toEqual({ count: 5, isFull: true });
  // A line that is longer than a file.
  expect(at("a".repeat(50), 0, 20, 10)).toEqual({ count: 40, isFull: true });
  expect(at("a".repeat(30), 0, 20, 10)).toEqual({ count: 30, isFull: false });
});

const laidOut = (config: string, options: Parameters<typeof createLayout>[1], ...texts: (string | Batch)[]) => {
  const layout = createLayout(read(config).config, options);
  return texts
    .map((text) => layout(typeof text === "string" ? { bytes: Buffer.from(text), column: 0 } : text, 0))
    .map(({ file, alerts, messages }) => [String(file), alerts === null ? null : String(alerts), messages.map(String)]);
};

test("without stamp, prefix and patterns a batch is written as it is, without a copy", () => {
  const bytes = Buffer.from("a\nb\n");
  expect(createLayout(DEFAULT_CONFIG, {})({ bytes, column: 0 }, 0).file).toBe(bytes);
});

test.each([
  ["a\nb\n", "> a\n> b\n"],
  ["\n\n", "> \n> \n"],
  ["a\nb", "> a\n> b"],
  ["a", "> a"],
])("each line of %j begins with the prefix", (text, expected) => {
  expect(laidOut("p> \n", {}, text)).toEqual([[expected, null, []]]);
  expect(laidOut("p> \n+*\n", {}, text)).toEqual([[expected, null, []]]);
});

test("bytes that are no text survive a prefix, and so do many short lines", () => {
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index % 3 === 2 ? 10 : index % 256)));
  const { file } = createLayout(read("plong prefix: \n").config, {})({ bytes, column: 0 }, 0);
  const want = bytes
    .toString("latin1")
    .slice(0, -1)
    .split("\n")
    .map((line) => `long prefix: ${line}`)
    .join("\n");
  expect(file.toString("latin1")).toBe(want + bytes.toString("latin1").slice(-1));
});

test("the rest of a line shares the fate of its beginning, and gets no second stamp", () => {
  const parts = [
    { bytes: Buffer.from("no 4567890"), column: 0 },
    { bytes: Buffer.from("+++\nyes 567890"), column: 10 },
    { bytes: Buffer.from("...\nno\n"), column: 10 },
  ];
  expect(laidOut("p> \n-no*\n", { lineMax: 5 }, ...parts).map(([file]) => file)).toEqual(["", "> yes 567890", "...\n"]);
  expect(laidOut("p> \n", { lineMax: 5 }, ...parts).map(([file]) => file)).toEqual([
    "> no 4567890",
    "+++\n> yes 567890",
    "...\n> no\n",
  ]);
});

test("what is printed and sent is cut after lineMax bytes, and says so", () => {
  const [only] = laidOut("e*\nu1.2.3.4\np> \n", { lineMax: 5 }, "1234\n12345\n1234567\n");
  const shown = ["> 1234\n", "> 12345...\n", "> 12345...\n"];
  expect(only).toEqual(["> 1234\n> 12345\n> 1234567\n", shown.join(""), shown]);
});

test("with U nothing is written", () => {
  expect(laidOut("U1.2.3.4\n", {}, "a\n")).toEqual([["", null, ["a\n"]]]);
});

test("bytes are replaced in the first lineMax bytes of each line, and newlines never", () => {
  const replaced = (options: Parameters<typeof createReplacement>[0], bytes: number[], column = 0) => {
    const buffer = Buffer.from(bytes);
    createReplacement(options)?.({ bytes: buffer, column });
    return buffer.toString("latin1");
  };
  expect(createReplacement({})).toBe(null);
  expect(replaced({ replacement: 46 }, [0, 9, 31, 32, 126, 127, 255, 10, 10, 7])).toBe("... ~..\n\n.");
  expect(replaced({ replaced: Buffer.from("ab") }, [97, 98, 99, 1])).toBe("__c_");
  expect(replaced({ replacement: 46, lineMax: 2 }, [1, 1, 1, 10, 1, 1, 1])).toBe("..\x01\n..\x01");
  expect(replaced({ replacement: 46, lineMax: 2 }, [1, 10, 1], 2)).toBe("\x01\n.");
});
