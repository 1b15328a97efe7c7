// The image this program is made for: sshd, cron, nginx and an app, under `upkeep DIR` as PID 1.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { cron, nginx, type Sshd, sshd } from "../helpers/daemons.ts";
import { eventually } from "../helpers/eventually.ts";
import { find, need } from "../helpers/need.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { argv, isAlive, send, stat, status } from "../helpers/proc.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";

const daemons = ["root", "sshd", "ssh", "cron", "nginx"] as const;
const canRun = daemons.every((each) => (each === "root" ? process.getuid?.() === 0 : find(each) !== null));

/** Takes its time to stop, and writes down when it was asked and when it ended. */
function noted(name: string, events: string, ini: string): ServiceFiles {
  return {
    run: `#!/bin/sh
trap 'echo "${name} asked" >>${events}; sleep 0.2; echo "${name} ended" >>${events}; exit 0' TERM
echo "${name} runs"
while :; do sleep 1000 & wait $!; done
`,
    "service.ini": `settle = 100ms\n${ini}`,
  };
}

describe("sshd, cron, nginx and an app in one container", () => {
  const events = join(temporaryDirectory(), "events");
  const fired = join(temporaryDirectory(), "fired");
  let space: Namespace;
  let ssh: Sshd;
  let url: string;
  let pids: ReadonlyMap<string, number>;

  beforeAll(async () => {
    if (!canRun) return;
    ssh = await sshd(true);
    const web = await nginx();
    const jobs = cron(`id -un >>${fired}`);
    url = web.url;
    const services = scanDir({
      sshd: ssh.files,
      cron: jobs.files,
      nginx: web.files,
      db: noted("db", events, ""),
      app: noted("app", events, "requires = db\n"),
    });
    space = await launch([services.path], { setup: jobs.setup });
    pids = await allUp(space, "sshd", "cron", "nginx", "db", "app");
  });

  test("all of them come up in the foreground, each in a session of its own", (context) => {
    need(context, ...daemons);
    for (const [name, pid] of pids) {
      expect({ name, session: stat(pid)?.session, ppid: stat(pid)?.ppid }).toEqual({
        name,
        session: pid,
        ppid: space.pid,
      });
    }
    expect(argv(pids.get("sshd") ?? 0)[0]).toContain("sshd");
  });

  test("a login over ssh runs a command", async (context) => {
    need(context, ...daemons);
    const { stdout, code } = await ssh.login("echo hello from $$; exit 4").result;
    expect(stdout).toMatch(/^hello from \d+$/);
    expect(code).toBe(4);
  });

  test("a login over ssh lives on through a restart of sshd", async (context) => {
    need(context, ...daemons);
    const login = ssh.login("echo in; read -r word; echo got $word");
    await eventually("the login is in", () => login.heard().includes("in"));
    expect((await space.upkeep("restart", "sshd")).code).toBe(0);
    expect((await statusOf(space, "sshd")).pid).not.toBe(pids.get("sshd"));
    login.say("word\n");
    expect((await login.result).stdout).toBe("in\ngot word");
    expect((await ssh.login("echo again").result).stdout).toBe("again");
  });

  test("nginx opens its logs by name, its worker as another user too", async (context) => {
    need(context, ...daemons);
    const ask = async (path: string) => (await fetch(`${url}/${path}`)).text();
    expect(await ask("first")).toBe("nginx is here\n");
    await eventually("the request is in the log", () => space.output().includes("GET /first"));
    // On USR1 the worker, by now www-data, opens both files anew.
    expect((await space.upkeep("signal", "USR1", "nginx")).code).toBe(0);
    await eventually("a request after it is in the log", async () => {
      await ask("second");
      return space.output().includes("GET /second");
    });
    const worker = space.processes().find((pid) => stat(pid)?.ppid === pids.get("nginx"));
    expect(status(worker ?? 0, "Uid")).not.toMatch(/^0\b/);
    expect(space.output()).not.toMatch(/\/dev\/std(out|err)" failed/);
  });

  test("an app that is killed is started again", async (context) => {
    need(context, ...daemons);
    const before = pids.get("app") ?? 0;
    send(before, "SIGKILL");
    const after = await eventually("there is another app", async () => {
      const { pid, state, restarts } = await statusOf(space, "app");
      return state === "up" && restarts === 1 ? space.outer(pid ?? 0) : null;
    });
    expect(after).not.toBe(before);
    expect(isAlive(before)).toBe(false);
    expect(isAlive(pids.get("db") ?? 0)).toBe(true);
  });

  test("a cron job fires", { timeout: 90_000 }, async (context) => {
    need(context, ...daemons);
    await eventually("cron has run the job", () => existsSync(fired), 70_000);
    await eventually("the job has run as root", () => readFileSync(fired, "utf8").startsWith("root\n"));
  });

  test("no zombie is left of jobs and logins", async (context) => {
    need(context, ...daemons);
    await eventually(
      "every orphan is reaped",
      () => !space.processes().some((pid) => stat(pid)?.ppid === space.pid && stat(pid)?.state === "Z"),
    );
  });

  test("TERM stops the app before what it requires, and ends with 0", async (context) => {
    need(context, ...daemons);
    expect(existsSync(events)).toBe(false);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    expect(readFileSync(events, "utf8").trim().split("\n")).toEqual(["app asked", "app ended", "db asked", "db ended"]);
  });
});

describe.each([{ pam: true }, { pam: false }])("sshd with UsePAM $pam under a shutdown", ({ pam }) => {
  test("an open login, in a session of its own, ends with the container", async (context) => {
    need(context, "root", "sshd", "ssh", "nginx");
    const ssh = await sshd(pam);
    const web = await nginx();
    const services = scanDir({ sshd: ssh.files, nginx: web.files });
    // As a child of another PID 1, so that what it leaves behind can be seen.
    const space = await launch([services.path], { asChild: true });
    await allUp(space, "sshd", "nginx");
    const login = ssh.login("setsid sleep 1234 & exec sleep 1235");
    await eventually("the login is in", () =>
      ["1234", "1235"].every((word) => space.processes().some((pid) => argv(pid)[1] === word)),
    );
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    expect(space.processes().map(argv)).toEqual([]);
    expect((await login.result).code).not.toBe(0);
  });
});
