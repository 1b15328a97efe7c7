// The build that somebody interrupts, in a copy of the tree.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, cpSync, mkdirSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { argv, send } from "../helpers/proc.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";

const root = join(import.meta.dirname, "../..");

test("an interrupted build leaves nothing running and nothing behind, and the next one makes what is missing", async () => {
  const tree = temporaryDirectory();
  const temporary = temporaryDirectory();
  for (const name of ["build.mjs", "wat.mjs", "package.json"]) copyFileSync(join(root, name), join(tree, name));
  cpSync(join(root, "src"), join(tree, "src"), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  mkdirSync(join(tree, "dist"));
  // Newer than its sources: that part is done.
  copyFileSync(join(root, "dist/upkeep"), join(tree, "dist/upkeep"));
  const build = () => spawn(process.execPath, ["build.mjs"], { cwd: tree, env: { ...process.env, TMPDIR: temporary } });
  const caches = () => readdirSync(join(tree, "dist")).filter((name) => name.endsWith(".cache"));
  // The program, its manager and whoever asks it.
  const running = () =>
    readdirSync("/proc").filter((pid) => argv(Number(pid)).some((word) => word.startsWith(join(tree, "dist"))));

  onTestFinished(() => {
    for (const pid of running()) send(Number(pid), "SIGKILL");
  });
  const first = build();
  const ended = once(first, "exit");
  // To the build alone, as a supervisor of builds does it; and at once, for the cache takes no more than a moment.
  await eventually(
    "the program runs for its cache, and the build is interrupted",
    () => running().length > 0 && readdirSync(temporary).length > 0 && first.kill("SIGINT"),
    30_000,
  );
  const [, signal] = await ended;
  expect({ signal, left: readdirSync(temporary), running: running(), caches: caches() }).toEqual({
    signal: "SIGINT",
    left: [],
    running: [],
    caches: [],
  });

  await once(build(), "exit");
  expect({ left: readdirSync(temporary), caches: caches().length }).toEqual({ left: [], caches: 1 });
  const made = statSync(join(tree, "dist/manager.cjs")).mtimeMs;
  await once(build(), "exit");
  expect(statSync(join(tree, "dist/manager.cjs")).mtimeMs).toBe(made);
});
