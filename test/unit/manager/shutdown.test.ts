import { expect, test } from "vitest";
import { type Ending, reportLines } from "../../../src/manager/stop-report.ts";

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
