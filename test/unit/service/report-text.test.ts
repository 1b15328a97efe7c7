import { expect, test } from "vitest";
import { durationText } from "../../../src/service/duration.ts";
import type { Report } from "../../../src/service/model.ts";
import { reportText } from "../../../src/service/report-text.ts";

test("every report is one plain sentence", () => {
  const exit = { code: 1 };
  const reports: Report[] = [
    { what: "started", pid: 12 },
    { what: "ready", after: 340 },
    { what: "unstartable", reason: "start-pre: exit 3", retryIn: 12_000 },
    { what: "ended", exit, lived: 3_210, retryIn: 0, failure: true },
    { what: "ended", exit, lived: 3_210, retryIn: 12_000, failure: true },
    { what: "ended", exit: { signal: 9 }, lived: 90_000, retryIn: null, failure: true },
    { what: "ended", exit: { code: 0 }, lived: 20, retryIn: 102, failure: false },
    { what: "stopping", cause: "request", signal: 15 },
    { what: "stopping", cause: "shutdown", signal: null },
    { what: "stopped", exit: { signal: 15 }, took: 210 },
    { what: "stopped", exit: null, took: 210 },
    { what: "killed", role: "main", after: 7_000 },
    { what: "killed", role: "finish", after: 30_000 },
    { what: "leftovers", count: 1, fate: "terminated" },
    { what: "leftovers", count: 2, fate: "killed" },
    { what: "leftovers", count: 2, fate: "abandoned" },
    { what: "unfinished", role: "finish", reason: "permission denied" },
    { what: "unfinished", role: "undo", reason: "exit 3" },
    { what: "permanent" },
    { what: "gave-up", crashes: 5, within: 60_000 },
    { what: "done", exit: { code: 0 } },
  ];
  expect(reports.map((report) => reportText("web", report))).toMatchInlineSnapshot(`
    [
      "web started: pid 12",
      "web is ready after 340 ms",
      "web could not be started: start-pre: exit 3; next try in 12 s",
      "web crashed: exit 1 after 3.2 s; restarting at once",
      "web crashed: exit 1 after 3.2 s; next try in 12 s",
      "web crashed: killed by SIGKILL after 90 s; not tried again",
      "web ended: exit 0 after 20 ms; next try in 102 ms",
      "stopping web, as asked: sent SIGTERM",
      "stopping web, everything stops: closed its input",
      "web stopped within 210 ms: killed by SIGTERM",
      "web stopped before it had started",
      "web had not ended after 7 s: sent SIGKILL",
      "finish of web had not ended after 30 s: sent SIGKILL",
      "1 process of web outlived the main process: sent SIGTERM",
      "2 processes of web outlived the main process: sent SIGKILL",
      "2 processes of web cannot be killed; going on without them",
      "finish of web has failed: permission denied",
      "down of web has failed: exit 3",
      "web is not started again: its finish exited 125, a permanent failure",
      "web failed 5 times within 60 s: given up",
      "web is done: exit 0",
    ]
  `);
});

test("durations are told in the unit that fits", () => {
  const texts = [
    -1,
    0,
    999.4,
    999.6,
    1_000,
    9_940,
    12_400,
    119_000,
    120_000,
    7_200_000,
    172_800_000,
    Number.POSITIVE_INFINITY,
  ];
  expect(texts.map(durationText)).toEqual([
    "0 ms",
    "0 ms",
    "999 ms",
    "1 s",
    "1 s",
    "9.9 s",
    "12 s",
    "119 s",
    "2 min",
    "2 h",
    "2 d",
    "ever",
  ]);
});
