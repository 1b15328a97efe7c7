import { renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { monotonic } from "../../../src/base/clock.ts";
import { loadSettings } from "../../../src/config/settings.ts";
import { createScan, type ScanParts } from "../../../src/manager/scan.ts";
import { accounts, ROOT, SH } from "../../helpers/load.ts";
import { tree } from "../../helpers/tree.ts";

/** A scan of a directory behind a link, with `web` running; `meanwhile` happens in the midst of each look. */
function scanning(meanwhile: (root: string) => void) {
  const root = tree({ "one/web/run": SH, "two/web/run": SH, "one/link": { link: "web" } });
  symlinkSync("one", join(root, "current"));
  const gone: string[] = [];
  const told: string[] = [];
  const parts: ScanParts = {
    clock: monotonic,
    scanDir: join(root, "current"),
    defaults: () => loadSettings([], {}, ROOT, accounts).defaults,
    present: () => {
      meanwhile(root);
      return new Map(["web", "link"].map((name) => [name, join(root, "one/web")]));
    },
    appeared: () => {},
    disappeared: (name) => gone.push(name),
    problem: ({ text }) => told.push(text),
    warn: () => {},
    absent: null,
    only: null,
    unready: () => {},
  };
  const scan = createScan(parts);
  onTestFinished(() => scan.close());
  return { scan, gone, told };
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
  await expect.poll(() => gone).toEqual(["web", "link"]);
});
