import { expect, test } from "vitest";
import type { Event } from "../../../src/service/model.ts";
import { resume } from "../../../src/service/resume.ts";
import { clear, drive, exited, kill, none, service, spawned, start, stop, words } from "./support.ts";

const known = () => true;
const unknown = () => false;
const spec = service({ check: "./check", startPre: ["./pre"], finish: "./finish" });
const after = (...events: readonly Event[]) => {
  const web = drive(spec);
  web.feed(...events);
  return web.state;
};
const main = [start, clear, spawned(1), exited(1, 0)] as const;

test("a spawn that the core has never heard of is asked for again, under the same number", () => {
  expect(resume(spec, after(start, clear), unknown)).toEqual([{ type: "spawn", role: "pre", child: 1 }]);
  expect(resume(spec, after(...main), unknown)).toEqual([{ type: "spawn", role: "main", child: 2 }]);
  expect(resume(spec, after(...main, spawned(2), exited(2), none), unknown)).toEqual([
    { type: "spawn-finish", child: 3, exit: { code: 1 } },
  ]);
});

test("what the core knows is never started twice, nor what had a pid, for its exit is on the way", () => {
  expect(resume(spec, after(start, clear), known)).toEqual([]);
  expect(resume(spec, after(...main), known)).toEqual([]);
  expect(resume(spec, after(start, clear, spawned(1)), unknown)).toEqual([]);
});

test("gate, check, leftovers and KILL are asked for again; a stop signal is not", () => {
  expect(words(resume(spec, after(start), known))).toEqual(["gate"]);
  expect(words(resume(spec, after(...main, spawned(2)), known))).toEqual(["watch"]);
  expect(words(resume(spec, after(...main, spawned(2), exited(2)), known))).toEqual(["sweep TERM"]);
  expect(words(resume(spec, after(...main, spawned(2), stop()), known))).toEqual([]);
  expect(words(resume(spec, after(...main, spawned(2), stop(), kill), known))).toEqual(["kill KILL group"]);
  expect(resume(spec, after(), known)).toEqual([]);
});
