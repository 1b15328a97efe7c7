// The locks of log directories, over a core that answers as it is told to.
import { existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Core, Hello } from "../../../src/channel/core.ts";
import { createRing } from "../../../src/log/ring.ts";
import type { Voice } from "../../../src/log/voice.ts";
import { createLogFiles } from "../../../src/manager/log-files.ts";
import type { ServiceSpec } from "../../../src/spec/spec.ts";
import { fakeClock } from "../log/fakes.ts";

const { ETIMEDOUT, EAGAIN } = constants.errno;
const LOCK = 0x80000007;

function stage(isLocal: boolean, ...errnos: number[]) {
  const dir = mkdtempSync(join(tmpdir(), "upkeep-test-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const asked: string[] = [];
  const said: string[] = [];
  const core = {
    supervise(number: number, path: string, { mayHang }: { mayHang: boolean }) {
      expect([number, path]).toEqual([LOCK, dir]);
      asked.push(mayHang ? "lock patiently" : "lock");
      queueMicrotask(() => files.locked(number, "lock", "directory", errnos.shift() ?? 0));
    },
    release: (number: number) => asked.push(`release ${number === LOCK}`),
    drained() {},
    taking: () => true,
    held() {},
  } as unknown as Core;
  const say = (text: string) => said.push(text);
  const voice = { warn: say, error: say, info: say } as unknown as Voice;
  const clock = fakeClock();
  const hello = { directories: [] } as unknown as Hello;
  const uid = process.getuid?.() ?? 0;
  const files = createLogFiles({ core, hello, voice, uid, onLost() {}, clock, mounts: { isLocal: () => isLocal } });
  const spec = { name: "web", logDir: dir, logTimestamps: false } as ServiceSpec;
  const pipe = { fd: openSync("/dev/null", "r"), lineMax: 100, to: null, ring: createRing("web") };
  const refused = vi.fn();
  files.add("o7", 7, spec, pipe, refused);
  const isOpen = () => existsSync(join(dir, "current"));
  return { dir, asked, said, clock, files, refused, isOpen };
}

test("a directory on a local file system is locked at once", async () => {
  const { asked, said, files, isOpen } = stage(true);
  await vi.waitUntil(isOpen);
  await files.close();
  expect(asked).toEqual(["lock"]);
  expect(said).toEqual([]);
});

test("a lock that is not answered for is asked for again after a while, and its service waits; that is said once", async () => {
  const { dir, asked, said, clock, files, refused, isOpen } = stage(false, ETIMEDOUT, ETIMEDOUT);
  await vi.waitUntil(() => clock.count() === 1);
  expect(asked).toEqual(["lock patiently", "release true"]);
  clock.advance(14_999);
  expect(clock.count()).toBe(1);
  clock.advance(1);
  await vi.waitUntil(() => clock.count() === 1);
  clock.advance(15_000);
  await vi.waitUntil(isOpen);
  await files.close();
  expect(asked.filter((text) => text === "lock patiently")).toHaveLength(3);
  expect(said).toEqual([`web may have to wait: ${dir} does not answer; it is tried again every 15 s`]);
  expect(refused).not.toHaveBeenCalled();
});

test("who waits for one waits no longer once all ends, or when somebody else has it", async () => {
  const { dir, said, clock, files, refused } = stage(false, ETIMEDOUT);
  await vi.waitUntil(() => clock.count() === 1);
  await files.close();
  expect(said.at(-1)).toBe(
    `cannot log web into ${dir}: its file system does not answer; its output goes where upkeep's own goes`,
  );
  expect(refused).not.toHaveBeenCalled();
  const other = stage(true, EAGAIN);
  await vi.waitUntil(() => other.refused.mock.calls.length === 1);
  expect(other.said.at(-1)).toContain("somebody else writes there");
});
