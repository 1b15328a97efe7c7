// The files of supervise/, over a core that says yes to everything, and real directories.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { errorCode } from "../../../src/base/errors.ts";
import type { Core, Hello, StateFiles } from "../../../src/channel/core.ts";
import type { Runner } from "../../../src/manager/runner.ts";
import { createSupervise, type Supervise } from "../../../src/manager/supervise.ts";
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

/** One service that is up, in a directory of its own. */
function stage() {
  const home = mkdtempSync(join(tmpdir(), "upkeep-test-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const file = (name: string) => readFileSync(join(home, "supervise", name), "utf8");
  const asked: string[] = [];
  const answers: { supervise?: Supervise } = {};
  const core = {
    supervise(number: number, path: string) {
      asked.push("lock");
      mkdirSync(path, { recursive: true });
      queueMicrotask(() => answers.supervise?.supervised(number, "lock", "", 0));
    },
    inscribe(number: number, path: string, files: StateFiles) {
      queueMicrotask(() => answers.supervise?.inscribed(number, write(path, files)));
    },
    offer: () => asked.push("offer"),
    release: () => asked.push(`release ${file("stat").trim()}`),
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
    outside: () => ({ leaves: false, ends: false, gotTerm: false }),
    fallback: () => null,
    refused: () => {},
  });
  answers.supervise = supervise;
  supervise.begin();
  supervise.enter(runner as unknown as Runner);
  const change = (paused: boolean) => {
    state.paused = paused;
    supervise.changed(runner as unknown as Runner, true);
  };
  return { home, file, asked, timers, warnings, supervise, change, runner: runner as unknown as Runner };
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
