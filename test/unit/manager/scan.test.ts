import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { monotonic } from "../../../src/base/clock.ts";
import { loadSettings } from "../../../src/config/settings.ts";
import type { Reach } from "../../../src/manager/reach.ts";
import { createScan, type ScanParts } from "../../../src/manager/scan.ts";
import { eventually } from "../../helpers/eventually.ts";
import { accounts, ROOT, SH } from "../../helpers/load.ts";
import { tree } from "../../helpers/tree.ts";
import { anywhere } from "./house.ts";

/** A scan of a directory behind a link, with `web` running; `meanwhile` happens in the midst of each look. */
function scanning(meanwhile: (root: string) => void, reach: Reach = anywhere) {
  const root = tree({ "one/web/run": SH, "two/web/run": SH, "one/link": { link: "web" } });
  symlinkSync("one", join(root, "current"));
  const gone: string[] = [];
  const told: string[] = [];
  const appeared: string[] = [];
  const parts: ScanParts = {
    clock: monotonic,
    reach,
    scanDir: join(root, "current"),
    defaults: () => loadSettings([], {}, ROOT, accounts).defaults,
    present: () => {
      meanwhile(root);
      return new Map(["web", "link"].map((name) => [name, join(root, "one/web")]));
    },
    appeared: ({ name }) => appeared.push(name),
    disappeared: (name) => gone.push(name),
    problem: ({ text }) => told.push(text),
    warn: () => {},
    absent: null,
    only: null,
    unready: () => {},
  };
  const scan = createScan(parts);
  onTestFinished(() => scan.close());
  return { scan, gone, told, appeared, root };
}

test("a service whose directory is still there stays", () => {
  const { scan, gone, told } = scanning(() => {});
  scan.rescan();
  expect({ gone, told }).toEqual({ gone: [], told: [] });
});

test("a scan directory that goes in the midst of a look takes no service with it, and no link is blamed", () => {
  const { scan, gone, told } = scanning((root) => renameSync(join(root, "current"), join(root, "away")));
  scan.rescan();
  expect({ gone, told }).toEqual({ gone: [], told: [] });
});

test("one that is exchanged in the midst of a look is another one by the next look, which comes soon", async () => {
  const { scan, gone } = scanning((root) => {
    symlinkSync("two", join(root, "new"));
    renameSync(join(root, "new"), join(root, "current"));
  });
  scan.rescan();
  expect(gone).toEqual([]);
  await eventually("both are gone", () => gone.length === 2);
  expect(gone).toEqual(["web", "link"]);
});

/** Where these entries do not answer, until they are taken out. */
const but = (...silent: string[]): Reach & { readonly silent: Set<string> } => {
  const names = new Set(silent);
  const isSure = (path: string) => ![...names].some((name) => path.endsWith(`/${name}`));
  return { silent: names, isSure, isSureAt: isSure, ask: (path, done) => done(isSure(path)), onReturn() {} };
};

test("a directory that does not answer has not gone, and a new one has not come before it does", async () => {
  const reach = but("web", "new");
  const { scan, gone, appeared, root } = scanning(() => {}, reach);
  rmSync(join(root, "one/web"), { recursive: true });
  mkdirSync(join(root, "one/new"));
  writeFileSync(join(root, "one/new/run"), SH, { mode: 0o755 });
  symlinkSync("nowhere", join(root, "one/web"));
  await scan.boot();
  scan.rescan();
  expect([gone, appeared]).toEqual([["link"], []]);
  expect([...scan.unready]).toEqual([
    ["new", { why: "its directory does not answer", incomplete: true, isSilent: true }],
  ]);
  reach.silent.clear();
  scan.rescan();
  expect(gone).toEqual(["link", "web", "link"]);
  await eventually("it has come", () => appeared.length === 1);
  expect(appeared).toEqual(["new"]);
  expect(scan.unready.size).toBe(0);
});

test("nothing is done while the scan directory itself does not answer", async () => {
  const reach = but("current");
  const { scan, gone, root } = scanning(() => {}, reach);
  rmSync(join(root, "one"), { recursive: true });
  await scan.boot();
  scan.rescan();
  expect([gone, scan.isSilent("")]).toEqual([[], true]);
});
