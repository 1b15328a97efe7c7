import { expect, test } from "vitest";
import { service } from "../service/support.ts";
import { addUp, house } from "./house.ts";

test("one that is let go is forgotten, and away for every later manager until it is asked for", () => {
  const all = house();
  addUp(all, service({ settle: 0 }));
  const runner = all.manager.roster.get("web");
  if (runner === undefined) throw new Error("no web");
  all.manager.letGo(runner);
  expect([all.phase("web"), all.manager.isLetGo("web"), all.removed]).toEqual(["stopping", true, []]);
  const next = all.takenOver();
  next.die("web");
  expect([next.phase("web"), next.removed]).toEqual([null, ["web"]]);
  expect(next.takenOver().manager.isLetGo("web")).toBe(true);
  next.manager.add(service({ settle: 0 }));
  expect(next.manager.isLetGo("web")).toBe(false);
  expect(next.takenOver().manager.isLetGo("web")).toBe(false);
});

test("one that was let go and has not ended is kept, for later managers too; what is removed goes all the same", () => {
  const all = house();
  addUp(all, service({ settle: 0 }));
  const runner = all.manager.roster.get("web");
  if (runner === undefined) throw new Error("no web");
  expect(all.manager.keep(runner)).toBe(false);
  all.manager.letGo(runner);
  expect([all.manager.keep(runner), all.manager.isLeaving(runner), all.manager.isLetGo("web")]).toEqual([
    true,
    false,
    false,
  ]);
  const next = all.takenOver();
  next.die("web");
  expect([next.phase("web"), next.removed]).toEqual(["down", []]);
  const kept = next.manager.roster.get("web");
  if (kept === undefined) throw new Error("no web");
  next.manager.letGo(kept);
  expect([next.phase("web"), next.manager.keep(kept)]).toEqual([null, false]);
  const other = house();
  addUp(other, service({ settle: 0 }));
  const going = other.manager.roster.get("web");
  if (going === undefined) throw new Error("no web");
  other.manager.letGo(going);
  other.manager.remove("web");
  expect(other.manager.keep(going)).toBe(false);
});

test("a directory that is gone takes what was let go with it", () => {
  const all = house();
  addUp(all, service({ settle: 0 }));
  const runner = all.manager.roster.get("web");
  if (runner !== undefined) all.manager.letGo(runner);
  all.die("web");
  expect([...all.manager.letGoes().keys()]).toEqual(["web"]);
  all.manager.remove("web");
  expect([...all.manager.letGoes().keys()]).toEqual([]);
});

test("one that somebody else supervises is forgotten without a word", () => {
  const all = house();
  all.manager.add(service({ settle: 0 }));
  const runner = all.manager.roster.get("web");
  if (runner !== undefined) all.manager.refuse(runner);
  expect([all.phase("web"), all.removed, [...all.world.blobs.keys()].filter((key) => key !== "house")]).toEqual([
    null,
    [],
    [],
  ]);
});

test("a stop that never kills waits for ever, and a later one that may kill shortens it", () => {
  const all = house();
  addUp(all, service({ settle: 0, stopGrace: 1000 }));
  const runner = all.manager.roster.get("web");
  const stop = { type: "stop", cause: "request", grace: null, eof: false } as const;
  runner?.send({ ...stop, patient: true });
  all.clock.advance(100_000);
  expect(all.asked.filter((word) => word.endsWith(" 9"))).toEqual([]);
  runner?.send(stop);
  all.clock.advance(1000);
  expect(all.asked.filter((word) => word.endsWith(" 9"))).toEqual(["kill 1.1 9"]);
});
