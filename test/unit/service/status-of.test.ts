import { expect, test } from "vitest";
import { clauseOf, statusOf } from "../../../src/service/status-of.ts";
import { clear, drive, exited, none, service, spawned, start, stop, timeout } from "./support.ts";

const facts = { why: null, log: null };
const WALL = new Date("2026-01-01T00:01:00.000Z");

test("of an up service the age is that of its process", () => {
  const web = drive(service());
  web.feed(start, clear, spawned(1), 1_000, timeout, 4_000);
  expect(statusOf(service(), web.state, facts, web.now, WALL)).toEqual({
    name: "web",
    state: "up",
    want: "up",
    type: "service",
    ready: true,
    pid: 1001,
    seconds: 5,
    since: "2026-01-01T00:00:55.000Z",
    restarts: 0,
    lastExit: null,
    retryIn: null,
    why: null,
    normallyDown: false,
    critical: false,
    log: null,
  });
});

test("in backoff it tells the last exit, the next try and why", () => {
  const web = drive(service({ restartDelay: 5_000, restartDelayMax: 5_000 }));
  web.feed(start, clear, spawned(1), exited(1), none, clear, spawned(2), exited(2, 7), none, 1_000);
  const status = statusOf(service(), web.state, facts, web.now, WALL);
  expect(status).toMatchObject({ state: "backoff", pid: null, restarts: 1, lastExit: { code: 7 }, why: "exit 7" });
  expect(status.retryIn).toBeGreaterThanOrEqual(3.5);
  expect(status.retryIn).toBeLessThanOrEqual(4);
});

test("what is known from outside goes before what the machine remembers", () => {
  const web = drive(service());
  web.feed(start);
  const status = statusOf(service(), web.state, { ...facts, why: "db is not ready" }, 0, WALL);
  expect(status).toMatchObject({ state: "waiting", ready: false, why: "db is not ready" });
});

test("a paused process is shown as paused, leftovers as the end of a stop", () => {
  const web = drive(service());
  web.feed(start, clear, spawned(1), 1_000, timeout, { type: "pause" });
  expect(statusOf(service(), web.state, facts, web.now, WALL)).toMatchObject({ state: "paused", pid: 1001 });
  web.feed(stop(), exited(1, 0));
  expect(statusOf(service(), web.state, facts, web.now, WALL)).toMatchObject({
    state: "stopping",
    pid: null,
    want: "down",
  });
});

test("a oneshot that is done is ready; a service that is done is not", () => {
  for (const [spec, ready] of [
    [service({ type: "oneshot" }), true],
    [service({ restart: "never" }), false],
  ] as const) {
    const job = drive(spec);
    job.feed(start, clear, spawned(1), exited(1, 0), none);
    expect(statusOf(spec, job.state, facts, 0, WALL)).toMatchObject({ state: "done", ready });
  }
});

test("a state reads as the end of a sentence, a pause included", () => {
  const web = drive(service());
  expect(clauseOf(web.state)).toBe("is down");
  web.feed(start, clear, spawned(1), 1_000, timeout, { type: "pause" });
  expect(clauseOf(web.state)).toBe("is paused");
  const job = drive(service({ restart: "never" }));
  job.feed(start, clear, spawned(1), exited(1, 3), none);
  expect(clauseOf(job.state)).toBe("has failed");
});
