// The files of supervise/, over a core that says yes to everything, and real directories.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { errorCode } from "../../../src/base/errors.ts";
import type { Core, Hello, StateFiles } from "../../../src/channel/core.ts";
import type { Runner } from "../../../src/manager/runner.ts";
import { createSupervise, type Supervise } from "../../../src/manager/supervise.ts";
import type { Found } from "../../../src/process/whereabouts.ts";
import { fakeClock } from "../log/fakes.ts";

/** As the core's child does it; answers the errno. */
function write(path: string, { pid, stat, status }: StateFiles): number {
  try {
    writeFileSync(join(path, "pid"), pid);
    writeFileSync(join(path, "stat"), stat);
    writeFileSync(join(path, "status"), Buffer.from(status, "hex"));
    return 0;
  } catch (error) {
    return constants.errno[errorCode(error) as keyof typeof constants.errno];
  }
}

/** One service that is up, in a directory of its own; `answer` is the core's to each question about lock and fifos. */
function stage(answer: (asked: "lock" | "offer") => number | null = () => 0, found: Found = "absent") {
  const home = mkdtempSync(join(tmpdir(), "upkeep-test-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const file = (name: string) => readFileSync(join(home, "supervise", name), "utf8");
  const asked: string[] = [];
  const answers: { supervise?: Supervise } = {};
  const say = (number: number, what: "lock" | "offer") => {
    const errno = answer(what);
    if (errno !== null) queueMicrotask(() => answers.supervise?.supervised(number, what, errno ? what : "", errno));
  };
  const core = {
    supervise(number: number, path: string, { mayHang }: { mayHang: boolean }) {
      asked.push(mayHang ? "lock patiently" : "lock");
      mkdirSync(path, { recursive: true });
      say(number, "lock");
    },
    inscribe(number: number, path: string, files: StateFiles) {
      queueMicrotask(() => answers.supervise?.inscribed(number, write(path, files)));
    },
    offer(number: number) {
      asked.push("offer");
      say(number, "offer");
    },
    release: () => asked.push(`release ${existsSync(join(home, "supervise/stat")) ? file("stat").trim() : "all"}`),
  } as unknown as Core;
  const state = { phase: "up", want: "up", child: 1, pid: 4321, startedAt: 0, paused: false };
  const runner = { name: "web", number: 1, spec: { name: "web", home, fixed: false, loggerOf: null }, state };
  const clock = fakeClock();
  const timers = vi.spyOn(clock, "at");
  const warnings: string[] = [];
  const supervise = createSupervise({
    core,
    clock,
    hello: { directories: [] } as unknown as Hello,
    say: (_level, text) => warnings.push(text),
    looks: { look: (_path, done) => done(null), ask: (_point, done) => done(true), onReturn() {} },
    find: () => found,
    outside: () => ({ leaves: false, ends: false, gotTerm: false }),
    fallback: () => null,
    refused: (_runner, _path, mayRun) => asked.push(`refused ${mayRun ? "late" : "in time"}`),
  });
  answers.supervise = supervise;
  supervise.begin();
  supervise.enter(runner as unknown as Runner);
  const change = (paused: boolean) => {
    state.paused = paused;
    supervise.changed(runner as unknown as Runner, true);
  };
  return { home, file, asked, clock, timers, warnings, supervise, change, runner: runner as unknown as Runner };
}

test("the last state is written before a service that leaves is let go", async () => {
  const { supervise, asked, file, change, runner } = stage();
  await supervise.answered();
  await supervise.settled();
  expect(asked).toEqual(["lock", "offer"]);
  // Being written still as the next one comes.
  change(true);
  change(false);
  Object.assign(runner, { state: { phase: "down", want: "down", since: 0 } });
  supervise.leave(runner);
  await supervise.settled();
  expect(asked.at(-1)).toBe("release down");
  expect(file("pid")).toBe("");
});

test("a disk that takes nothing is tried again by one clock, however often the state changes", async () => {
  const { home, supervise, timers, warnings, change } = stage();
  await supervise.answered();
  await supervise.settled();
  rmSync(join(home, "supervise/status"));
  mkdirSync(join(home, "supervise/status/full"), { recursive: true });
  for (const paused of [true, false, true, false]) {
    change(paused);
    await supervise.settled();
  }
  expect(timers).toHaveBeenCalledTimes(1);
  expect(warnings).toHaveLength(1);
});

const { ETIMEDOUT, EAGAIN } = constants.errno;
const settled = async (supervise: Supervise) => {
  await Promise.resolve();
  await supervise.settled();
  await Promise.resolve();
};

test("a lock that is not answered for is asked for again after ever longer, with one complaint until all is well", async () => {
  let hangs = true;
  const { asked, clock, warnings, supervise, change } = stage(
    (what) => (hangs && what === "lock" ? ETIMEDOUT : 0),
    "far",
  );
  await settled(supervise);
  expect(asked).toEqual(["lock patiently"]);
  // Nobody is to be told of its state there.
  change(true);
  clock.advance(14_999);
  expect(asked).toHaveLength(1);
  clock.advance(1);
  await settled(supervise);
  expect(asked).toHaveLength(2);
  clock.advance(29_999);
  expect(asked).toHaveLength(2);
  hangs = false;
  clock.advance(1);
  await settled(supervise);
  expect(asked.slice(2)).toEqual(["lock patiently", "offer"]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("its file system does not answer; this is tried again; sv does not reach it");
});

test("fifos that are not answered for are asked for again, and what is written in between heals nothing", async () => {
  let hangs = true;
  const { asked, clock, warnings, supervise } = stage((what) => (hangs && what === "offer" ? ETIMEDOUT : 0), "far");
  await settled(supervise);
  expect(asked).toEqual(["lock patiently", "offer"]);
  clock.advance(15_000);
  await settled(supervise);
  expect(asked).toEqual(["lock patiently", "offer", "offer"]);
  clock.advance(29_999);
  expect(asked).toHaveLength(3);
  hangs = false;
  clock.advance(1);
  await settled(supervise);
  expect(asked).toHaveLength(4);
  expect(warnings).toHaveLength(1);
  clock.advance(100_000);
  await settled(supervise);
  expect(asked).toHaveLength(4);
});

test("who was started before it was known is told so when somebody else turns out to have the lock", async () => {
  let errno = ETIMEDOUT;
  const { asked, clock, supervise } = stage(() => errno, "far");
  await settled(supervise);
  errno = EAGAIN;
  clock.advance(15_000);
  await settled(supervise);
  expect(asked).toEqual(["lock patiently", "lock patiently", "refused late", "release all"]);
});

test("a service that leaves while its fifos are not answered for lets go of its lock", async () => {
  const answers: (number | null)[] = [0, null];
  const { asked, supervise, runner } = stage(() => answers.shift() ?? null, "far");
  await settled(supervise);
  expect(asked).toEqual(["lock patiently", "offer"]);
  supervise.leave(runner);
  supervise.supervised(1, "offer", "directory", ETIMEDOUT);
  await settled(supervise);
  expect(asked.at(-1)).toMatch(/^release/);
  expect(asked).toHaveLength(3);
});
