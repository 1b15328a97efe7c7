import { mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { claimRuntimeDir } from "../../../src/manager/runtime-dir.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "upkeep-runtime-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const claim = (path: string) =>
  claimRuntimeDir(path, { runtimeDir: null, xdgRuntimeDir: undefined, uid: process.getuid?.() ?? 0, isShared: false });

test("a runtime directory is made with those above it, and is its owner's alone", () => {
  const path = join(dir, "a/b/c");
  expect(claim(path)).toBeNull();
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(statSync(join(dir, "a/b")).mode & 0o777).toBe(0o755);
  expect(claim(path)).toBeNull();
});

test("where no directory can be made it says so, though all above is there", () => {
  symlinkSync("nowhere", join(dir, "dangling"));
  expect(claim("/proc/x")).toBe("no directory can be made there");
  expect(claim("/proc/x/y")).toBe("no directory can be made there");
  expect(claim(join(dir, "dangling/x"))).toBe("no directory can be made there");
  expect(claim(join(dir, "dangling"))).toBe("it is no directory");
});
