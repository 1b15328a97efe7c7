// The tests' own tools, tried on programs that need no build.
import { spawn } from "node:child_process";
import { closeSync, existsSync, realpathSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { eventually, throughout, timed } from "../helpers/eventually.ts";
import { drain, launch, realPipe } from "../helpers/pid-namespace.ts";
import { argv, comesToRest, environ, fds, innerPid, isAlive, send, stat, waits } from "../helpers/proc.ts";
import { scanDir, temporaryDirectory } from "../helpers/service-dir.ts";

const node = realpathSync(process.execPath);
const waiting =
  "process.on('SIGTERM', () => process.exit(7)); console.log('pid', process.pid); setInterval(() => {}, 1e6)";

test("a launched program is PID 1, hears a signal from outside, and its exit code comes back", async () => {
  const space = await launch(["-e", waiting], { program: node, env: { COLOUR: "blue" } });
  await eventually("it speaks", () => space.stdout() === "pid 1\n");
  expect(innerPid(space.pid)).toBe(1);
  expect(argv(space.pid)).toEqual([node, "-e", waiting]);
  expect(environ(space.pid).get("COLOUR")).toBe("blue");
  expect(environ(space.pid).has("VITEST")).toBe(false);
  space.signal("TERM");
  expect(await space.exit()).toEqual({ code: 7 });
});

test("a command inside sees the namespace's own processes and its own /run", async () => {
  const space = await launch(["-e", waiting], { program: node, setup: "echo hello >/run/greeting" });
  const seen = await space.inside(["sh", "-c", "cat /run/greeting; readlink /proc/1/exe; exit 3"]);
  expect(seen).toEqual({ code: 3, stdout: `hello\n${node}`, stderr: "" });
  expect(existsSync("/run/greeting")).toBe(false);
});

test("what outlives a program that is a child is seen, and is gone after dispose", async () => {
  const stray = "require('child_process').spawn('sleep', ['1000'], { detached: true }).unref(); process.exit(5)";
  const space = await launch(["-e", `setTimeout(() => { ${stray} }, 100)`], { program: node, asChild: true });
  expect(innerPid(space.init)).toBe(1);
  expect(await space.exit()).toEqual({ code: 5 });
  const left = await eventually("a sleep is left", () => space.processes().find((pid) => argv(pid)[0] === "sleep"));
  expect(space.outer(innerPid(left) ?? 0)).toBe(left);
  expect(stat(left)).toMatchObject({ comm: "sleep", ppid: space.init });
  await space.dispose();
  expect(isAlive(left)).toBe(false);
});

test("a program that is killed is not taken for one that ended well", async () => {
  const space = await launch(["-e", waiting], { program: node });
  space.signal("KILL");
  expect(await space.exit()).not.toEqual({ code: 0 });
});

test("a real pipe as stdout is one that the program may open by name", async () => {
  const pipe = await realPipe();
  const script = "require('fs').writeFileSync('/dev/stdout', 'by name\\n'); setInterval(() => {}, 1e6)";
  const space = await launch(["-e", script], { program: node, stdout: pipe.write });
  closeSync(pipe.write);
  await eventually("the line is in the pipe", () => drain(pipe.read).toString() === "by name\n");
  expect(fds(space.pid).get(1)).toMatch(/upkeep-test-.*\/pipe$/);
  closeSync(pipe.read);
});

test.each([
  ["only sleeps", "exec sleep 1000", true],
  ["has something to do at first", "for i in 1 2 3 4 5 6 7 8; do sleep 0.05; done; exec sleep 1000", true],
  ["looks again and again", "while :; do sleep 0.05; done", false],
  ["spins", "while :; do :; done", false],
])("a process that %s: %s, comes to rest: %s", async (_what, script, isAtRest) => {
  const { pid = 0 } = spawn("nice", ["sh", "-c", script], { stdio: "ignore" });
  onTestFinished(() => void (isAlive(pid) && send(pid, "SIGKILL")));
  // What rests may have to wait for its turn first.
  const rests = comesToRest(pid, 300, isAtRest ? 30_000 : 3000).then(() => waits(pid));
  if (isAtRest) expect(await rests).toBe(true);
  else await expect(rests).rejects.toThrow(/comes to rest/);
});

test("a service directory appears whole, with modes as its files need them", () => {
  const services = scanDir({ web: { run: "#!/bin/sh\n", "service.ini": "", "log/run": "#!/bin/sh\n", down: "" } });
  services.write("odd", { run: { text: "#!/bin/sh\n", mode: 0o644 } });
  expect(existsSync(services.at("web", "log", "run"))).toBe(true);
  services.remove("web");
  expect(existsSync(services.at("web"))).toBe(false);
  expect(temporaryDirectory()).not.toBe(temporaryDirectory());
});

/** Keeps this process from running. */
const stall = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);

test("while this process cannot run no time passes that anything is given, and what it takes is known both ways", async () => {
  let looks = 0;
  const look = () => {
    stall();
    return ++looks === 12;
  };
  const { took, active } = await timed(() => eventually("it is looked at twelve times", look, 900));
  expect(took).toBeGreaterThan(1100);
  expect(active).toBeLessThan(900);
  looks = 0;
  await throughout("it is looked at ever again", () => !look() || looks > 0, 60);
  expect(looks).toBeGreaterThan(1);
});

test("a condition that never comes true is named in the error, with its last word", async () => {
  const late = eventually("the sky falls", () => expect(1).toBe(2), 30);
  await expect(late).rejects.toThrow(/not within 30 ms: the sky falls; at last: expected 1 to be 2/);
});
