// The places that upkeep has to work in: read-only, without rights, not PID 1, without /proc, on a terminal.
import { existsSync, lstatSync, mkdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, onTestFinished, test } from "vitest";
import { monotonic } from "../../src/base/clock.ts";
import { eventually } from "../helpers/eventually.ts";
import { need } from "../helpers/need.ts";
import { launch, type Namespace, upkeep } from "../helpers/pid-namespace.ts";
import { argv, children, fds, innerPid, isAlive, send, stat } from "../helpers/proc.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statuses } from "../helpers/status.ts";

const web: ServiceFiles = { run: "#!/bin/sh\nexec sleep 100000\n" };

/** Kills the service, sees it up again under another pid, and stops all of it. */
async function livesAndStops(space: Namespace, name: string): Promise<void> {
  const before = (await allUp(space, name)).get(name) ?? 0;
  send(before, "SIGKILL");
  await eventually(`${name} is up again`, async () => (await allUp(space, name)).get(name) !== before);
  space.signal("TERM");
  expect(await space.exit()).toEqual({ code: 0 });
}

describe("a read-only root file system", () => {
  test("with the service directories in it is no hindrance", async (context) => {
    need(context, "root");
    const space = await launch([scanDir({ web }).path], { setup: "mount -o remount,ro,bind /" });
    expect((await space.inside(["touch", "/etc/upkeep-was-here"])).code).not.toBe(0);
    await livesAndStops(space, "web");
  });

  test("without any place for the socket costs the control alone, and is told in one sentence", async (context) => {
    need(context, "root");
    const setup =
      "mount -t tmpfs tmpfs /dev/shm\nmount -o remount,ro /dev/shm\nmount -o remount,ro,bind /\nmount -o remount,ro /run";
    const space = await launch([scanDir({ web }).path], { setup });
    const told = await eventually("it is told", () => space.stderr().match(/no control socket: [^"]*/)?.[0]);
    expect(told).toMatch(/\/run\/upkeep: .*read-only.*\/tmp\/upkeep-0.*read-only.*set UPKEEP_RUNTIME_DIR/);
    const service = () => children(space.pid).find((pid) => argv(pid)[0] === "sleep");
    const first = await eventually("the service runs", service);
    send(first, "SIGKILL");
    await eventually("it runs again", () => (service() ?? first) !== first);
    expect(await space.upkeep("status")).toMatchObject({
      code: 7,
      stderr: expect.stringContaining("/run/upkeep/control"),
    });
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
  });
});

/** A uid of no account and of nobody else, whose places in /tmp are cleared away afterwards. */
function freshUid(): number {
  const uid = 60_000_000 + process.pid;
  const clear = () => rmSync(`/tmp/upkeep-${uid}`, { recursive: true, force: true });
  clear();
  onTestFinished(clear);
  return uid;
}

/** The setup that starts the program as this uid, without any right or group. */
const as = (uid: number): string =>
  `mount -t tmpfs -o mode=1777 tmpfs /dev/shm
exec setpriv --reuid ${uid} --regid ${uid} --clear-groups --no-new-privs "$@" 3>&- 4<&-`;

describe("a uid without an account", () => {
  test("runs its services, has its socket in /tmp, and answers itself and root", async (context) => {
    need(context, "root");
    const uid = freshUid();
    const space = await launch([scanDir({ web }).path], { setup: as(uid) });
    await allUp(space, "web");
    expect(statSync(`/tmp/upkeep-${uid}`)).toMatchObject({ uid, mode: 0o40700 });
    const own = await space.inside([
      "setpriv",
      "--reuid",
      String(uid),
      "--clear-groups",
      upkeep,
      "status",
      "-o",
      "name",
    ]);
    expect(own).toMatchObject({ code: 0, stdout: "web" });
    const other = await space.inside(["setpriv", "--reuid", String(uid + 1), "--clear-groups", upkeep, "status"]);
    expect(other).toMatchObject({ code: 5, stderr: expect.stringContaining("not permitted") });
    await livesAndStops(space, "web");
  });

  test("refuses a service of another user with a sentence, and that one alone", async (context) => {
    need(context, "root");
    const other: ServiceFiles = { ...web, "service.ini": "# for the worker\nuser = nobody\n" };
    const space = await launch([scanDir({ web, other }).path], { setup: as(freshUid()) });
    await allUp(space, "web");
    const [refused] = await statuses(space, "other");
    expect(refused).toMatchObject({ state: "incomplete", pid: null });
    expect(refused?.why).toMatch(
      /cannot run as nobody: upkeep itself runs as uid \d+; run upkeep as root, or leave the key out/,
    );
    expect(space.stderr()).toMatch(/other\/service\.ini:2: cannot run as nobody/);
  });

  const squats: readonly (readonly [string, (path: string) => void])[] = [
    ["a directory of another user", (path) => void mkdirSync(path, 0o755)],
    ["a link", (path) => symlinkSync(temporaryDirectory(), path)],
  ];
  test.for(squats)("does not use %s that waits in /tmp, but the next place", async ([, squat], context) => {
    need(context, "root");
    const uid = freshUid();
    const path = `/tmp/upkeep-${uid}`;
    squat(path);
    const before = lstatSync(path);
    const space = await launch([scanDir({ web }).path], { setup: as(uid) });
    await allUp(space, "web");
    expect((await space.inside(["ls", `/dev/shm/upkeep-${uid}`])).stdout.split("\n")).toContain("control");
    expect(existsSync(join(path, "control"))).toBe(false);
    expect(lstatSync(path).mtimeMs).toBe(before.mtimeMs);
  });
});

test("a program that is not PID 1 adopts its own orphans, ends them, and leaves what is not its own alone", async (context) => {
  need(context, "perl");
  const daemon = "use POSIX; exit 0 if fork; POSIX::setsid(); exit 0 if fork; $0 = 'adopted'; sleep 100000";
  const forking: ServiceFiles = { run: `#!/bin/sh\nperl -e "${daemon.replaceAll("$", "\\$")}"\nexec sleep 100000\n` };
  const space = await launch([scanDir({ forking }).path], { asChild: true, setup: "sleep 54321 &" });
  expect(innerPid(space.pid)).not.toBe(1);
  await allUp(space, "forking");
  const adopted = await eventually("the orphan is adopted", () =>
    children(space.pid).find((pid) => argv(pid)[0]?.startsWith("adopted")),
  );
  expect(stat(adopted)?.ppid).toBe(space.pid);
  const stranger = space.processes().find((pid) => argv(pid)[1] === "54321") ?? 0;
  space.signal("TERM");
  expect(await space.exit()).toEqual({ code: 0 });
  await eventually("only the stranger is left", () => space.processes().filter(isAlive).join() === String(stranger));
});

describe("without a /proc of our own", () => {
  test.each([
    ["none at all", "mount -t tmpfs tmpfs /proc"],
    ["that of another PID namespace", "umount /proc"],
  ])("(%s) services run, answer and stop, no stranger is counted, and it is told", async (_what, setup) => {
    const space = await launch([scanDir({ web }).path], { setup });
    await livesAndStops(space, "web");
    expect(space.stderr()).toMatch(/no \/proc of our PID namespace is mounted: .*; mount one/);
    expect(space.stderr()).not.toMatch(/of no service|outlived/);
  });

  test("one that has by our own pid another child of its first process is not taken for ours", async () => {
    const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
    const others = "for each in $(seq 60); do sleep 1000 & done";
    const inner = `${others}; mount -t tmpfs tmpfs /run; exec unshare --pid --fork ${upkeep} ${scanDir({ web }).path}`;
    const child = execa("unshare", [...user, "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", inner], {
      reject: false,
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let shown = "";
    child.stderr.on("data", (data: Buffer) => {
      shown += data.toString();
    });
    await eventually("it runs", () => shown.includes("web started"));
    expect(shown).toContain("no /proc of our PID namespace is mounted");
  });
});

test("with closed standard descriptors nothing of upkeep takes their place", async () => {
  const inherit: ServiceFiles = { ...web, "service.ini": "log = inherit\n" };
  const space = await launch([scanDir({ web, inherit }).path], { setup: `exec "$@" 0<&- 1>&- 2>&- 3>&- 4<&-` });
  const pids = await allUp(space, "web", "inherit");
  for (const fd of [0, 1, 2]) {
    expect(fds(space.pid).get(fd)).toBe("/dev/null");
    expect(fds(pids.get("inherit") ?? 0).get(fd)).toBe("/dev/null");
  }
  await livesAndStops(space, "web");
});

describe("on a terminal", () => {
  const slow: ServiceFiles = {
    run: "#!/bin/sh\ntrap 'sleep 0.7; echo bye; exit 0' TERM\necho hello\nwhile :; do sleep 0.05; done\n",
  };

  /** upkeep in a session of its own on a pseudo-terminal, in its own namespaces. */
  function onTerminal(dir: string, env: Readonly<Record<string, string>> = {}) {
    const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
    const inner = `mount -t tmpfs -o mode=755 tmpfs /run && exec script -qefc 'exec ${upkeep} ${dir}' /dev/null`;
    const child = execa(
      "setpriv",
      ["--pdeathsig", "KILL", "unshare", ...user, "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", inner],
      {
        reject: false,
        extendEnv: false,
        env: { PATH: `${process.env["PATH"]}`, HOME: "/root", TERM: "xterm", SHELL: "/bin/sh", ...env },
        timeout: 30_000,
      },
    );
    let shown = "";
    child.stdout.on("data", (data: Buffer) => {
      shown += data.toString();
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return { shown: () => shown, type: (text: string) => void child.stdin.write(text), ended: child };
  }

  test("Ctrl-C twice in a moment, as npm passes it on, stops in order once and reports it", async (context) => {
    need(context, "script");
    const twice = async () => {
      const terminal = onTerminal(scanDir({ slow, web }).path);
      const signs = [/slow started/, /hello/, /web started/];
      await eventually("both run", () => signs.every((sign) => sign.test(terminal.shown())));
      const since = monotonic.now();
      terminal.type("\x03");
      await eventually("it stops", () => terminal.shown().includes("stopping everything: received SIGINT"));
      terminal.type("\x03");
      // Half a second later it is a second one, and it has its way to go; then the machine was too slow to try this.
      return monotonic.now() - since < 250 && terminal;
    };
    const terminal = await eventually("it was typed twice in a moment", twice, 20_000);
    const { exitCode } = await terminal.ended;
    expect(exitCode).toBe(0);
    expect(terminal.shown()).toContain("bye");
    expect(terminal.shown()).not.toContain("killing");
    expect(terminal.shown().match(/stopped 2 services in /g)).toHaveLength(1);
    expect(terminal.shown().match(/stop report: .*: web/g)).toHaveLength(1);
  });

  const color = "\x1b[";
  test.each([
    ["on a terminal", {}, true],
    ["on a terminal with NO_COLOR", { NO_COLOR: "1" }, false],
    ["on a terminal that is dumb", { TERM: "dumb" }, false],
  ])("there are colours: %s with %j: %s", async (_what, env, wanted) => {
    const terminal = onTerminal(scanDir({ slow }).path, env);
    await eventually(
      "it is shown",
      () => /slow .*hello/.test(terminal.shown()) && /slow started/.test(terminal.shown()),
    );
    expect(terminal.shown().includes(color)).toBe(wanted);
    expect(terminal.shown()).not.toContain('{"level"');
    terminal.type("\x03");
    await terminal.ended;
  });

  test("there are none in a file or a pipe, where our own lines are JSON and the services' have their names", async () => {
    const space = await launch([scanDir({ slow }).path]);
    await eventually(
      "it is shown",
      () => space.stdout() === "[slow] hello\n" && space.stderr().includes("slow started"),
    );
    expect(space.output()).not.toContain(color);
    for (const line of space.stderr().trim().split("\n"))
      expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String) });
  });
});
