// The ordered stop as a container engine sees it: order, one budget, the report.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually, timed } from "../helpers/eventually.ts";
import { need } from "../helpers/need.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { argv, isAlive, status } from "../helpers/proc.ts";
import { lines, linesOf, noting, sayReady, saysReady, sleeper, stubborn } from "../helpers/scripts.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";

const quick = "settle = 10ms\n";
/** Has a handler that takes longer than anybody waits. */
const dawdler = `#!/bin/sh\ntrap "while :; do sleep 1000; done" TERM\n${sayReady}\nwhile :; do sleep 1000 & wait $!; done\n`;
const asleep: ServiceFiles = { run: sleeper, "service.ini": quick };

describe("the order", () => {
  test("is the reverse of the start, and loggers are last and read everything", async () => {
    const directory = temporaryDirectory();
    const events = join(directory, "events");
    const logger = `#!/bin/sh\ncat >>${directory}/log\necho "log ended" >>${events}\n`;
    const services = scanDir({
      web: { run: noting("web", events, 0.1), "service.ini": `requires = app\n${saysReady}` },
      app: { run: noting("app", events, 0.1), "service.ini": `after = db\n${saysReady}` },
      db: {
        run: noting("db", events).replace("exit 0", "echo last words; exit 0"),
        "log/run": logger,
        "service.ini": saysReady,
      },
    });
    const space = await launch([services.path]);
    await allUp(space, "web", "app", "db");
    const count = linesOf(events).length;
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    const asked = ["web", "app", "db"].flatMap((name) => [`${name} asked`, `${name} ended`]);
    expect(linesOf(events).slice(count)).toEqual([...asked, "log ended"]);
    expect(linesOf(join(directory, "log"))).toEqual(["last words"]);
  });

  test("holds in the middle of the boot too: what has started is stopped, nothing else starts", async () => {
    const events = join(temporaryDirectory(), "events");
    const services = scanDir({
      db: { run: noting("db", events), "service.ini": "settle = 1h" },
      app: { run: noting("app", events), "service.ini": "requires = db" },
    });
    const space = await launch([services.path]);
    await lines(events, 1);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    expect(linesOf(events)).toEqual(["db started", "db asked", "db ended"]);
  });

  test("a TERM before the first service is an ordered stop as well", async () => {
    const space = await launch([scanDir({ web: asleep }).path]);
    // The kernel drops what is sent to a PID 1 that has not got so far as to block it.
    const TERM = 1n << 14n;
    await eventually("signals wait for it", () => (BigInt(`0x${status(space.pid, "SigBlk") ?? 0}`) & TERM) !== 0n);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
  });
});

/** The budget where none is named: whoever waits for it, where nobody has to, is seen to. */
const DEFAULT_BUDGET = 9000;
/** Sends TERM; how it ended, and after how long. */
const stopped = (space: Namespace) =>
  timed(() => {
    space.signal("TERM");
    return space.exit();
  });

