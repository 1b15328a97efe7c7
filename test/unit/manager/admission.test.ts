import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { monotonic } from "../../../src/base/clock.ts";
import { loadSettings } from "../../../src/config/settings.ts";
import { createAdmission } from "../../../src/manager/admission.ts";
import { applyAll, inTurn } from "../../../src/manager/apply.ts";
import { createScan, type Scan } from "../../../src/manager/scan.ts";
import { temporaryDirectory } from "../../helpers/service-dir.ts";
import { service } from "../service/support.ts";
import { anywhere, house } from "./house.ts";

const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, groups: process.getgroups?.() ?? [] };
const { settings, defaults } = loadSettings([], {}, own);

function put(dir: string, name: string, files: Readonly<Record<string, string>> = {}) {
  mkdirSync(`${dir}/${name}`);
  for (const [file, text] of Object.entries({ run: "#!/bin/sh\nexec sleep 1000\n", ...files }))
    writeFileSync(`${dir}/${name}/${file}`, text, { mode: 0o755 });
}

/** A scan directory, its services and all between them; no change is seen unless it is looked for. */
async function supervised(fill: (dir: string) => void) {
  const dir = temporaryDirectory();
  fill(dir);
  const all = house(undefined, undefined, () => scan.look());
  const scan: Scan = createScan({
    clock: { ...monotonic, at: all.clock.at },
    reach: anywhere,
    scanDir: dir,
    defaults: () => defaults,
    present: () => new Map(all.manager.roster.fromDirectories().map(({ name, spec }) => [name, spec.home])),
    appeared: (spec) => admission.appeared(spec),
    disappeared: (name) => admission.disappeared(name),
    problem: ({ text }) => told.push(text),
    warn: () => {},
    absent: null,
    only: null,
    unready: () => {},
  });
  const told: string[] = [];
  const admission = createAdmission({
    manager: all.manager,
    scan: () => scan,
    stopBudget: () => settings.stopBudget,
    tell: ({ text }) => told.push(text),
  });
  const same = { atStart: settings, now: settings, next: settings };
  await scan.boot();
  admission.complete();
  return { dir, all, scan, admission, told, apply: (dryRun = false) => applyAll(all.manager, scan, same, dryRun) };
}

test("what is refused as a set is forgotten with its directory", async () => {
  const { dir, scan, admission } = await supervised((dir) => {
    put(dir, "a", { "service.ini": "requires = b\n" });
    put(dir, "b", { "service.ini": "requires = a\n" });
  });
  scan.rescan();
  expect([...admission.refused.keys()]).toEqual(["a", "b"]);
  rmSync(`${dir}/a`, { recursive: true });
  rmSync(`${dir}/b`, { recursive: true });
  scan.rescan();
  expect([...admission.refused.keys()]).toEqual([]);
});

test("a service that an apply has removed does not come back with the next one", async () => {
  const { dir, all, scan, admission, apply } = await supervised((dir) => put(dir, "a", { down: "" }));
  rmSync(`${dir}/a`, { recursive: true });
  await apply();
  expect(all.phase("a")).toBe(null);
  scan.rescan();
  admission.complete();
  expect(all.phase("a")).toBe(null);
});

test("a directory by the name of the command after -- is no definition of it", async () => {
  const { dir, all, scan, admission, apply } = await supervised(() => {});
  all.manager.add(service({ name: "main", foreground: true, fixed: true, home: "/", command: ["/bin/app"] }));
  put(dir, "main");
  await apply();
  expect(all.manager.roster.get("main")?.spec.command).toEqual(["/bin/app"]);
  admission.disappeared("main");
  scan.rescan();
  expect(all.phase("main")).toBe("starting");
});

test("a thousand services at rest are removed in one look", async () => {
  const names = Array.from({ length: 1000 }, (_, index) => `s${index}`);
  const { dir, all, scan } = await supervised((dir) => {
    for (const name of names) put(dir, name, { down: "" });
  });
  scan.rescan();
  for (const name of names) rmSync(`${dir}/${name}`, { recursive: true });
  scan.rescan();
  expect(all.removed).toHaveLength(1000);
});

test("an apply that the stop overtakes changes nothing", async () => {
  const { dir, all, apply } = await supervised(() => {});
  put(dir, "late");
  all.manager.remember({ since: 1, code: 0, why: "" });
  expect(await apply()).toMatchObject({ changes: [], problems: [{ severity: "error" }] });
  expect(all.phase("late")).toBe(null);
});

test("a start takes no definition that makes a circle", async () => {
  const { dir, all, admission } = await supervised((dir) => {
    put(dir, "a");
    put(dir, "b", { "service.ini": "requires = a\n" });
  });
  writeFileSync(`${dir}/a/service.ini`, "requires = b\n");
  const runner = all.manager.roster.get("a");
  const told = vi.fn();
  if (runner !== undefined) admission.refresh(runner, told);
  expect(told).toHaveBeenCalledWith({ refused: expect.stringContaining("it waits for itself"), isSilent: false });
  expect(runner?.spec.requires).toEqual([]);
});

test("a service that is being removed takes no start", async () => {
  const { all, admission } = await supervised((dir) => put(dir, "a"));
  all.manager.remove("a");
  const runner = all.manager.roster.get("a");
  const told = vi.fn();
  if (runner !== undefined) admission.refresh(runner, told);
  expect(told).toHaveBeenCalledWith({ refused: "it is being removed", isSilent: false });
});

test("what is mended is told again when it comes again", async () => {
  const { told, scan, admission } = await supervised((dir) => put(dir, "a", { "service.ini": "requires = b\n" }));
  admission.complete();
  expect(told).toHaveLength(1);
  admission.disappeared("a");
  admission.complete();
  const { spec } = scan.load("a");
  if (spec !== null) admission.appeared(spec);
  admission.complete();
  expect(told).toHaveLength(2);
});

test("many who ask for an apply at once are served by two", async () => {
  let runs = 0;
  let inside = 0;
  const apply = inTurn(async () => {
    runs++;
    expect(++inside).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
  });
  const first = apply(false);
  await Promise.resolve();
  await Promise.all([first, ...Array.from({ length: 20 }, () => apply(false))]);
  expect(runs).toBe(2);
});

test("one that was let go comes back for one run where that is what was asked for", async () => {
  const { all, admission } = await supervised((dir) => {
    put(dir, "web");
    put(dir, "idle", { down: "" });
  });
  for (const [name, once, want] of [
    ["web", true, "once"],
    ["web", false, "up"],
    ["idle", true, "once"],
    ["idle", false, "up"],
  ] as const) {
    const runner = all.manager.roster.get(name);
    if (runner !== undefined) all.manager.letGo(runner);
    if (all.phase(name) !== null) all.die(name);
    let refused: string | null = "not told";
    const phase = all.phase(name);
    admission.recall(name, once, (told) => {
      refused = told;
    });
    expect([phase, refused]).toEqual([null, null]);
    expect(all.manager.roster.get(name)?.state.want, name).toBe(want);
  }
});
