import { expect, test } from "vitest";
import type { Runner } from "../../../src/manager/runner.ts";
import { beginShutdown } from "../../../src/manager/shutdown.ts";
import { type Ending, reportLines } from "../../../src/manager/stop-report.ts";
import { fakeClock } from "../log/fakes.ts";

const ending = (over: Partial<Ending>): Ending => ({
  name: "web",
  took: 10,
  exit: { code: 0 },
  finishing: 0,
  killed: false,
  reaction: null,
  ...over,
});
const report = (...endings: readonly Ending[]) => reportLines(endings, () => 15);

test("a service that ended in time by its own handler is not worth a line", () => {
  expect(report(ending({}))).toEqual([]);
});

test("the slow are told with their exit, and the killed with what they did with the signal", () => {
  expect(
    report(ending({ took: 2_100 }), ending({ name: "db", killed: true, took: 7_000, reaction: "ignored" })),
  ).toEqual(["web took 2.1 s to stop (exit 0)", "db was killed after 7 s: it ignores SIGTERM"]);
});

test("a slow finish is told as such, and not as the service's own slowness", () => {
  expect(report(ending({ took: 3_010, finishing: 3_000, exit: null }))).toEqual([
    "web took 3 s to stop, 3 s of it in its finish",
  ]);
});

test("whoever has no handler is named, but nobody whose process had ended before", () => {
  expect(report(ending({ exit: { signal: 15 } }), ending({ name: "db", exit: null }))).toEqual([
    "no handler for the stop signal, ended by it at once: web",
  ]);
});

test("where the budget ends at a service that does not, those behind it are told to stop before they are killed", () => {
  const clock = fakeClock();
  const told: string[] = [];
  const service = (name: string, requires: readonly string[]) => {
    const spec = { name, requires, after: [], wants: [], loggerOf: null, foreground: false, stopGrace: 7_000 };
    const runner = { name, spec, state: { phase: "up", pid: 9 } };
    const send = (event: { type: string; grace?: number }) => {
      told.push(`${name} ${event.type}${event.grace === undefined ? "" : ` ${event.grace}`}`);
      // The db ends at once; the web hangs in the kernel.
      if (event.type === "stop") Object.assign(runner.state, { phase: name === "db" ? "down" : "stopping" });
    };
    return Object.assign(runner, { send }) as unknown as Runner;
  };
  const all = [service("db", []), service("web", ["db"])];
  let ended: readonly Ending[] | null = null;
  const shutdown = beginShutdown(
    {
      clock,
      budget: 9_000,
      runners: () => all,
      strays: () => 0,
      reactionOf: () => null,
      done: (endings) => {
        ended = endings;
      },
    },
    clock.now(),
  );
  shutdown.progress(null);
  expect(told).toEqual(["web stop 7000"]);
  clock.advance(8_500);
  expect(told).toEqual(["web stop 7000", "web kill", "db stop 0"]);
  expect(ended).toBe(null);
  clock.advance(250);
  expect(ended).toMatchObject([{ name: "db" }]);
});
