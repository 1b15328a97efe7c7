import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { directoryCalls } from "../../../../src/log/dir/calls.ts";

const directory = mkdtempSync(join(tmpdir(), "upkeep-calls-"));
afterAll(() => rmSync(directory, { recursive: true }));
const at = (name: string) => join(directory, name);

test("a file is read whole, a fifo is empty and hangs nobody, and what is larger than 1 MB is refused", async () => {
  writeFileSync(at("config"), "s1000\n");
  expect((await directoryCalls.read(at("config"))).toString()).toBe("s1000\n");
  execFileSync("mkfifo", [at("fifo")]);
  expect((await directoryCalls.read(at("fifo"))).length).toBe(0);
  writeFileSync(at("large"), "");
  truncateSync(at("large"), 1024 * 1024 + 1);
  await expect(directoryCalls.read(at("large"))).rejects.toMatchObject({ code: "EFBIG" });
  await expect(directoryCalls.read(directory)).rejects.toMatchObject({ code: "EISDIR" });
  await expect(directoryCalls.read(at("none"))).rejects.toMatchObject({ code: "ENOENT" });
});
