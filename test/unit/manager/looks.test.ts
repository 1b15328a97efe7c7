import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import { createLooks, LOOK_PATIENCE, type Look } from "../../../src/manager/looks.ts";
import { fakeClock } from "../log/fakes.ts";

/** Looks at a disk that answers when the test says so. */
function disk() {
  const clock = fakeClock();
  const asked = new Map<string, (error: Error | null, stats: Stats) => void>();
  const looks = createLooks({
    clock,
    waits: false,
    isLocal: (path) => path === "/",
    ask: (path, done) => void asked.set(path, done),
  });
  const seen: string[] = [];
  const told = (path: string) => (look: Look) => void seen.push(`${path} ${look === null ? "absent" : String(look)}`);
  return {
    clock,
    asked,
    seen,
    look(...paths: string[]) {
      for (const path of paths) looks.look(path, told(path));
    },
    answer(path: string) {
      asked.get(path)?.(new Error("ENOENT"), {} as Stats);
      asked.delete(path);
    },
  };
}

test("what is local is looked at at once", () => {
  const { look, seen, asked } = disk();
  look("/");
  expect(seen).toEqual(["/ [object Object]"]);
  expect(asked.size).toBe(0);
});

test("a look that is not answered is silent after a moment, and at once when it is asked again", () => {
  const { clock, look, seen, asked } = disk();
  look("a");
  clock.advance(LOOK_PATIENCE - 1);
  expect(seen).toEqual([]);
  clock.advance(1);
  look("a");
  expect(seen).toEqual(["a silent", "a silent"]);
  expect(asked.size).toBe(1);
});

test("never more than four are under way; where all of them hang the next is told that nobody is free", () => {
  const { clock, look, seen, asked, answer } = disk();
  look("a", "b", "c", "d", "e");
  expect([...asked.keys()]).toEqual(["a", "b", "c", "d"]);
  clock.advance(LOOK_PATIENCE);
  expect(seen.sort()).toEqual(["a silent", "b silent", "c silent", "d silent", "e busy"]);
  answer("b");
  look("f");
  answer("f");
  expect(seen.at(-1)).toBe("f absent");
});

test("an answer that comes too late is told to nobody", () => {
  const { clock, look, seen, answer } = disk();
  look("a");
  clock.advance(LOOK_PATIENCE);
  answer("a");
  expect(seen).toEqual(["a silent"]);
  look("a");
  answer("a");
  expect(seen).toEqual(["a silent", "a absent"]);
});
