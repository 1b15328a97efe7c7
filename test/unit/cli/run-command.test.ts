import { describe, expect, test } from "vitest";
import { runCommand } from "../../../src/cli/run-command.ts";
import type { Client } from "../../../src/control/exec.ts";
import type { ServiceStatus } from "../../../src/service/status.ts";
import {
  capture,
  type FakeSupervisor,
  fakeSupervisor,
  handClock,
  someClient,
  statusOf,
  turn,
} from "../../helpers/fake-supervisor.ts";

const downOf = (name: string, over: Partial<ServiceStatus> = {}) =>
  statusOf(name, { state: "down", want: "down", pid: null, ...over });

function run(supervisor: FakeSupervisor, line: string, over: Partial<Client> = {}) {
  const io = capture();
  const clock = handClock();
  const argv = line.split(" ").filter((word) => word !== "");
  const code = runCommand(argv, { ...someClient, ...over }, supervisor, io, clock);
  return { io, clock, code };
}

async function ran(supervisor: FakeSupervisor, line: string, over: Partial<Client> = {}) {
  const { io, code } = run(supervisor, line, over);
  return { code: await code, out: io.stdout(), err: io.stderr() };
}

describe("start", () => {
  test("ends with 0 once the service is ready", async () => {
    const fake = fakeSupervisor(downOf("web"));
    const { io, clock, code } = run(fake, "start web");
    await turn();
    fake.change("web", { state: "starting", want: "up", pid: 7, ready: false });
    clock.pass(300);
    fake.change("web", { state: "up", ready: true });
    expect(await code).toBe(0);
    expect(fake.orders).toEqual(["start web"]);
    expect(io.stdout()).toBe("web: up, pid 7, after 0.3s\n");
    expect(fake.watchers()).toBe(0);
    expect(clock.alarms()).toBe(0);
  });

  test("of what is up already ends at once", async () => {
    expect(await ran(fakeSupervisor(statusOf("web")), "start web")).toEqual({
      code: 0,
      out: "web: already up, pid 100\n",
      err: "",
    });
  });

  test("ends with 1 and the reason when it crashes before it is ready", async () => {
    const fake = fakeSupervisor(downOf("web"));
    const { io, code } = run(fake, "up web");
    await turn();
    fake.change("web", { state: "backoff", pid: null, lastExit: { code: 3 }, retryIn: 0.4, want: "up" }, "ended");
    expect(await code).toBe(1);
    expect(io.stderr()).toContain("cannot start: it left with exit 3; next try in 0.4s");
  });

  test("ends with 1 when it cannot be run at all", async () => {
    const fake = fakeSupervisor(downOf("web"));
    const { io, code } = run(fake, "start web");
    await turn();
    fake.change("web", { state: "down", want: "up", why: "run is not executable" }, "unstartable");
    expect(await code).toBe(1);
    expect(io.stderr()).toContain("run is not executable");
  });

  test("of a service that was given up before is not failed by its old state", async () => {
    const fake = fakeSupervisor(downOf("web", { state: "failed", want: "up" }));
    const { code } = run(fake, "start web");
    await turn();
    fake.change("web", { state: "up", ready: true, pid: 9 });
    expect(await code).toBe(0);
  });

  test("of a oneshot ends with 0 once it is done, whatever the order of its reports", async () => {
    const fake = fakeSupervisor(downOf("job", { type: "oneshot" }));
    const { io, code } = run(fake, "start job");
    await turn();
    fake.change("job", { state: "finishing", want: "up", lastExit: { code: 0 } }, "ended");
    fake.change("job", { state: "done" });
    expect(await code).toBe(0);
    expect(io.stdout()).toContain("job: done");
  });

  test("ends with 2 and why it is not there yet when the time is over", async () => {
    const fake = fakeSupervisor(downOf("web"));
    const { io, clock, code } = run(fake, "start -w 2 web");
    await turn();
    fake.change("web", { state: "waiting", want: "up", why: "waits for db, which is starting" });
    clock.pass(2_000);
    expect(await code).toBe(2);
    expect(io.stderr()).toBe("web: not up after 2s: waits for db, which is starting\n");
  });

  test("waits 7 s where nothing else is said", async () => {
    const fake = fakeSupervisor(downOf("web"));
    const { clock, code } = run(fake, "start web");
    await turn();
    clock.pass(6_999);
    expect(fake.watchers()).toBe(1);
    clock.pass(1);
    expect(await code).toBe(2);
  });

  test.each(["--no-wait", "--wait 0", "-w0", "--wait=0"])("does not wait with %s", async (option) => {
    const result = await ran(fakeSupervisor(downOf("web")), `start web ${option}`);
    expect(result).toEqual({ code: 0, out: "web: told to start\n", err: "" });
  });

  test("that is refused ends with 1 and the supervisor's sentence", async () => {
    const fake = fakeSupervisor(downOf("web"));
    fake.refusal = "everything is being stopped";
    const result = await ran(fake, "start web");
    expect(result.code).toBe(1);
    expect(result.err).toBe("web: cannot start: everything is being stopped\n");
  });

  test("stops waiting and watching when the client goes away", async () => {
    const fake = fakeSupervisor(downOf("web"));
    const { io, clock, code } = run(fake, "start web");
    await turn();
    io.leave();
    await code;
    expect(fake.watchers()).toBe(0);
    expect(clock.alarms()).toBe(0);
    expect(io.stdout() + io.stderr()).toBe("");
  });

  test("of several tells the worst code, and each outcome", async () => {
    const fake = fakeSupervisor(downOf("db"), downOf("web"), statusOf("zoo"));
    const { io, clock, code } = run(fake, "start all");
    await turn();
    fake.change("web", { state: "failed", want: "up", lastExit: { signal: 9 } }, "gave-up");
    clock.pass(7_000);
    expect(await code).toBe(1);
    expect(io.stdout()).toContain("zoo: already up");
    expect(io.stderr()).toContain("web: cannot start: it was killed by SIGKILL; it was given up");
    expect(io.stderr()).toContain("db: not up after 7s");
  });

  test("once of one that fails says that it was to run once, not that it was given up", async () => {
    const fake = fakeSupervisor(downOf("web"));
    const { io, code } = run(fake, "once web");
    await turn();
    fake.change("web", { state: "failed", want: "once", lastExit: { signal: 9 } }, "ended");
    expect(await code).toBe(1);
    expect(io.stderr()).toBe(
      "web: cannot start: it was killed by SIGKILL; it was to run once, and failed; see upkeep logs web\n",
    );
  });

  test("of 1,000 services ends when the last is up", async () => {
    const names = Array.from({ length: 1_000 }, (_, at) => `s${at}`);
    const fake = fakeSupervisor(...names.map((name) => downOf(name)));
    fake.onOrder = (name) => setImmediate(() => fake.change(name, { state: "up", ready: true, pid: 5, want: "up" }));
    expect((await ran(fake, "start s*")).code).toBe(0);
    expect(fake.orders).toHaveLength(1_000);
  });
});

