// Nothing of a service survives its stop, however far it has gone; and nobody else is taken for it.
import { chmodSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { need } from "../helpers/need.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { argv, children, environ, isAlive, send, stat, status } from "../helpers/proc.ts";
import { lines, sleeper } from "../helpers/scripts.ts";
import { scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";

let escapee: string;
beforeAll(async () => {
  const directory = temporaryDirectory();
  escapee = join(directory, "escape");
  await execa("cc", ["-O1", "-pthread", "-o", escapee, join(import.meta.dirname, "../fixtures/escape.c")]);
  chmodSync(escapee, 0o755);
});

/** Leaves a process of this kind behind and stays itself; the pids of earlier ones that it meets go to `file`. */
const leaving = (how: string, file = "/dev/null"): string => `#!/bin/sh
echo "met $(grep -lx stranger /proc/[0-9]*/comm 2>/dev/null | wc -l)" >>${file}
${escapee} ${how}
exec sleep 1000
`;

const strangers = (space: Namespace): number[] =>
  space.processes().filter((pid) => stat(pid)?.comm === "stranger" && isAlive(pid));
const oneStranger = (space: Namespace) => eventually("a stranger is there", () => strangers(space)[0]);

test("an escaped process dies at the stop, whatever it calls itself and whoever it has become", async (context) => {
  need(context, "root");
  const space = await launch([scanDir({ web: { run: leaving("plain") } }).path]);
  const pid = await oneStranger(space);
  // It has gone as far as the test says.
  const main = (await allUp(space, "web")).get("web");
  expect(stat(pid)?.session).not.toBe(main);
  expect([...environ(pid)]).toEqual([]);
  expect(argv(pid).join("")).toMatch(/^x+$/);
  expect(status(pid, "Uid")).toMatch(/^65534\b/);
  expect((await space.upkeep("stop", "web")).code).toBe(0);
  expect(strangers(space)).toEqual([]);
});

test("an escaped process is gone before a crashed service is started again", async () => {
  const met = join(temporaryDirectory(), "met");
  const space = await launch([scanDir({ web: { run: leaving("plain", met), "service.ini": "settle = 10ms" } }).path]);
  const first = await oneStranger(space);
  send((await allUp(space, "web")).get("web"), "SIGKILL");
  expect(await lines(met, 2)).toEqual(["met 0", "met 0"]);
  expect(isAlive(first)).toBe(false);
});

test("an escaped process whose first thread has ended is none that has", async () => {
  const space = await launch([scanDir({ web: { run: leaving("headless"), "service.ini": "settle = 10ms" } }).path]);
  const isHeadless = (pid: number) => stat(pid)?.state === "Z" && readdirSync(`/proc/${pid}/task`).length > 1;
  const headless = () => space.processes().find(isHeadless);
  await eventually("its first thread has ended", headless);
  await allUp(space, "web");
  expect((await space.upkeep("stop", "web")).code).toBe(0);
  expect(headless()).toBe(undefined);
});

test("an escaped process that ignores TERM is killed once stop-grace is over", async () => {
  const services = scanDir({ web: { run: leaving("deaf"), "service.ini": "stop-grace = 300ms\nsettle = 10ms" } });
  const space = await launch([services.path]);
  await oneStranger(space);
  await allUp(space, "web");
  expect((await space.upkeep("stop", "web")).code).toBe(0);
  expect(strangers(space)).toEqual([]);
});

test.each(["heir", "line"])("what is born while leftovers are being ended is ended too: %s", async (how) => {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o1777);
  const services = scanDir({
    web: { run: leaving(how), "service.ini": `stop-grace = 3s\nsettle = 10ms\ndir = ${directory}` },
  });
  const space = await launch([services.path]);
  await oneStranger(space);
  await allUp(space, "web");
  expect((await space.upkeep("stop", "web")).code).toBe(0);
  expect(existsSync(join(directory, "heir"))).toBe(true);
  expect(space.processes().filter((pid) => isAlive(pid) && argv(pid).join("").startsWith("x"))).toEqual([]);
});

test("a process in the background is gone at each of many restarts, however soon they come", async () => {
  const run = "#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 82000 & wait $!; done\n";
  const space = await launch([scanDir({ web: { run, "service.ini": "settle = 10ms" } }).path]);
  await allUp(space, "web");
  for (let i = 0; i < 8; i++) {
    expect((await space.upkeep("restart", "web")).code).toBe(0);
    await eventually("one is there, and no more", () => {
      const sleeping = space.processes().filter((pid) => isAlive(pid) && argv(pid)[1] === "82000");
      return sleeping.length === 1;
    });
  }
});

describe("with stop-scope = process", () => {
  test("an escaped process lives through stop, crash and restart, and not through the shutdown", async () => {
    const ini = "stop-scope = process\nsettle = 10ms\n";
    const services = scanDir({ web: { run: leaving("plain"), "service.ini": ini } });
    // As a child of another PID 1, so that what it leaves behind could be seen.
    const space = await launch([services.path], { asChild: true });
    const first = await oneStranger(space);
    await allUp(space, "web");
    expect((await space.upkeep("restart", "web")).code).toBe(0);
    await eventually("there are two", () => strangers(space).length === 2);
    send((await allUp(space, "web")).get("web"), "SIGKILL");
    await eventually("there are three", () => strangers(space).length === 3);
    expect((await space.upkeep("stop", "web")).code).toBe(0);
    expect(strangers(space)).toContain(first);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    await eventually("nobody is left", () => !space.processes().some(isAlive));
  });
});

test("a stop-scope of group reaches every process of the group at once", async () => {
  const [file, hears] = [join(temporaryDirectory(), "heard"), join(temporaryDirectory(), "hears")];
  const worker = `sh -c 'trap "echo worker >>${file}; exit" TERM; echo >>${hears}; while :; do sleep 1000 & wait $!; done' &`;
  const run = `#!/bin/sh\n${worker}\ntrap 'wait %1; echo main >>${file}; exit' TERM\necho >>${hears}\nwhile :; do sleep 1000 & wait $!; done\n`;
  const space = await launch([scanDir({ web: { run, "service.ini": "stop-scope = group" } }).path]);
  await allUp(space, "web");
  await lines(hears, 2);
  expect((await space.upkeep("stop", "web")).code).toBe(0);
  expect(await lines(file, 2)).toEqual(["worker", "main"]);
});

test("20,000 orphans are reaped, and no end of a service is lost among them", { timeout: 90_000 }, async () => {
  const ends = join(temporaryDirectory(), "ends");
  const services = scanDir({
    fork: { run: `#!/bin/sh\nexec ${escapee} orphans 20000\n`, "service.ini": "restart = never" },
    busy: {
      run: "#!/bin/sh\nsleep 0.02\nexit 1\n",
      finish: `#!/bin/sh\necho "$1 $2" >>${ends}\n`,
      "service.ini": "stable = 0\nrestart-delay = 10ms\nrestart-delay-max = 10ms",
    },
  });
  const space = await launch([services.path]);
  const { lastExit } = await eventually(
    "all are forked",
    async () => {
      const found = await statusOf(space, "fork");
      return found.state === "done" && found;
    },
    60_000,
  );
  expect(lastExit).toEqual({ code: 0 });
  await eventually("all are reaped", () => children(space.pid).every((pid) => stat(pid)?.state !== "Z"), 20_000);
  const before = (await lines(ends, 1)).length;
  expect(new Set(await lines(ends, before + 3))).toEqual(new Set(["1 0"]));
  expect((await statusOf(space, "busy")).restarts).toBeGreaterThanOrEqual(before);
});

test("a stranger that gets the pid of a dead main process outlives the service's stop", async (context) => {
  need(context, "root");
  const services = scanDir({
    web: { run: sleeper, "service.ini": "settle = 10ms\nrestart-delay = 1h\nrestart-delay-max = 1h" },
  });
  const space = await launch([services.path]);
  await allUp(space, "web");
  // Two ends, so that it waits for its next start.
  const kill = async () => {
    const { pid } = await statusOf(space, "web");
    send(space.outer(pid ?? 0), "SIGKILL");
    await eventually("it has ended", async () => (await statusOf(space, "web")).pid !== pid);
    return pid ?? 0;
  };
  await kill();
  await allUp(space, "web");
  const dead = await kill();
  const take = `echo ${dead - 1} >/proc/sys/kernel/ns_last_pid; setsid sleep 4321 >/dev/null 2>&1 &`;
  const stranger = await eventually("a stranger has the pid", async () => {
    await space.inside(["sh", "-c", take]);
    const pid = space.outer(dead);
    return pid !== null && argv(pid)[1] === "4321" && stat(pid)?.session === pid ? pid : null;
  });
  expect((await space.upkeep("stop", "web")).code).toBe(0);
  expect((await space.upkeep("restart", "web")).code).toBe(0);
  expect((await space.upkeep("stop", "web")).code).toBe(0);
  expect(isAlive(stranger)).toBe(true);
});
