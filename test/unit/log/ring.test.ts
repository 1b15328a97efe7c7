import { describe, expect, test } from "vitest";
import { createSplitter } from "../../../src/log/lines.ts";
import { createRing, type LogLine, lastOf, type Ring } from "../../../src/log/ring.ts";
import { seeded } from "./fakes.ts";

const push = (ring: Ring, text: string, time = 1, max = 65536) =>
  ring.push(createSplitter(max).push(Buffer.from(text)), time);
const texts = (lines: readonly LogLine[]) => lines.map(({ line }) => line.toString());
const microtasks = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a ring", () => {
  test("gives the newest lines, oldest first, with service and time", () => {
    const ring = createRing("web");
    push(ring, "a\nb\n", 5);
    push(ring, "c\n", 6);
    expect(texts(ring.last(2))).toEqual(["b", "c"]);
    expect(texts(ring.last(10))).toEqual(["a", "b", "c"]);
    expect(ring.last(0)).toEqual([]);
    expect(ring.last(1)).toEqual([{ service: "web", time: 6, line: Buffer.from("c"), continues: false }]);
  });

  test("says which pieces go on", () => {
    const ring = createRing("web");
    push(ring, "abcdef\n", 1, 4);
    expect(ring.last(5).map(({ line, continues }) => [line.toString(), continues])).toEqual([
      ["abcd", true],
      ["ef", false],
    ]);
  });

  test("keeps its own copy", () => {
    const ring = createRing("web");
    const chunk = Buffer.from("abc\n");
    ring.push(createSplitter(100).push(chunk), 1);
    chunk.fill("z");
    expect(texts(ring.last(1))).toEqual(["abc"]);
  });

  test.each([1, 5, 11, 15])(
    "keeps its lines apart where long ones, %i at last, are followed by short ones",
    (count) => {
      const ring = createRing("web", { bytes: 1000, lines: 100 });
      const long = (index: number) => `${index}`.padEnd(Math.floor(990 / count) - 1, "x");
      let all: string[] = [];
      const say = (...lines: readonly string[]) => {
        push(ring, lines.map((line) => `${line}\n`).join(""));
        all = [...all, ...lines];
      };
      // Older ones are forgotten for their bytes while there are rows to spare.
      for (let index = 0; index < 37; index++) say(long(index));
      // Then come more at once than there are rows left.
      for (let index = 0; index < 20; index++) {
        say(...Array.from({ length: 17 }, (_, line) => `${index}.${line}`));
        const kept = texts(ring.last(100));
        expect(kept).toEqual(all.slice(-kept.length));
        expect(kept.length).toBeGreaterThanOrEqual(Math.min(100, 17 * (index + 1)));
      }
    },
  );

  test("takes no memory before it is used, and never more lines and bytes than its limits", () => {
    const ring = createRing("web", { bytes: 100, lines: 10 });
    expect([ring.bytes, ring.last(5)]).toEqual([0, []]);
    const random = seeded(3);
    let all: string[] = [];
    for (let round = 0; round < 500; round++) {
      const lines = Array.from({ length: 1 + Math.floor(random() * 14) }, (_, index) =>
        `${round}.${index}`.padEnd(Math.floor(random() * 40), "x"),
      );
      push(ring, lines.map((line) => `${line}\n`).join(""));
      all = [...all, ...lines].slice(-20);
      // The model: as many of the newest as fit both limits.
      const expected: string[] = [];
      let bytes = 0;
      for (const line of all.toReversed()) {
        bytes += line.length + 1;
        if (bytes > 100 || expected.length === 10) break;
        expected.unshift(line);
      }
      expect(texts(ring.last(20))).toEqual(expected);
      expect(ring.bytes).toBe(expected.join("").length + expected.length);
    }
  });

  test("keeps the beginning of a line that is longer than itself", () => {
    const ring = createRing("web", { bytes: 10 });
    push(ring, `a\n${"0123456789abc"}\n`);
    expect(ring.last(5).map(({ line, continues }) => [line.toString(), continues])).toEqual([["0123456789", true]]);
  });

  test("keeps 1,000 lines and 64 KB by default", () => {
    const ring = createRing("web");
    push(ring, "x\n".repeat(3000));
    expect(ring.last(5000)).toHaveLength(1000);
    push(ring, `${"y".repeat(99)}\n`.repeat(2000));
    expect(ring.last(5000)).toHaveLength(Math.floor(65536 / 100));
  });

  test("of several services gives lines in the order of their reading", () => {
    const [web, db] = [createRing("web"), createRing("db")];
    push(web, "1\n2\n", 7);
    push(db, "3\n", 7);
    push(web, "4\n", 7);
    expect(texts(lastOf([db, web], 3))).toEqual(["2", "3", "4"]);
    expect(lastOf([db, web], 0)).toEqual([]);
  });
});

describe("a follower", () => {
  test("is told each further line, until it ends", async () => {
    const ring = createRing("web");
    push(ring, "before\n");
    const seen: string[] = [];
    const end = ring.follow((lines) => seen.push(...texts(lines)));
    push(ring, "a\nb\n");
    await microtasks();
    push(ring, "c\n");
    end();
    push(ring, "d\n");
    await microtasks();
    expect(seen).toEqual(["a", "b"]);
  });

  test("is told how many lines came too fast", async () => {
    const ring = createRing("web", { lines: 3 });
    const seen: unknown[] = [];
    ring.follow((lines, skipped) => seen.push([texts(lines), skipped]));
    push(ring, "1\n2\n3\n4\n5\n");
    await microtasks();
    expect(seen).toEqual([[["3", "4", "5"], 2]]);
  });
});