describe("the end", () => {
  test("comes the instant the last process is gone", async () => {
    const services = scanDir(Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, asleep])));
    // A pause of ours would be in each stop; one of the machine's is not.
    await eventually(
      "a stop takes no time",
      async () => {
        const space = await launch([services.path]);
        await allUp(space, "a", "b", "c", "d");
        const { result, active } = await stopped(space);
        expect(result).toEqual({ code: 0 });
        return active < 700;
      },
      20_000,
    );
  });

  // biome-ignore format: a table
  test.each([
    ["ignores SIGTERM", stubborn, /web was killed .*ignores SIGTERM/],
    ["has a handler that does not finish", dawdler, /web was killed .*handler for SIGTERM had not finished/],
  ] as const)("comes within the grace for a service that %s, and the report says so", async (_what, run, report) => {
    const services = scanDir({
      web: { run, "service.ini": `stop-grace = 400ms\n${saysReady}` },
      other: { run: noting("other", "/dev/null", 0.2), "service.ini": `requires = web\n${saysReady}` },
    });
    // A budget that nobody waits for, so that it is the grace that ends it.
    const space = await launch([services.path], { env: { UPKEEP_STOP_BUDGET: "1h" } });
    await allUp(space, "web", "other");
    const { result, took } = await stopped(space);
    expect(result).toEqual({ code: 0 });
    expect(took).toBeGreaterThan(550);
    expect(space.stderr()).toMatch(report);
  });

  test("comes within UPKEEP_STOP_BUDGET, however long the graces are and however many levels there are", async () => {
    const ini = `stop-grace = 1m\n${saysReady}`;
    const services = scanDir({
      db: { run: stubborn, "service.ini": ini },
      app: { run: stubborn, "service.ini": `requires = db\n${ini}` },
      web: { run: stubborn, "service.ini": `requires = app\n${ini}` },
    });
    const space = await launch([services.path], { env: { UPKEEP_STOP_BUDGET: "4s" } });
    await allUp(space, "db", "app", "web");
    const { result, active } = await stopped(space);
    expect(result).toEqual({ code: 0 });
    expect(active).toBeLessThan(DEFAULT_BUDGET);
    for (const name of ["db", "app", "web"]) expect(space.stderr()).toContain(`${name} was killed`);
    expect(space.stderr()).toMatch(/stop-grace/);
  });

  test("comes at once at a second TERM, but not for one that follows within half a second", async () => {
    const web = { run: stubborn, "service.ini": `stop-grace = 1h\n${saysReady}` };
    const space = await launch([scanDir({ web }).path], { env: { UPKEEP_STOP_BUDGET: "1h" } });
    await allUp(space, "web");
    const pid = (await statusOf(space, "web")).pid ?? 0;
    const outer = space.outer(pid) ?? 0;
    const { took } = await timed(async () => {
      space.signal("TERM");
      await eventually("the stop is under way", () => space.stderr().includes("stopping everything"));
      // It lives on for as long as a second signal is taken for the same one.
      await eventually("a second signal is one", () => {
        if (isAlive(space.pid)) space.signal("TERM");
        return !isAlive(outer);
      });
    });
    expect(took).toBeGreaterThan(500);
    expect(await space.exit()).toEqual({ code: 0 });
  });

  test("is not delayed by the shell of a `docker exec`, which ends too", async (context) => {
    need(context, "root");
    const space = await launch([scanDir({ web: asleep }).path], { env: { UPKEEP_STOP_BUDGET: "1h" } });
    const said = join(temporaryDirectory(), "said");
    await allUp(space, "web");
    // As an interactive one does.
    const script = `trap "" TERM; echo in >${said}; while :; do sleep 1000; done`;
    const shell = space.inside(["bash", "--norc", "-ic", script], { timeout: 20_000 });
    await lines(said, 1);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    expect((await shell).code).not.toBe(0);
  });

  test("lets nobody remain who was started past it, with or without a service's sign", async () => {
    const services = scanDir({
      web: { run: `#!/bin/sh\nsetsid sleep 1234 &\nexec sleep 1000\n`, "service.ini": quick },
    });
    const space = await launch([services.path], { asChild: true });
    await allUp(space, "web");
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    await eventually(
      "nobody is left",
      () => !space.processes().some((pid) => isAlive(pid) && argv(pid)[0] === "sleep"),
    );
  });
});

describe("whatever a service does at the time, the budget holds", () => {
  const hang = "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1000; done\n";
  const once = "#!/bin/sh\nexit 1\n";
  // biome-ignore format: a table
  test.each([
    ["hangs in finish", { run: once, finish: hang }, "finishing"],
    ["hangs in start-pre", { run: sleeper, pre: hang, "service.ini": "start-pre = ./pre" }, "preparing"],
    ["hangs in check", { run: sleeper, check: hang }, "starting"],
    ["waits for its next try", { run: once, "service.ini": "restart-delay = 1h\nrestart-delay-max = 1h" }, "backoff"],
    ["has a logger that never reads", { run: "#!/bin/sh\nexec yes\n", "log/run": hang, "service.ini": quick }, "up"],
    ["has a logger that forgets to end", { run: sleeper, "log/run": hang, "service.ini": quick }, "up"],
  ] as const)("it %s", async (_what, files, state) => {
    const space = await launch([scanDir({ web: files as ServiceFiles, other: asleep }).path], {
      env: { UPKEEP_STOP_BUDGET: "1500ms" },
    });
    await eventually(`it is ${state}`, async () => (await statusOf(space, "web")).state === state);
    const { result, active } = await stopped(space);
    expect(result).toEqual({ code: 0 });
    expect(active).toBeLessThan(DEFAULT_BUDGET);
  });

  test("it is paused: it still hears the stop", async () => {
    const events = join(temporaryDirectory(), "events");
    const space = await launch([scanDir({ web: { run: noting("web", events), "service.ini": saysReady } }).path]);
    await allUp(space, "web");
    expect((await space.upkeep("pause", "web")).code).toBe(0);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    expect(linesOf(events)).toEqual(["web started", "web asked", "web ended"]);
  });

  test("it is in the middle of a stop with a long grace", async () => {
    const services = scanDir({ web: { run: stubborn, "service.ini": `stop-grace = 1m\n${saysReady}` } });
    const space = await launch([services.path], { env: { UPKEEP_STOP_BUDGET: "1500ms" } });
    await allUp(space, "web");
    expect((await space.upkeep("stop", "--no-wait", "web")).code).toBe(0);
    expect((await stopped(space)).active).toBeLessThan(DEFAULT_BUDGET);
  });
});
