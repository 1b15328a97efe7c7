import { describe, expect, test } from "vitest";
import { deadlineOf } from "../../../src/service/machine.ts";
import type { Event } from "../../../src/service/model.ts";
import {
  clear,
  died,
  drive,
  exited,
  kill,
  none,
  once,
  ready,
  reports,
  restart,
  service,
  some,
  spawned,
  start,
  stop,
  timeout,
  unspawned,
  words,
} from "./support.ts";

/** Up with its first process, at 1 s. */
function up(change: Parameters<typeof service>[0] = {}) {
  const web = drive(service(change));
  web.feed(start, clear, spawned(1), 1_000, timeout);
  expect(web.state.phase).toBe("up");
  return web;
}

describe("a start", () => {
  test("waits for what it requires, runs start-pre, then the main process, and is up after settle", () => {
    const web = drive(service({ startPre: ["./pre"] }));
    expect(words(web.feed(start))).toEqual(["gate"]);
    expect(words(web.feed(clear))).toEqual(["spawn pre"]);
    expect(words(web.feed(spawned(1), exited(1, 0)))).toEqual(["spawn main"]);
    web.feed(500, spawned(2));
    expect(deadlineOf(web.state)).toBe(1_500);
    web.feed(1_000, timeout);
    expect(web.state).toMatchObject({ phase: "up", child: 2, pid: 1002, starts: 1 });
  });

  test("of a service with a settle of 0 needs no timer", () => {
    const web = drive(service({ settle: 0 }));
    expect(reports(web.feed(start, clear, spawned(1)))).toEqual([
      { what: "started", pid: 1001 },
      { what: "ready", after: 0 },
    ]);
    expect(deadlineOf(web.state)).toBe(Number.POSITIVE_INFINITY);
  });

  test("with a check is watched until it is ready, and failed when start-timeout comes first", () => {
    const web = drive(service({ check: "./check", startTimeout: 5_000 }));
    expect(words(web.feed(start, clear, spawned(1)))).toEqual(["watch"]);
    expect(words(web.feed(5_000, timeout))).toEqual(["unwatch", "kill TERM", "kill CONT"]);
    expect(reports(web.feed(died(1)))).toEqual([{ what: "unstartable", reason: "not ready after 5 s", retryIn: 0 }]);
    web.feed(none, clear, spawned(2));
    expect(words(web.feed(ready))).toEqual(["unwatch"]);
    expect(web.state.phase).toBe("up");
  });

  test("whose exec hangs is not taken for settled", () => {
    const web = drive(service({ startTimeout: 5_000 }));
    web.feed(start, clear, 4_999, timeout);
    expect(web.state.phase).toBe("starting");
    expect(words(web.feed(1, timeout))).toEqual(["kill TERM", "kill CONT"]);
    expect(reports(web.feed({ type: "unspawned", child: 1, reason: "it was ended", ended: true }))).toMatchObject([
      { what: "unstartable", reason: "not ready after 5 s" },
    ]);
  });

  test("fails with the reason of start-pre or of the spawn, and is tried again", () => {
    const web = drive(service({ startPre: ["./pre"] }));
    expect(reports(web.feed(start, clear, spawned(1), exited(1, 3)))).toEqual([
      { what: "unstartable", reason: "start-pre: exit 3", retryIn: 0 },
    ]);
    expect(words(web.feed(none))).toEqual(["gate"]);
    web.feed(clear, spawned(2), exited(2, 0), unspawned(3, "cannot run ./run: no such file"), none);
    expect(web.state).toMatchObject({
      phase: "backoff",
      last: { exit: null, reason: "cannot run ./run: no such file" },
    });
  });

  test("that was stopped before its program had begun was never started, and is no failure", () => {
    const web = drive(service());
    const early: Event = { type: "unspawned", child: 1, reason: "it was ended", ended: true };
    web.feed(start, clear, stop());
    expect(reports(web.feed(10, early))).toEqual([{ what: "stopped", exit: null, took: 10 }]);
    web.feed(none);
    expect(web.state).toMatchObject({ phase: "down", starts: 0, last: null });
    // Nobody had asked for it: the start has failed.
    web.feed(start, clear);
    expect(reports(web.feed({ ...early, child: 2 }))).toMatchObject([{ what: "unstartable", reason: "it was ended" }]);
  });

  test("of a oneshot is done when it exits with a success code, whatever the policy", () => {
    const job = drive(service({ type: "oneshot", check: "./check" }));
    job.feed(start, clear, spawned(1), ready, 2_000, exited(1, 0), none);
    expect(job.state.phase).toBe("done");
    job.feed(start, clear, spawned(2), exited(2, 1), none);
    expect(job.state.phase).toBe("waiting");
  });

  test("from failed, down or done forgets the crashes; in backoff it only skips the wait", () => {
    const web = drive(service({ giveUp: { count: 3, within: 60_000 } }));
    web.feed(start, clear, spawned(1), exited(1), none, clear, spawned(2), exited(2), none);
    expect(web.state.phase).toBe("backoff");
    web.feed(start);
    expect(web.state).toMatchObject({ phase: "waiting", streak: 2 });
    expect(reports(web.feed(clear, spawned(3), exited(3)))).toContainEqual({
      what: "gave-up",
      crashes: 3,
      within: 60_000,
    });
    web.feed(none);
    expect(web.state.phase).toBe("failed");
    web.feed(start);
    expect(web.state).toMatchObject({ phase: "waiting", streak: 0, crashes: [] });
  });
});

