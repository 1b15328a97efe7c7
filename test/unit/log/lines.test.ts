import { describe, expect, test } from "vitest";
import { createSplitter } from "../../../src/log/lines.ts";
import { seeded, show } from "./fakes.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");

describe("a splitter", () => {
  test("gives whole lines and keeps the unfinished one", () => {
    const splitter = createSplitter(100);
    expect(show(splitter.push(bytes("a\n\nbc\nde")))).toEqual(["a", "", "bc"]);
    expect(splitter.kept).toBe(2);
    expect(show(splitter.push(bytes("f\n")))).toEqual(["def"]);
    expect(splitter.kept).toBe(0);
  });

  test("gives the unfinished line once at the end of its process", () => {
    const splitter = createSplitter(100);
    splitter.push(bytes("a\nrest"));
    const last = splitter.flush();
    expect(last && show([last])).toEqual(["rest"]);
    expect(splitter.flush()).toBeNull();
  });

  test("leaves a line of exactly the maximum whole", () => {
    expect(show(createSplitter(4).push(bytes("abcd\nefgh\n")))).toEqual(["abcd", "efgh"]);
  });

  test("cuts a longer line into pieces that are marked", () => {
    const splitter = createSplitter(4);
    expect(show(splitter.push(bytes("x\nabcdefghij\ny\n")))).toEqual(["x", "abcd>", "+efgh>", "+ij", "y"]);
    expect(show(splitter.push(bytes("abcde")))).toEqual(["abcd>"]);
    expect(show(splitter.push(bytes("f")))).toEqual([]);
    const last = splitter.flush();
    expect(last && show([last])).toEqual(["+ef"]);
  });

  test("cuts between characters of UTF-8, and anywhere in what is not UTF-8", () => {
    const text = Buffer.from("aä€😀b\n").toString("latin1");
    const pieces = show(createSplitter(5).push(bytes(text))).map((piece) => Buffer.from(piece, "latin1").toString());
    expect(pieces).toEqual(["aä>", "+€>", "+😀b"]);
    expect(show(createSplitter(5).push(bytes(`${"\x80".repeat(7)}\n`)))).toEqual([
      `${"\x80".repeat(5)}>`,
      `+${"\x80".repeat(2)}`,
    ]);
    expect(show(createSplitter(1).push(Buffer.from("😀\n")))).toHaveLength(4);
  });

  test("does not hold more than the maximum of a line of 10 MB, and gives all of it", () => {
    const splitter = createSplitter(65536);
    const chunk = Buffer.alloc(65536, "x");
    let given = 0;
    for (let count = 0; count < 160; count++) {
      for (const piece of show(splitter.push(chunk))) given += piece.replace(/[+>]/g, "").length;
      expect(splitter.kept).toBeLessThanOrEqual(65536);
    }
    expect(given + splitter.kept).toBe(160 * 65536);
    expect(show(splitter.push(bytes("\nnext\n"))).at(-1)).toBe("next");
  });

  test("skips and counts the tail of a line whose start is gone", () => {
    const splitter = createSplitter(100, true);
    expect(splitter.push(bytes("tail of"))).toEqual([]);
    expect([splitter.skipping, splitter.skipped]).toEqual([true, 7]);
    expect(show(splitter.push(bytes(" it\nwhole\nre")))).toEqual(["whole"]);
    expect([splitter.skipping, splitter.skipped, splitter.kept]).toEqual([false, 11, 2]);
  });

  test("stops skipping at the end of the process", () => {
    const splitter = createSplitter(100, true);
    splitter.push(bytes("tail"));
    expect(splitter.flush()).toBeNull();
    expect(show(splitter.push(bytes("new\n")))).toEqual(["new"]);
  });

  test("gives the same lines however the bytes are cut into chunks", () => {
    const random = seeded(7);
    const below = (limit: number) => Math.floor(random() * limit);
    const alphabet = ["\n", "\n", "a", "b", "\r", "\0", "ä", "€", "😀", "\x80"];
    for (let round = 0; round < 300; round++) {
      const max = 1 + below(12);
      const skip = round % 5 === 0;
      const parts = Array.from({ length: below(120) }, () => alphabet[below(alphabet.length)] as string);
      const text = Buffer.concat(parts.map((part) => Buffer.from(part, part === "\x80" ? "latin1" : "utf8")));
      const split = (size: () => number): string[] => {
        const splitter = createSplitter(max, skip);
        const found: string[] = [];
        // One buffer for all chunks, as the reader has it.
        const shared = Buffer.alloc(200);
        for (let at = 0; at < text.length; ) {
          const count = text.copy(shared, 0, at, at + size());
          found.push(...show(splitter.push(shared.subarray(0, count))));
          at += count;
        }
        const last = splitter.flush();
        return last === null ? found : [...found, ...show([last])];
      };
      const whole = split(() => text.length);
      expect(split(() => 1)).toEqual(whole);
      expect(split(() => 1 + below(9))).toEqual(whole);
      const skipped = skip ? text.indexOf(10) + 1 || text.length : 0;
      const given = whole.map((line) => line.replace(/^\+|>$/g, "").length).reduce((sum, length) => sum + length, 0);
      const newlines = text.subarray(skipped).filter((byte) => byte === 10).length;
      expect(given + newlines).toBe(text.length - skipped);
    }
  });
});
