import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import { createLooks, LOOK_PATIENCE, type Look } from "../../../src/manager/looks.ts";
import { fakeClock } from "../log/fakes.ts";

/** Looks at disks that answers when the test says so. */
function disks() {
  const clock = fakeClock();
  const asked = new Map<string, (error: Error | null, stats: Stats) => void>();
  const fail = (path: string, code: string) => {
    asked.get(path)?.(Object.assign(new Error(code), { code }), {} as Stats);
    asked.delete(path);
  };
  const looks = createLooks({
    clock,
    // What is before the colon is where it is mounted.
    mounts: { isLocal: (path) => path === "/", pointOf: (path) => path.split(":")[0] ?? "" },
    see: (path, done) => void asked.set(path, done),
    ask: (point, done) => void asked.set(`statfs ${point}`, (error) => done(error)),
  });
  const seen: string[] = [];
  looks.onReturn(() => seen.push("something has returned"));
  const told = (path: string) => (look: Look) => void seen.push(`${path} ${look === null ? "absent" : String(look)}`);
  return {
    clock,
    asked,
    seen,
    look(...paths: string[]) {
      for (const path of paths) looks.look(path, told(path));
    },
    ask: (point: string) => looks.ask(point, (answers) => void seen.push(`${point} ${answers}`)),
    fail,
    answer: (path: string) => fail(path, "ENOENT"),
  };
}

test("what is local is looked at at once", () => {
  const { look, seen, asked } = disks();
  look("/");
  expect(seen).toEqual(["/ [object Object]"]);
  expect(asked.size).toBe(0);
});

test("a look that is not answered is silent after a moment, and at once when it is asked again", () => {
  const { clock, look, seen, asked } = disks();
  look("a");
  clock.advance(LOOK_PATIENCE - 1);
  expect(seen).toEqual([]);
  clock.advance(1);
  look("a");
  expect(seen).toEqual(["a silent", "a silent"]);
  expect(asked.size).toBe(1);
});

test("never more than four are under way; where all of them hang the next is told that nobody is free", () => {
  const { clock, look, seen, asked, answer } = disks();
  look("a", "b", "c", "d", "e");
  expect([...asked.keys()]).toEqual(["a", "b", "c", "d"]);
  clock.advance(LOOK_PATIENCE);
  expect(seen.sort()).toEqual(["a silent", "b silent", "c silent", "d silent", "e busy"]);
  answer("b");
  look("f");
  answer("f");
  expect(seen.at(-1)).toBe("f absent");
});

test("one file system has one look at a time; once it is silent it is so for all of it, and others are not held up", () => {
  const { clock, look, ask, seen, asked, answer } = disks();
  look("a:1", "a:2", "b:1");
  ask("a");
  expect([...asked.keys()]).toEqual(["a:1", "b:1"]);
  answer("b:1");
  clock.advance(50);
  expect(seen).toEqual(["b:1 absent"]);
  clock.advance(LOOK_PATIENCE);
  expect(seen.slice(1).sort()).toEqual(["a false", "a:1 silent", "a:2 silent"]);
  answer("a:1");
  ask("a");
  answer("statfs a");
  expect(seen.slice(-2)).toEqual(["something has returned", "a true"]);
});

test("a file system whose server has gone does not answer, either; one that refuses does", () => {
  const { ask, seen, fail } = disks();
  for (const code of ["ENOTCONN", "ESTALE", "EACCES", "ENOENT"]) {
    ask("a");
    fail("statfs a", code);
  }
  expect(seen).toEqual(["a false", "a false", "a true", "a true"]);
});

test("an answer that comes too late is told to nobody", () => {
  const { clock, look, seen, answer } = disks();
  look("a");
  clock.advance(LOOK_PATIENCE);
  answer("a");
  expect(seen).toEqual(["a silent", "something has returned"]);
  look("a");
  answer("a");
  expect(seen).toEqual(["a silent", "something has returned", "a absent"]);
});
