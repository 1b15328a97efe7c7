import { describe, expect, test } from "vitest";
import { keepRecent } from "../../../src/log/recent.ts";
import { createRing, type LogLine } from "../../../src/log/ring.ts";
import { seeded } from "./fakes.ts";

const LINE_MAX = 65536;
const texts = (lines: readonly LogLine[]) => lines.map(({ line }) => line.toString());
const numbered = (from: number, count: number, width = 20) =>
  Array.from({ length: count }, (_, index) => `${String(from + index).padStart(width - 1, "0")}`);
const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");

/** Gives `text` in batches of `size` bytes, from one buffer that is overwritten after each. */
function give(take: (bytes: Buffer) => void, text: string, size: number): void {
  const shared = Buffer.alloc(size);
  for (let at = 0; at < text.length; at += size) {
    const length = shared.write(text.slice(at, at + size));
    take(shared.subarray(0, length));
    shared.fill("#");
  }
}

describe("what is kept of a busy stream", () => {
  test.each([1, 100, 4095, 4096, 5000, 65536, 300_000])(
    "are its last lines, whole and in order, in batches of %i",
    (size) => {
      const ring = createRing("web");
      const lines = numbered(0, 20_000);
      give(keepRecent(ring, LINE_MAX), textOf(lines), size);
      expect(texts(ring.last(1000))).toEqual(lines.slice(-1000));
    },
  );

  test("loses no line between small and large batches, as long as the ring holds them", () => {
    const random = seeded(7);
    const ring = createRing("web");
    const take = keepRecent(ring, LINE_MAX);
    const lines = numbered(0, 900, 70);
    const text = textOf(lines);
    for (let at = 0; at < text.length; ) {
      const size = random() < 0.5 ? 1 + Math.floor(random() * 300) : 4096 + Math.floor(random() * 9000);
      take(Buffer.from(text.slice(at, at + size)));
      if (random() < 0.1) ring.last(1);
      at += size;
    }
    expect(texts(ring.last(1000))).toEqual(lines);
  });

  test("is cut into lines only when somebody looks", () => {
    const ring = createRing("web");
    give(keepRecent(ring, LINE_MAX), textOf(numbered(0, 10_000)), 65536);
    expect(ring.bytes).toBe(0);
    expect(ring.last(1)).toHaveLength(1);
    expect(ring.bytes).toBeGreaterThan(0);
  });

  test("has the time of its busy phase, and what comes later its own", () => {
    const ring = createRing("web");
    let now = 5000;
    const take = keepRecent(ring, LINE_MAX, () => now);
    take(Buffer.from(textOf(numbered(0, 500))));
    now = 5900;
    take(Buffer.from("soon\n"));
    now = 90_000;
    take(Buffer.from("later\n"));
    expect(ring.last(3).map(({ time }) => time)).toEqual([5900, 5900, 90_000]);
  });

  test("reaches a follower at once", async () => {
    const ring = createRing("web");
    const take = keepRecent(ring, LINE_MAX);
    take(Buffer.from(textOf(numbered(0, 500))));
    const seen: string[] = [];
    ring.follow((lines) => seen.push(...texts(lines)));
    take(Buffer.from(textOf(numbered(500, 500))));
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(numbered(500, 500));
  });

  test("goes before what the next writer pushes", () => {
    const ring = createRing("web");
    keepRecent(ring, LINE_MAX)(Buffer.from(textOf(numbered(0, 400))));
    keepRecent(ring, LINE_MAX)(Buffer.from("later\n"));
    expect(texts(ring.last(2))).toEqual([...numbered(399, 1), "later"]);
  });
});