describe("stop, restart and the others", () => {
  test("stop ends once nothing of it runs", async () => {
    const fake = fakeSupervisor(statusOf("web"));
    const { io, code } = run(fake, "stop web");
    await turn();
    fake.change("web", { state: "stopping", want: "down" });
    fake.change("web", { state: "down", pid: null });
    expect(await code).toBe(0);
    expect(io.stdout()).toBe("web: down\n");
  });

  test("restart waits for another process than the old one", async () => {
    const fake = fakeSupervisor(statusOf("web", { pid: 10 }));
    const { io, code } = run(fake, "restart web");
    await turn();
    fake.change("web", { state: "stopping" });
    fake.change("web", { state: "starting", pid: 11, ready: false });
    expect(fake.watchers()).toBe(1);
    fake.change("web", { state: "up", ready: true });
    expect(await code).toBe(0);
    expect(io.stdout()).toContain("web: up, pid 11");
  });

  test("a service that is removed while it is stopped is stopped; one that is being started has failed", async () => {
    for (const [verb, code] of [
      ["stop", 0],
      ["start", 1],
    ] as const) {
      const fake = fakeSupervisor(verb === "stop" ? statusOf("web") : downOf("web"));
      const going = run(fake, `${verb} web`);
      await turn();
      fake.change("web", null, "removed");
      expect(await going.code).toBe(code);
    }
  });

  test.each(["signal HUP web", "kill -HUP web", "kill -1 web", "kill -s HUP web", "signal --signal=sighup web"])(
    "%s sends signal 1",
    async (line) => {
      const fake = fakeSupervisor(statusOf("web"));
      expect((await ran(fake, line)).code).toBe(0);
      expect(fake.orders).toEqual(["signal 1 web"]);
    },
  );

  test.each(["signal HUP web", "reload web", "pause web", "cont web"])(
    "%s of what is down ends with 3",
    async (line) => {
      const fake = fakeSupervisor(downOf("web"));
      expect((await ran(fake, line)).code).toBe(3);
      expect(fake.orders).toEqual([]);
    },
  );

  test.each(["", " --no-wait"])(
    "an order that is answered late is not judged before that, nor lost%s",
    async (option) => {
      for (const [refusal, expected] of [
        [null, 0],
        ["its directory does not answer", 1],
      ] as const) {
        const fake = fakeSupervisor(downOf("web"));
        Object.assign(fake, { late: [], refusal });
        fake.onOrder = (name) => fake.change(name, { state: "up", want: "up", ready: true, pid: 7 });
        const { code } = run(fake, `start${option} web`);
        await turn();
        fake.change("web", { state: "backoff" }, "ended");
        await turn();
        for (const give of fake.late ?? []) give();
        expect(await code).toBe(expected);
      }
    },
  );
  test("a signal reaches what was started a moment ago, before its pid is known", async () => {
    for (const [line, order] of [
      ["signal KILL web", "signal 9 web"],
      ["reload web", "reload web"],
      ["pause -w 0 web", "pause web"],
    ] as const) {
      const fake = fakeSupervisor(statusOf("web", { state: "starting", pid: null }));
      expect(await ran(fake, line)).toMatchObject({ code: 0, err: "" });
      expect(fake.orders).toEqual([order]);
    }
    const fake = fakeSupervisor(statusOf("web", { state: "starting", pid: null }));
    fake.refusal = "its control/u runs";
    expect(await ran(fake, "signal KILL web")).toEqual({ code: 3, out: "", err: "web: its control/u runs\n" });
  });

  test("what was paused before its pid was known, and so before its program began, can be let go on", async () => {
    for (const [line, order] of [
      ["cont -w 0 web", "cont web"],
      ["signal KILL web", "signal 9 web"],
    ] as const) {
      const fake = fakeSupervisor(statusOf("web", { state: "paused", pid: null }));
      expect(await ran(fake, line)).toMatchObject({ code: 0, err: "" });
      expect(fake.orders).toEqual([order]);
    }
  });

  test("wait ends when the goal is reached, and waits through crashes", async () => {
    const fake = fakeSupervisor(downOf("web"));
    const { clock, code } = run(fake, "wait --for ready web");
    await turn();
    fake.change("web", { state: "backoff", want: "up", retryIn: 1 }, "ended");
    clock.pass(100_000);
    fake.change("web", { state: "up", ready: true, pid: 3 });
    expect(await code).toBe(0);
  });

  test("wait ends with 1 when the service is given up", async () => {
    expect((await ran(fakeSupervisor(downOf("web", { state: "failed" })), "wait web")).code).toBe(1);
  });

  test("wait with 0 only looks", async () => {
    expect((await ran(fakeSupervisor(downOf("web")), "wait -w 0 web")).code).toBe(2);
    expect((await ran(fakeSupervisor(downOf("web")), "wait -w 0 --for down web")).code).toBe(0);
  });
});

