import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { spawnAttributes } from "../../../src/channel/channel.ts";
import type { SpawnRequest } from "../../../src/channel/core.ts";
import { decoder, down, encode, FRAME_MAX, type Message, up, VERSION } from "../../../src/channel/messages.ts";

const source = (name: string) => readFileSync(join(import.meta.dirname, "../../../src/core", name), "utf8");
const wire = source("wire.h");
const requests = source("requests.c");

/** The rows of one X-macro table. */
function table(name: string): Record<string, number> {
  const text = wire.match(new RegExp(`#define ${name}\\(X\\)((?:.*\\\\\n)*.*)`))?.[1] ?? "";
  return Object.fromEntries(
    [...text.matchAll(/\bX\((\w+), (\d+)\)/g)].map(([, word, fields]) => [word, Number(fields)]),
  );
}

describe("the two sides of the channel have the same", () => {
  test("messages down, with their fewest fields, in order", () => {
    expect(Object.entries(table("WIRE_DOWN"))).toEqual(Object.entries(down));
    expect(Object.keys(down).length).toBeGreaterThan(10);
  });

  test("messages up, with their fewest fields, in order", () => {
    expect(Object.entries(table("WIRE_UP"))).toEqual(Object.entries(up));
    expect(Object.keys(up).length).toBeGreaterThan(10);
  });

  test("version and largest frame", () => {
    expect(wire.match(/WIRE_VERSION "(\w+)"/)?.[1]).toBe(VERSION);
    expect(1 << Number(wire.match(/WIRE_FRAME_MAX \(1u << (\d+)\)/)?.[1])).toBe(FRAME_MAX);
  });

  test("attributes of a start: every word is one that the core reads, and the core reads few that are never said", () => {
    const body = requests.slice(
      requests.indexOf("static bool read_attribute"),
      requests.indexOf("static bool same_name"),
    );
    const read = [...body.matchAll(/strcmp\(key, "([\w-]+)"\) == 0|\{"([\w-]+)", -?\w/g)].map(
      ([, word, number]) => word ?? number,
    );
    const said = new Set(spawnAttributes(everything).map((word) => word.slice(0, word.indexOf("="))));
    expect([...said].filter((key) => !read.includes(key))).toEqual([]);
    expect(read.filter((key) => key !== undefined && !said.has(key))).toEqual([
      "death",
      "no-new-privs",
      ...(said.has("session") ? [] : ["session"]),
    ]);
  });
});

test("every step at which a start can fail has its sentence", () => {
  const steps = [...(source("spawn.h").match(/SPAWN_STEPS\(X\)((?:.*\\\n)*.*)/)?.[1] ?? "").matchAll(/X\((\w+)\)/g)];
  const sentences = readFileSync(join(import.meta.dirname, "../../../src/process/spawn.ts"), "utf8");
  const table = sentences.slice(
    sentences.indexOf("const steps"),
    sentences.indexOf("};", sentences.indexOf("const steps")),
  );
  expect(steps.map(([, name]) => name)).toEqual([...table.matchAll(/^ {2}(\w+): \(/gm)].map(([, name]) => name));
  expect(steps.length).toBeGreaterThan(10);
});

const everything: SpawnRequest = {
  argv: ["/bin/web", "-p", "a=b"],
  argv0: "-web",
  root: "/jail",
  dir: "/srv",
  set: { PORT: "80", EMPTY: "" },
  unset: ["HOME"],
  input: "null",
  output: { pipe: "web" },
  error: "inherit",
  uid: 0,
  gid: 5,
  groups: [5, 6],
  umask: 0o22,
  nice: -5,
  limits: [
    { resource: 7, soft: 10, hard: null },
    { resource: 4, soft: 0, hard: 0 },
    { resource: 9, soft: null, hard: "inherited" },
  ],
  lock: { file: "lock=1", waits: true },
  closed: [0, 2],
  notify: 3,
};

test("a start's attributes are words of a key and a value", () => {
  expect(spawnAttributes(everything)).toEqual([
    ...[
      "arg=/bin/web",
      "arg=-p",
      "arg=a=b",
      "argv0=-web",
      "root=/jail",
      "dir=/srv",
      "set=PORT=80",
      "set=EMPTY=",
      "unset=HOME",
    ],
    ...["in=null", "out=pipe:web", "err=inherit", "uid=0", "gid=5", "groups=5,6", "umask=18", "nice=-5"],
    ...["limit=7:10:-", "limit=4:0:0", "limit=9:-:=", "lock=lock=1", "lock-wait=1", "close=0", "close=2", "notify=3"],
  ]);
});

test("what is not asked for is not said; an empty list of groups is", () => {
  const { argv, dir, set, unset, input, output, error } = everything;
  const plain = { argv, dir, set, unset, input, output, error };
  expect(
    spawnAttributes(plain).filter((word) =>
      /^(argv0|root|uid|gid|groups|umask|nice|limit|lock|lock-wait|close|notify)=/.test(word),
    ),
  ).toEqual([]);
  expect(spawnAttributes({ ...plain, groups: [] })).toContain("groups=");
});

describe("encode", () => {
  test("puts a length before fields that each end in NUL", () => {
    expect(encode("kill", ["1.2", "15", "1"])).toEqual(Buffer.from("\x0e\0\0\0kill\x001.2\x0015\x001\0", "latin1"));
    expect(encode("ready", [])).toEqual(Buffer.from("\x06\0\0\0ready\0", "latin1"));
  });

  test("counts bytes, not letters", () => {
    const frame = encode("remember", ["ü", "漢字"]);
    expect(frame.readUInt32LE()).toBe(frame.length - 4);
    expect(frame.subarray(4).toString()).toBe("remember\0ü\0漢字\0");
  });

  test("refuses a NUL in a field and a frame that the core would refuse, and takes the largest", () => {
    expect(() => encode("forget", ["a\0b"])).toThrow(/NUL/);
    const room = FRAME_MAX - "forget\0".length - 1;
    expect(encode("forget", ["x".repeat(room)]).length).toBe(4 + FRAME_MAX);
    expect(() => encode("forget", ["x".repeat(room + 1)])).toThrow(/too large/);
  });
});

describe("the decoder", () => {
  /** As the core writes it. */
  const frame = (...fields: readonly string[]) => {
    const body = Buffer.from(fields.map((field) => `${field}\0`).join(""));
    const head = Buffer.alloc(4);
    head.writeUInt32LE(body.length);
    return Buffer.concat([head, body]);
  };
  const said: Message[] = [
    { name: "hello", fields: ["1", "77", "0", "1073741825"] },
    { name: "blob", fields: ["wéb", "漢字 of any length"] },
    { name: "begin", fields: [] },
    { name: "orphans", fields: ["1", "5:5:0:0"] },
    { name: "blob", fields: ["", ""] },
    { name: "readable", fields: ["a", "b", "c"] },
  ];
  const stream = Buffer.concat(said.map(({ name, fields }) => frame(name, ...fields)));

  test.each([1, 2, 3, 4, 5, 7, 64, 1000])("gives the same messages from pieces of %i bytes", (size) => {
    const decode = decoder();
    const heard: Message[] = [];
    for (let at = 0; at < stream.length; at += size) heard.push(...decode(stream.subarray(at, at + size)));
    expect(heard).toEqual(said);
  });

  test("gives the same from any two pieces", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const decode = decoder();
      expect([...decode(stream.subarray(0, cut)), ...decode(stream.subarray(cut))]).toEqual(said);
    }
  });

  test("keeps what it was given even where the piece is written over afterwards", () => {
    const decode = decoder();
    const piece = Buffer.from(stream.subarray(0, 10));
    const first = decode(piece);
    piece.fill(0xff);
    expect([...first, ...decode(stream.subarray(10))]).toEqual(said);
  });

  test("passes over unknown names and frames with too few fields", () => {
    const decode = decoder();
    const odd = [frame("novelty", "x"), frame("exited", "1", "2"), frame("constructor"), frame(""), frame("begin")];
    expect(decode(Buffer.concat(odd))).toEqual([{ name: "begin", fields: [] }]);
  });
});
