import { join } from "node:path";
import { expect } from "vitest";
import { type Loaded, loadService } from "../../src/config/load.ts";
import { accountsFrom } from "../../src/config/passwd.ts";
import { loadSettings, type Own } from "../../src/config/settings.ts";
import { type Tree, tree } from "./tree.ts";

const etc = join(import.meta.dirname, "../fixtures/etc");

/** Accounts root and app (1000:1001, also in log and ssl), of no use to the system that runs the test. */
export const accounts = accountsFrom(`${etc}/passwd`, `${etc}/group`);
export const ROOT: Own = { uid: 0, gid: 0, groups: [0] };
/** A run script without fault. */
export const SH = "#!/bin/sh\nexec sleep 1\n";

/** Makes a service directory `web` of these files and loads it, below a global file of the given text. */
export function load(files: Tree, { own = ROOT, global = "" } = {}): Loaded & { readonly home: string } {
  const home = tree(files);
  const config = tree({ "upkeep.ini": global });
  const { defaults, problems } = loadSettings([{ path: `${config}/upkeep.ini`, required: true }], {}, own, accounts);
  expect(problems).toEqual([]);
  return { home, ...loadService(home, "web", defaults) };
}

/** Its problems as `severity: text`. */
export const texts = (loaded: Loaded): string[] =>
  loaded.problems.map((problem) => `${problem.severity}: ${problem.text}`);
