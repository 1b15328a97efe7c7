import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Voice } from "../../../src/log/voice.ts";
import { createRefusals } from "../../../src/main/refusals.ts";
import { temporaryDirectory } from "../../helpers/service-dir.ts";
import { house } from "../manager/house.ts";
import { service } from "../service/support.ts";

test("a directory that was renamed waits for the service of its old name, lock or no lock, and for no other", () => {
  const all = house();
  const place = temporaryDirectory();
  const at = (name: string) => ({ name, home: join(place, name) });
  const refusals = createRefusals({
    voice: { error: () => {} } as never,
    manager: () => all.manager,
    scanDir: place,
    corePid: process.pid,
  });
  for (const name of ["web", "other"]) mkdirSync(join(place, name));
  expect([refusals.admits(at("web")), refusals.admits(at("other"))]).toEqual([true, true]);
  all.manager.add(service({ settle: 0, ...at("web") }));
  const runner = all.manager.roster.get("web");
  if (runner === undefined) throw new Error("no web");
  // It runs under its name, and is found once more.
  expect(refusals.admits(at("web"))).toBe(true);
  renameSync(join(place, "web"), join(place, "site"));
  mkdirSync(join(place, "web"));
  all.manager.remove("web");
  expect(all.manager.isLeaving(runner)).toBe(true);
  expect([refusals.admits(at("site")), refusals.admits(at("other"))]).toEqual([false, true]);
  expect([...refusals.refused.keys()]).toEqual(["site"]);
  all.die("web");
  expect(all.phase("web")).toBeNull();
  refusals.happened({ event: "removed", runner, text: "" });
  expect([...refusals.refused.keys()]).toEqual([]);
  expect([refusals.admits(at("site")), refusals.admits(at("web"))]).toEqual([true, true]);
});

function settled(isFirst: boolean, isStopping: boolean): string[] {
  const { manager } = house();
  manager.add(service());
  const said: string[] = [];
  const voice = { info: (text: string) => said.push(text) } as unknown as Voice;
  if (isStopping) manager.remember({ since: 1, code: 0, why: "its command has ended" });
  const refusals = createRefusals({ voice, manager: () => manager, scanDir: "/s", corePid: 1 });
  expect(refusals.settle(isFirst, true)).toBeNull();
  return said;
}

test("what is supervised is told, unless everything is being stopped already", () => {
  expect(settled(true, false)).toEqual(["supervising 1 service in /s"]);
  expect(settled(true, true)).toEqual([]);
  expect(settled(false, true)).toEqual(["a new manager has taken over 1 service; none was restarted"]);
});