describe("a crash", () => {
  test("of a stable service restarts at once: no timer, no backoff", () => {
    const web = up();
    expect(words(web.feed(10_000, exited(1)))).toEqual(["sweep TERM"]);
    expect(words(web.feed(none))).toEqual(["gate"]);
    expect(words(web.feed(clear))).toEqual(["spawn main"]);
    expect(web.state.streak).toBe(1);
  });

  test("after a crash waits longer each time, until it has been stable", () => {
    const web = drive(service({ restartDelayMax: 1_000, settle: 0 }));
    const waits: number[] = [];
    web.feed(start);
    for (let child = 1; child <= 8; child++) {
      web.feed(clear, spawned(child), exited(child), none);
      if (web.state.phase === "backoff") waits.push(web.state.until - web.now);
      web.feed((waits.at(-1) ?? 0) + 1, timeout);
    }
    expect(waits).toHaveLength(7);
    for (const [n, wait] of waits.entries()) {
      const nominal = Math.min(100 * 2 ** n, 1_000);
      expect(wait).toBeGreaterThanOrEqual(nominal * 0.9);
      expect(wait).toBeLessThanOrEqual(Math.min(nominal * 1.1, 1_000));
    }
    web.feed(clear, spawned(9), 10_000, exited(9), none);
    expect(web.state).toMatchObject({ phase: "waiting", streak: 1 });
  });

  test("ends the leftovers before the restart: TERM, KILL after 2 s, and on without those that KILL spares", () => {
    const web = up();
    web.feed(exited(1));
    expect(reports(web.feed(some(3)))).toEqual([{ what: "leftovers", count: 3, fate: "terminated" }]);
    expect(reports(web.feed(some(2)))).toEqual([]);
    expect(words(web.feed(2_000, timeout))).toEqual(["sweep KILL"]);
    web.feed(some(1));
    const last = web.feed(2_000, timeout);
    expect(reports(last)).toEqual([{ what: "leftovers", count: 1, fate: "abandoned" }]);
    expect(words(last)).toEqual(["gate"]);
  });

  test("runs finish with the exit, and KILLs it after 30 s", () => {
    const web = up({ finish: "./finish" });
    web.feed(exited(1, 3));
    expect(web.feed(none)).toEqual([{ type: "spawn-finish", child: 2, exit: { code: 3 } }]);
    expect(words(web.feed(spawned(2), 30_000, timeout))).toEqual(["kill KILL group"]);
    expect(words(web.feed(died(2, 9)))).toEqual(["sweep KILL"]);
    expect(words(web.feed(none))).toEqual(["gate"]);
  });

  test("keeps its delay from the moment of the crash, however long finish takes", () => {
    const web = up({ finish: "./finish", restartDelay: 10_000 });
    web.feed(exited(1), none, spawned(2), exited(2, 0), none, clear, spawned(3), exited(3), none, spawned(4), 20_000);
    expect(words(web.feed(exited(4, 0), none))).toEqual(["gate"]);
  });

  test("of stop-scope process leaves survivors alone", () => {
    const web = up({ stopScope: "process" });
    expect(words(web.feed(exited(1)))).toEqual(["gate"]);
  });

  test.each([
    ["always", 0, "waiting"],
    ["always", 1, "waiting"],
    ["on-failure", 0, "done"],
    ["on-failure", 1, "waiting"],
    ["never", 0, "done"],
    ["never", 1, "failed"],
  ] as const)("under restart = %s with exit %i leads to %s", (policy, code, phase) => {
    const web = up({ restart: policy });
    web.feed(exited(1, code), none);
    expect(web.state.phase).toBe(phase);
  });

  test("by a signal is a failure even where 0 is asked for", () => {
    const web = up({ restart: "on-failure" });
    web.feed(died(1), none);
    expect(web.state.phase).toBe("waiting");
  });

  test("of a service that was started once is its end", () => {
    const web = drive(service());
    web.feed(once, clear, spawned(1), exited(1), none);
    expect(web.state).toMatchObject({ phase: "failed", want: "once" });
  });

  test("that exits 0 at once, again and again, does not spin", () => {
    const web = drive(service({ giveUp: { count: 2, within: 60_000 } }));
    web.feed(start, clear, spawned(1), exited(1, 0), none, clear, spawned(2), exited(2, 0), none);
    expect(web.state.phase).toBe("backoff");
  });
});

