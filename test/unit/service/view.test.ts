import { expect, test } from "vitest";
import type { State } from "../../../src/service/model.ts";
import { type Outside, pidText, stampIn, statText, statusBytes, type View, viewOf } from "../../../src/service/view.ts";

const outside: Outside = { leaves: false, ends: false, gotTerm: false };
const common = { want: "up", since: 0, sequence: 1, starts: 1, streak: 0, crashes: [], last: null, seed: 1 } as const;
const running = { child: 1, pid: 31624, startedAt: 0 } as const;
const up: State = { ...common, phase: "up", ...running, paused: false };
const stopping: State = {
  ...common,
  phase: "stopping",
  ...running,
  until: 1,
  killed: false,
  again: false,
  cause: "request",
  preparing: false,
};
const see = (state: State, more: Partial<Outside> = {}) => viewOf(state, { ...outside, ...more });

test("the bytes of a service that runs are runsv's", () => {
  const view = see(up);
  const stamp = { seconds: 0x6b01dda2 - 10, nanoseconds: 0x330bf47c };
  expect(statusBytes(view, stamp).toString("hex")).toBe("400000006b01dda2330bf47c887b000000750001");
  expect([pidText(view), statText(view)]).toEqual(["31624\n", "run\n"]);
});

const cases: readonly (readonly [string, View, stat: string, tail: string])[] = [
  ["paused", see({ ...up, paused: true }), "run, paused\n", "01750001"],
  ["stopping", see({ ...stopping, want: "down" }, { gotTerm: true }), "run, got TERM, want down\n", "00640101"],
  ["stopping to start again", see(stopping, { gotTerm: true }), "run, got TERM\n", "00750101"],
  ["stopping to be let go", see({ ...stopping, want: "down" }, { leaves: true }), "run, want exit\n", "00640001"],
  ["a stop that waits for others", see(up, { ends: true }), "run, want down\n", "00640001"],
  ["once", see({ ...up, want: "once" }), "run, want down\n", "00640001"],
  ["not spawned yet", see({ ...up, pid: 0 }), "down\n", "00750000"],
  ["down", see({ ...common, want: "down", phase: "down" }), "down\n", "00640000"],
  ["down and waiting", see({ ...common, phase: "backoff", until: 9 }), "down\n", "00750000"],
  ["given up", see({ ...common, phase: "failed" }), "down\n", "00640000"],
  ["done", see({ ...common, phase: "done" }), "down\n", "00640000"],
  [
    "its finish",
    see({ ...common, phase: "finishing", child: 2, pid: 7, until: 1, killed: false, sweeps: true, next: "down" }),
    "finish\n",
    "00750002",
  ],
  [
    "its leftovers",
    see({ ...common, phase: "sweeping", until: 1, killed: false, left: 1, finished: true, next: "start" }),
    "finish\n",
    "00750002",
  ],
];
test.each(cases)("%s", (_name, view, stat, tail) => {
  expect(statText(view)).toBe(stat);
  expect(statusBytes(view, { seconds: 0, nanoseconds: 0 }).subarray(16).toString("hex")).toBe(tail);
});

test("a stamp is read back from the status of the same process only", () => {
  const view = see(up);
  const stamp = { seconds: 1_800_000_000, nanoseconds: 999_999_999 };
  expect(stampIn(statusBytes(view, stamp), view)).toEqual(stamp);
  expect(stampIn(statusBytes({ ...view, pid: 1 }, stamp), view)).toBe(null);
  expect(stampIn(statusBytes({ ...view, state: "finish" }, stamp), view)).toBe(null);
  expect(stampIn(Buffer.alloc(19), view)).toBe(null);
  expect(stampIn(Buffer.alloc(0), view)).toBe(null);
});
