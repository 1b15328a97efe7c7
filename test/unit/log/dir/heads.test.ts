import { expect, test } from "vitest";
import { DEFAULT_CONFIG, parseConfig } from "../../../../src/log/dir/config.ts";
import { HEAD_MAX, headPutter } from "../../../../src/log/dir/heads.ts";
import { createLayout, createReplacement } from "../../../../src/log/dir/layout.ts";
import { stampText } from "../../../../src/log/dir/stamp.ts";

const NEWLINE = 10;
const putHeads = headPutter();

/** The same, as simply as it can be said. */
function reference(head: string, bytes: Buffer, isInside: boolean): string {
  const text = bytes.toString("latin1");
  const lines = text.split("\n");
  const isEnded = lines.at(-1) === "";
  const whole = isEnded ? lines.slice(0, -1) : lines;
  return whole.map((line, at) => (at === 0 && isInside ? line : head + line)).join("\n") + (isEnded ? "\n" : "");
}

function put(head: string, bytes: Buffer): string {
  const pieces: string[] = [];
  putHeads?.(Buffer.from(head, "latin1"), bytes, (piece) => pieces.push(Buffer.from(piece).toString("latin1")));
  return pieces.join("");
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Lines of at most `longest` bytes, NULs and all. */
function lines(random: (below: number) => number, size: number, longest: number): Buffer {
  const bytes = Buffer.from(Array.from({ length: size }, () => random(256)));
  for (let at = 0; at < size; at++) if (bytes[at] === NEWLINE) bytes[at] = 0;
  for (let at = random(longest + 1); at < size; at += 1 + random(longest + 1)) bytes[at] = NEWLINE;
  return bytes;
}

test("there is WebAssembly here", () => {
  expect(putHeads).not.toBe(null);
});

test("a head stands before each line, whatever the lines' lengths and wherever the bytes end", () => {
  for (let length = 0; length < 70; length++)
    for (const head of ["x", "sixteen bytes---", "a stamp of 26 bytes: 12345 "]) {
      const line = `${"a".repeat(length)}\n`;
      for (const text of [line, line + line, `${line + line}b`, `b${line}\n${line}`]) {
        const bytes = Buffer.from(text);
        expect(put(head, bytes)).toBe(reference(head, bytes, true));
      }
    }
});

test("nothing but newlines, and lines longer than what is done at once", () => {
  const head = "h".repeat(HEAD_MAX);
  for (const bytes of [Buffer.alloc(3000, "\n"), Buffer.alloc(200_000, "\0"), Buffer.alloc(65_536, "\n")])
    expect(put(head, bytes) === reference(head, bytes, true)).toBe(true);
  const edges = [65_535, 65_536, 65_537, 131_071, 131_072, 131_073].flatMap((size) => {
    const bytes = Buffer.alloc(size, "a");
    return [0, 1, 2, 17].map((back) => {
      const cut = Buffer.from(bytes);
      cut[size - 1 - back] = NEWLINE;
      cut[65_535] = NEWLINE;
      return put("head ", cut) === reference("head ", cut, true);
    });
  });
  expect(edges).not.toContain(false);
});

test("random lines in random batches come out as from the reference, with every kind of stamp and replacement", () => {
  const random = randomFrom(7);
  for (let round = 0; round < 120; round++) {
    const longest = [0, 1, 5, 30, 100, 2000, 100_000][round % 7] as number;
    const bytes = lines(random, 1 + random(round % 5 === 0 ? 300_000 : 3000), longest);
    const stamp = (round % 4) as 0 | 1 | 2 | 3;
    const prefix = round % 3 === 0 ? "" : "p".repeat(random(40));
    const options = {
      stamp,
      lineMax: 100,
      ...(round % 2 === 0 ? {} : { replacement: 46, replaced: Buffer.from("ab") }),
    };
    const layout = createLayout(parseConfig(Buffer.from(`p${prefix}\n`)).config, options);
    const replace = createReplacement(options);
    const expected = Buffer.from(bytes);
    replace?.({ bytes: expected, column: 0 });
    let got = "";
    let column = 0;
    // As they are handed on: whole lines, or a part of one that is at least lineMax bytes long.
    for (let from = 0; from < bytes.length; ) {
      let to = Math.min(bytes.length, from + 1 + random(100_000));
      const newline = bytes.lastIndexOf(NEWLINE, to - 1) + 1;
      if (newline > from) to = newline;
      else if (to < bytes.length && to - from + column < 100) to = Math.min(bytes.length, from + 100);
      const batch = { bytes: Buffer.from(bytes.subarray(from, to)), column };
      replace?.(batch);
      got += layout(batch, 1e15 + 7).file.toString("latin1");
      column = bytes[to - 1] === NEWLINE ? 0 : column + to - from;
      from = to;
    }
    expect(got === reference(stampText(stamp, 1e15 + 7) + prefix, expected, false), `round ${round}`).toBe(true);
  }
});

test("a head that is too long for it is put there all the same", () => {
  const prefix = "p".repeat(HEAD_MAX + 1);
  const layout = createLayout({ ...DEFAULT_CONFIG, prefix: Buffer.from(prefix) }, {});
  const { file } = layout({ bytes: Buffer.from("a\nb\n"), column: 0 }, 0);
  expect(file.toString()).toBe(`${prefix}a\n${prefix}b\n`);
});
