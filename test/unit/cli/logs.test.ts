import { expect, test } from "vitest";
import { runCommand } from "../../../src/cli/run-command.ts";
import { capture, fakeSupervisor, handClock, someClient, statusOf, turn } from "../../helpers/fake-supervisor.ts";

function run(line: string, over = {}) {
  const fake = fakeSupervisor(statusOf("db"), statusOf("web"));
  const io = capture();
  const begin = () => runCommand(line.split(" "), { ...someClient, ...over }, fake, io, handClock());
  return { fake, io, begin };
}

test("logs shows the last 50 lines, or as many as are asked for", async () => {
  const { fake, io, begin } = run("logs web");
  for (let at = 0; at < 60; at++) fake.print("web", `line ${at}`);
  expect(await begin()).toBe(0);
  expect(io.stdout().split("\n").slice(0, -1)).toHaveLength(50);
  const few = capture();
  await runCommand(["tail", "-n2", "web"], someClient, fake, few, handClock());
  expect(few.stdout()).toBe("line 58\nline 59\n");
});

test("logs of a service with a logger says where its lines are", async () => {
  const fake = fakeSupervisor(statusOf("web", { log: statusOf("web/log") }));
  const io = capture();
  expect(await runCommand(["logs", "web"], someClient, fake, io, handClock())).toBe(0);
  expect(io.stderr()).toContain("upkeep logs web/log");
});

test("logs names the service only where there are several", async () => {
  const { fake, io, begin } = run("logs");
  fake.print("db", "a");
  fake.print("web", "b");
  await begin();
  expect(io.stdout()).toBe("[db] a\n[web] b\n");
});

test("logs puts a long line that came in pieces together again", async () => {
  const { fake, io, begin } = run("logs web");
  fake.print("web", "one ", true);
  fake.print("web", "line");
  await begin();
  expect(io.stdout()).toBe("one line\n");
});

test("logs --timestamps and -o json tell the time of each line", async () => {
  const stamped = run("logs --timestamps web");
  stamped.fake.print("web", "a");
  await stamped.begin();
  expect(stamped.io.stdout()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z a\n$/);
  const json = run("logs -o json web");
  json.fake.print("web", "a");
  await json.begin();
  expect(JSON.parse(json.io.stdout())).toMatchObject({ service: "web", line: "a" });
});

test("logs -f goes on until the client goes, and then listens no more", async () => {
  const { fake, io, begin } = run("logs -f web");
  fake.print("web", "old");
  const code = begin();
  fake.print("web", "new");
  await turn();
  fake.print("web", "newer");
  fake.print("db", "other");
  await turn();
  expect(io.stdout()).toBe("old\nnew\nnewer\n");
  io.leave();
  expect(await code).toBe(0);
  expect(fake.followers()).toBe(0);
});

test("logs -f drops lines for a reader that is too slow, and says how many", async () => {
  const { fake, io, begin } = run("logs -f web");
  const code = begin();
  await turn();
  io.reading(false);
  fake.print("web", "first");
  await turn();
  const line = "x".repeat(1_000);
  for (let at = 0; at < 10_000; at++) fake.print("web", line);
  await turn();
  expect(io.stdout()).toBe("first\n");
  io.reading(true);
  await turn();
  const kept = io.stdout().split("\n").length - 2;
  expect(kept).toBeGreaterThan(100);
  expect(kept).toBeLessThan(300);
  expect(io.stderr()).toContain(`${10_000 - kept} lines dropped`);
  io.leave();
  await code;
});

test("logs -f says how many lines came too many at once to be kept", async () => {
  const { fake, io, begin } = run("logs -f web");
  const code = begin();
  fake.skip("web", 7);
  await turn();
  expect(io.stderr()).toContain("7 lines dropped");
  io.leave();
  await code;
});

test("logs -f that goes on after a restart of the manager begins with all that the new one has read meanwhile", async () => {
  const { fake, io, begin } = run("logs -f -n 1 web", { resumed: true });
  fake.print("web", "missed");
  fake.print("web", "missed too");
  const code = begin();
  fake.print("web", "new");
  await turn();
  expect(io.stdout()).toBe("missed\nmissed too\nnew\n");
  io.leave();
  await code;
});

test("events shows changes of the named services until the client goes", async () => {
  const { fake, io, begin } = run("events web -o json");
  const code = begin();
  fake.change("web", { state: "stopping" }, "stopping", "asked to stop");
  fake.change("db", { state: "stopping" }, "stopping", "asked to stop");
  io.leave();
  expect(await code).toBe(0);
  expect(JSON.parse(io.stdout())).toMatchObject({ service: "web", event: "stopping" });
  expect(fake.watchers()).toBe(0);
});

test("events names each service once a line", async () => {
  const { fake, io, begin } = run("events web");
  const code = begin();
  fake.change("web", { state: "up" }, "started", "web started: pid 7");
  io.leave();
  await code;
  expect(io.stdout()).toBe("2026-11-21T20:15:02.000Z  web started: pid 7\n");
});

test("events drops and counts what a slow reader cannot take", async () => {
  const { fake, io, begin } = run("events");
  const code = begin();
  io.reading(false);
  for (let at = 0; at < 100; at++) fake.change("web", { restarts: at });
  io.reading(true);
  await turn();
  expect(io.stderr()).toContain("99 events dropped");
  io.leave();
  await code;
});
