import { describe, expect, test } from "vitest";
import type { Effect, Report } from "../../../src/service/model.ts";
import { resume } from "../../../src/service/resume.ts";
import { clear, died, drive, exited, none, restart, service, spawned, start, stop, timeout, words } from "./support.ts";

const reports = (effects: readonly Effect[]): Report[] =>
  effects.flatMap((effect) => (effect.type === "report" ? [effect.report] : []));
const running = (isS6: boolean) => {
  const web = drive(service({ finish: "./finish", isS6, finishTimeout: 5_000 }));
  web.feed(start, clear, spawned(1), 1_000, timeout);
  return web;
};

describe("finish that exits 125", () => {
  test("is a permanent failure in a directory of s6", () => {
    const web = running(true);
    const last = web.feed(exited(1, 1), none, spawned(2), exited(2, 125));
    expect(reports(last)).toEqual([{ what: "permanent" }]);
    web.feed(none);
    expect(web.state).toMatchObject({ phase: "failed", last: { exit: { code: 1 } } });
  });

  test("is nothing in any other", () => {
    const web = running(false);
    expect(reports(web.feed(exited(1, 1), none, spawned(2), exited(2, 125)))).toEqual([]);
    expect(words(web.feed(none))).toEqual(["gate"]);
  });

  test("changes nothing for what was asked to stop", () => {
    const web = running(true);
    const last = web.feed(stop(), died(1), none, spawned(2), exited(2, 125));
    expect(reports(last)).toEqual([]);
    web.feed(none);
    expect(web.state.phase).toBe("down");
  });

  test("starts again by hand", () => {
    const web = running(true);
    web.feed(exited(1, 1), none, spawned(2), exited(2, 125), none);
    expect(words(web.feed(start))).toEqual(["gate"]);
  });

  test("or takes longer than finish-timeout is killed", () => {
    const web = running(true);
    expect(words(web.feed(exited(1, 1), none, spawned(2), 5_000, timeout))).toEqual(["kill KILL group"]);
  });
});

describe("a oneshot with something to undo", () => {
  const done = (change: Parameters<typeof service>[0] = {}) => {
    const job = drive(service({ type: "oneshot", undo: ["./down"], finishTimeout: 5_000, ...change }));
    job.feed(start, clear, spawned(1), exited(1, 0), none);
    expect(job.state.phase).toBe("done");
    return job;
  };

  test("undoes it when it is stopped, once", () => {
    const job = done();
    expect(job.feed(stop())).toEqual([{ type: "spawn-undo", child: 2 }]);
    expect(words(job.feed(spawned(2), exited(2, 0)))).toEqual(["sweep TERM"]);
    job.feed(none);
    expect(job.state.phase).toBe("down");
    expect(job.feed(stop())).toEqual([]);
  });

  test("undoes it before a restart does it again", () => {
    const job = done();
    expect(words(job.feed(restart))).toEqual(["spawn undo"]);
    expect(words(job.feed(spawned(2), exited(2, 0), none))).toEqual(["gate"]);
    expect(words(job.feed(clear))).toEqual(["spawn main"]);
  });

  test("undoes it at a shutdown within the grace that is left", () => {
    const job = done();
    job.feed(stop({ cause: "shutdown", grace: 300 }));
    expect(job.state).toMatchObject({ phase: "finishing", until: 300 });
    expect(words(job.feed(spawned(2), 300, timeout))).toEqual(["kill KILL group"]);
  });

  test("says so where that fails, and is down all the same", () => {
    const job = done();
    const last = job.feed(stop(), spawned(2), exited(2, 3));
    expect(reports(last)).toEqual([{ what: "unfinished", role: "undo", reason: "exit 3" }]);
    job.feed(none);
    expect(job.state.phase).toBe("down");
  });

  test("has nothing to undo where it has failed", () => {
    const job = drive(service({ type: "oneshot", undo: ["./down"], restart: "never" }));
    job.feed(start, clear, spawned(1), exited(1, 1), none);
    expect(job.state.phase).toBe("failed");
    job.feed(stop());
    expect(job.state.phase).toBe("down");
  });

  test("is undone by the next manager where the last one died before it had asked", () => {
    const job = done();
    job.feed(stop());
    expect(resume(service({ type: "oneshot", undo: ["./down"] }), job.state, () => false)).toEqual([
      { type: "spawn-undo", child: 2 },
    ]);
  });
});