describe("a stop", () => {
  test("sends the stop signal and CONT, then KILL to the group when the grace is over, and sweeps with KILL", () => {
    const web = up({ stopSignal: 15 });
    expect(words(web.feed(stop()))).toEqual(["kill TERM", "kill CONT"]);
    expect(words(web.feed(6_999, timeout))).toEqual([]);
    expect(words(web.feed(1, timeout))).toEqual(["kill KILL group"]);
    expect(deadlineOf(web.state)).toBe(Number.POSITIVE_INFINITY);
    expect(words(web.feed(died(1, 9)))).toEqual(["sweep KILL"]);
    web.feed(none);
    expect(web.state).toMatchObject({ phase: "down", want: "down" });
  });

  test("gives leftovers the grace that is left", () => {
    const web = up();
    expect(words(web.feed(stop(), 3_000, died(1)))).toEqual(["sweep TERM"]);
    expect(deadlineOf(web.state) - web.now).toBe(4_000);
  });

  test("reaches the whole group where stop-scope says so", () => {
    expect(words(up({ stopScope: "group" }).feed(stop()))).toEqual(["kill TERM group", "kill CONT group"]);
  });

  test("of a logger closes its input", () => {
    const log = up();
    expect(words(log.feed(stop({ eof: true })))).toEqual(["close-input", "kill CONT"]);
    expect(words(log.feed(7_000, timeout))).toEqual(["kill KILL group"]);
  });

  test("takes the shorter of two graces, and never a longer one", () => {
    const web = up();
    web.feed(stop({ grace: 2_000 }), 500, stop({ cause: "shutdown" }));
    expect(deadlineOf(web.state) - web.now).toBe(1_500);
    expect(web.feed(stop({ grace: 100 }))).toEqual([]);
    expect(deadlineOf(web.state) - web.now).toBe(100);
  });

  test("is cut short by kill: the process, finish, leftovers", () => {
    const web = up({ finish: "./finish" });
    expect(words(web.feed(stop(), kill))).toEqual(["kill KILL group"]);
    expect(web.feed(kill)).toEqual([]);
    expect(words(web.feed(died(1, 9), none))).toEqual(["spawn finish"]);
    expect(words(web.feed(kill))).toEqual(["kill KILL group"]);
    expect(words(web.feed(died(2, 9)))).toEqual(["sweep KILL"]);
  });

  test("for a dependency goes down and waits for it by itself", () => {
    const web = up();
    web.feed(stop({ cause: "dependency" }), died(1));
    expect(words(web.feed(none))).toEqual(["gate"]);
    expect(web.state).toMatchObject({ phase: "waiting", want: "up" });
  });

  test("for a dependency does not bring up what was being stopped", () => {
    const web = up();
    web.feed(stop(), stop({ cause: "dependency" }), died(1), none);
    expect(web.state).toMatchObject({ phase: "down", want: "down" });
  });

  test("during start-pre ends that with TERM, runs no finish and starts nothing", () => {
    const web = drive(service({ startPre: ["./pre"], finish: "./finish", stopSignal: 28 }));
    expect(words(web.feed(start, clear, stop()))).toEqual(["kill TERM", "kill CONT"]);
    web.feed(spawned(1), died(1), none);
    expect(web.state).toMatchObject({ phase: "down", starts: 0 });
  });

  test("between a crash and the restart ends at down", () => {
    const web = up({ finish: "./finish" });
    web.feed(exited(1), stop(), none, spawned(2), exited(2, 0), none);
    expect(web.state.phase).toBe("down");
  });

  test("by a shutdown leaves no survivors of stop-scope process, even of a service that is down", () => {
    const sshd = up({ stopScope: "process" });
    expect(words(sshd.feed(stop(), died(1)))).toEqual([]);
    expect(sshd.state.phase).toBe("down");
    expect(words(sshd.feed(stop({ cause: "shutdown" })))).toEqual(["sweep TERM"]);
    sshd.feed(none);
    expect(sshd.state.phase).toBe("down");
  });

  test("stays a shutdown whatever is asked for after it, and becomes one while finish runs", () => {
    const sshd = up({ stopScope: "process" });
    expect(words(sshd.feed(stop({ cause: "shutdown" }), stop(), died(1)))).toEqual(["sweep TERM"]);
    const cron = up({ stopScope: "process", finish: "./finish" });
    expect(words(cron.feed(exited(1)))).toEqual(["spawn finish"]);
    expect(words(cron.feed(spawned(2), stop({ cause: "shutdown" }), exited(2, 0)))).toEqual(["sweep TERM"]);
  });

  test("with a grace sets no new deadline for what is killed already", () => {
    const web = up({ finish: "./finish" });
    web.feed(stop(), kill, stop({ grace: 100 }));
    expect(deadlineOf(web.state)).toBe(Number.POSITIVE_INFINITY);
    web.feed(died(1, 9), none, spawned(2), kill, stop({ grace: 100 }));
    expect(web.state).toMatchObject({ phase: "finishing", until: Number.POSITIVE_INFINITY });
  });

  test("that is followed by a start ends in a start", () => {
    const web = up();
    web.feed(stop(), start, died(1), none);
    expect(web.state).toMatchObject({ phase: "waiting", want: "up" });
  });

  test("that comes before the pid is known still reaches the process", () => {
    const web = drive(service());
    expect(words(web.feed(start, clear, stop()))).toEqual(["kill TERM", "kill CONT"]);
    web.feed(spawned(1), died(1), none);
    expect(web.state).toMatchObject({ phase: "down", starts: 1 });
  });
});

describe("a restart", () => {
  test("stops and starts what runs, and starts what does not", () => {
    const web = up();
    web.feed(restart, died(1), none, clear, spawned(2), 1_000, timeout);
    expect(web.state).toMatchObject({ phase: "up", starts: 2, streak: 0 });
    expect(words(drive(service()).feed(restart))).toEqual(["gate"]);
  });

  test("of a stable service forgets its crashes", () => {
    const web = drive(service());
    web.feed(start, clear, spawned(1), exited(1), none, clear, spawned(2), 1_000, timeout, 10_000, restart);
    expect(web.state.streak).toBe(0);
  });
});

test("pause and cont reach the main process alone, and a pause outlasts readiness", () => {
  const web = drive(service());
  web.feed(start, clear, spawned(1));
  expect(words(web.feed({ type: "pause" }))).toEqual(["kill STOP"]);
  web.feed(1_000, timeout);
  expect(web.state).toMatchObject({ phase: "up", paused: true });
  expect(words(web.feed({ type: "cont" }))).toEqual(["kill CONT"]);
  expect(web.state).toMatchObject({ paused: false });
});