describe("names", () => {
  test("that are unknown end with 4, name a near one, and nothing is done to the others", async () => {
    const fake = fakeSupervisor(statusOf("web"), statusOf("db"));
    const result = await ran(fake, "stop db weeb");
    expect(result).toEqual({ code: 4, out: "", err: 'upkeep: no service "weeb"; did you mean web?\n' });
    expect(fake.orders).toEqual([]);
  });

  test("are taken as paths against the client's directory", async () => {
    const fake = fakeSupervisor(statusOf("web", { log: statusOf("web/log") }));
    for (const [line, cwd] of [
      ["stop --no-wait /etc/service/web", "/"],
      ["stop --no-wait ./web/", "/etc/service"],
      ["stop --no-wait web/", "/etc/service"],
      ["stop --no-wait service/web", "/etc"],
      ["stop --no-wait .", "/etc/service/web"],
    ] as const)
      expect((await ran(fake, line, { cwd })).code).toBe(0);
    expect(new Set(fake.orders)).toEqual(new Set(["stop web"]));
    expect((await ran(fake, "stop --no-wait web/log")).code).toBe(0);
    expect(fake.orders.at(-1)).toBe("stop web/log");
  });

  test("outside the scan directory are no services, even where the last word is the same", async () => {
    const fake = fakeSupervisor(statusOf("web"));
    const result = await ran(fake, "stop ./web", { cwd: "/srv" });
    expect(result.code).toBe(4);
    expect(result.err).toContain("services are in /etc/service");
  });
});

describe("the command line", () => {
  test.each([
    ["", "no command"],
    ["statsu", "did you mean status?"],
    ["stat", "did you mean status?"],
    ["doctor", "did you mean lint?"],
    ["help resume", "did you mean cont?"],
    ["help constructor", "upkeep help lists them"],
    ["start", "no service named"],
    ["start --wait", "needs a value"],
    ["start -w soon web", "use seconds"],
    ["status -o xml", "use one of table, json, name"],
    ["signal web", "no signal"],
    ["signal NOPE web", "no signal"],
    ["status --bogus", "no option"],
    ["version now", "one word too many"],
    ["logs -n -3", "use a number"],
    ["shutdown --code 900", "from 0 to 255"],
  ])("%j is refused with 64 and one sentence", async (line, text) => {
    const result = await ran(fakeSupervisor(statusOf("web")), line);
    expect(result.code).toBe(64);
    expect(result.err).toContain(text);
    expect(result.err.trimEnd().split("\n")).toHaveLength(1);
  });

  test.each(["__proto__", "constructor", "toString", "-", "--", "\u0000\u0001\ufffd", "a".repeat(60_000)])(
    "survives the strange word %.20j everywhere",
    async (word) => {
      const fake = fakeSupervisor(statusOf("web"));
      for (const argv of [
        [word],
        ["status", word],
        ["start", word],
        ["wait", "--for", word, "web"],
        ["status", "-o", word],
        ["help", word],
      ]) {
        const io = capture();
        const code = await runCommand(argv, someClient, fake, io, handClock());
        if (word !== "--") expect([4, 64]).toContain(code);
        expect(io.stderr().length).toBeLessThan(70_000);
      }
    },
  );

  test("-h after a verb explains it, whatever else is there", async () => {
    const result = await ran(fakeSupervisor(), "start -h");
    expect(result.code).toBe(0);
    expect(result.out).toContain("--no-wait");
  });
});

describe("apply, health, shutdown, version", () => {
  test("apply tells of the global configuration as of upkeep itself", async () => {
    const fake = fakeSupervisor();
    fake.plan = { changes: [{ service: null, change: "updated", keys: ["log-level"] }], problems: [] };
    expect((await ran(fake, "apply")).out).toBe("~ upkeep itself  updated: log-level\n");
  });

  test("apply --dry-run ends with 2 while changes are pending", async () => {
    const fake = fakeSupervisor();
    fake.plan = { changes: [{ service: "web", change: "restarted", keys: ["command", "env"] }], problems: [] };
    expect(await ran(fake, "apply --dry-run")).toMatchObject({
      code: 2,
      out: "! web  would be restarted: command, env\n",
    });
    expect(await ran(fake, "apply")).toMatchObject({ code: 0, out: "! web  restarted: command, env\n" });
  });

  test("apply ends with 1 for an error and shows where it is, not for a warning", async () => {
    const fake = fakeSupervisor();
    fake.plan = { changes: [], problems: [{ severity: "error", where: "/etc/service/db/service.ini:7", text: "no" }] };
    expect(await ran(fake, "update")).toMatchObject({ code: 1, err: "/etc/service/db/service.ini:7: error: no\n" });
    fake.plan = { changes: [], problems: [{ severity: "warning", where: "x", text: "no" }] };
    expect((await ran(fake, "update")).code).toBe(0);
  });

  test("health tells the verdict on those that were named", async () => {
    const fake = fakeSupervisor(statusOf("db"), statusOf("web"));
    expect(await ran(fake, "health web")).toEqual({ code: 0, out: "asked for web\n", err: "" });
    expect((await ran(fake, "health web db")).code).toBe(1);
  });

  test("shutdown hands its code on", async () => {
    const fake = fakeSupervisor();
    expect((await ran(fake, "halt --code 3")).code).toBe(0);
    expect(fake.shutdowns.map(([code]) => code)).toEqual([3]);
  });

  test("version prints one line, or all it knows", async () => {
    expect((await ran(fakeSupervisor(), "version")).out).toBe("upkeep 0.1.0\n");
    expect(JSON.parse((await ran(fakeSupervisor(), "version -o json")).out)).toMatchObject({ corePid: 1 });
  });
});
