// Who waits for whom, what counts as ready, and who goes down with whom.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually, throughout } from "../helpers/eventually.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { argv, isAlive, send } from "../helpers/proc.ts";
import { ending, lines, linesOf, noting, saysReady, sleeper } from "../helpers/scripts.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statuses, statusOf } from "../helpers/status.ts";

/** Starts at once, tells `file` and is ready; `ini` says the rest. */
const service = (name: string, file: string, ini: string): ServiceFiles => ({
  run: noting(name, file),
  "service.ini": `${saysReady}${ini}`,
});

describe("what is ready", () => {
  const directory = temporaryDirectory();
  const started = join(directory, "started");
  const go = (name: string) => writeFileSync(join(directory, `go-${name}`), "");
  const waiting = (name: string, then: string) =>
    `#!/bin/sh\nwhile [ ! -e ${directory}/go-${name} ]; do sleep 0.02; done\n${then}\nexec sleep 1000\n`;
  const dependent = (name: string, ini = "") => service(name, started, `requires = ${name.slice(3)}\n${ini}`);
  let space: Namespace;

  beforeAll(async () => {
    const services = scanDir({
      notify: { run: waiting("notify", "echo >&5"), "service.ini": "notify-fd = 5" },
      "on-notify": dependent("on-notify"),
      check: {
        run: sleeper,
        check: `#!/bin/sh\necho noise\necho >>${directory}/looks\n[ -e ${directory}/go-check ]\n`,
      },
      "on-check": dependent("on-check"),
      settle: { run: sleeper, "service.ini": "settle = 700ms" },
      "on-settle": dependent("on-settle"),
      migrate: {
        run: `#!/bin/sh\nwhile [ ! -e ${directory}/go-migrate ]; do sleep 0.02; done\n`,
        "service.ini": "type = oneshot",
      },
      "on-migrate": dependent("on-migrate"),
      pre: {
        run: sleeper,
        "start-pre": `#!/bin/sh\necho try >>${directory}/tries\n[ -e ${directory}/go-pre ]\n`,
        "service.ini": "start-pre = ./start-pre\nsettle = 10ms\nrestart-delay = 50ms\nrestart-delay-max = 50ms",
      },
      "on-pre": dependent("on-pre"),
      late: {
        run: `#!/bin/sh\necho try >>${directory}/late\nexec sleep 1000\n`,
        "service.ini": "notify-fd = 3\nstart-timeout = 150ms\nrestart-delay = 50ms",
      },
      "on-late": dependent("on-late"),
    });
    space = await launch([services.path]);
  });
  const has = (name: string) => linesOf(started).includes(`${name} started`);

  test("is nobody's news while it is not so: what a check prints is in no log", async () => {
    await lines(join(directory, "looks"), 3);
    expect(space.output()).not.toContain("noise");
  });

  test.each(["notify", "check", "migrate", "pre"])("is told by %s: who requires it starts then", async (name) => {
    await eventually(`on-${name} waits`, async () => (await statusOf(space, `on-${name}`)).why?.includes(name));
    expect((await statusOf(space, name)).ready).toBe(false);
    await throughout(`on-${name} waits`, () => !has(`on-${name}`), 200);
    go(name);
    await eventually(`on-${name} has started`, () => has(`on-${name}`));
    expect((await statusOf(space, name)).ready).toBe(true);
  });

  test("is, where nothing tells, whoever has lived for settle", async () => {
    await eventually("on-settle has started", () => has("on-settle"));
    expect((await statusOf(space, "settle")).seconds).toBeGreaterThanOrEqual(0.7);
  });

  test("never comes while start-pre fails, which is tried again", async () => {
    // The one above has let it succeed in the end.
    expect((await lines(join(directory, "tries"), 3)).length).toBeGreaterThanOrEqual(3);
    expect((await statusOf(space, "pre")).restarts).toBe(0);
  });

  test("comes too late after start-timeout: the start has failed and is tried again", async () => {
    await lines(join(directory, "late"), 3);
    const { why } = await eventually("it waits for the next try", async () => {
      const status = await statusOf(space, "late");
      return status.state === "backoff" && status;
    });
    expect(why).toContain("150 ms");
    expect(has("on-late")).toBe(false);
  });

  test("that never comes is named by the command that waits in vain", async () => {
    const { code, stderr } = await space.upkeep("start", "--wait", "0.3", "on-late");
    expect(code).toBe(2);
    expect(stderr).toMatch(/waits for late/);
  });
});

describe("an app that requires a db", () => {
  const file = join(temporaryDirectory(), "events");
  let space: Namespace;
  const since = (count: number) => linesOf(file).slice(count);

  beforeAll(async () => {
    const services = scanDir({
      app: { run: noting("app", file, 0.1), "service.ini": `${saysReady}requires = db` },
      db: service("db", file, ""),
      other: service("other", join(temporaryDirectory(), "other"), ""),
    });
    space = await launch([services.path]);
    await allUp(space, "app", "db", "other");
  });

  test("starts after it", () => {
    expect(linesOf(file)).toEqual(["db started", "app started"]);
  });

  test("stops before it when the db is stopped, and waits", async () => {
    const count = linesOf(file).length;
    expect((await space.upkeep("stop", "db")).code).toBe(0);
    expect(since(count)).toEqual(["app asked", "app ended", "db asked", "db ended"]);
    expect(await statusOf(space, "app")).toMatchObject({ state: "waiting", want: "up", pid: null });
  });

  test("comes back with it when the db is started", async () => {
    const count = linesOf(file).length;
    expect((await space.upkeep("start", "db")).code).toBe(0);
    await allUp(space, "app");
    expect(since(count)).toEqual(["db started", "app started"]);
  });

  test("starts what it requires when it is started", async () => {
    expect((await space.upkeep("stop", "app", "db")).code).toBe(0);
    const count = linesOf(file).length;
    expect((await space.upkeep("start", "app")).code).toBe(0);
    expect(since(count)).toEqual(["db started", "app started"]);
  });

  test("goes down and comes back with a restart of the db", async () => {
    const count = linesOf(file).length;
    expect((await space.upkeep("restart", "db")).code).toBe(0);
    await allUp(space, "app");
    const asked = ["app asked", "app ended", "db asked", "db ended"];
    expect(since(count)).toEqual([...asked, "db started", "app started"]);
  });

  test("goes down and comes back with a db that is killed; a third service lives on", async () => {
    const before = await allUp(space, "app", "db", "other");
    send(before.get("db"), "SIGKILL");
    await eventually("both are other processes", async () => {
      const after = await allUp(space, "app", "db");
      return ["app", "db"].every((name) => after.get(name) !== before.get(name));
    });
    expect(isAlive(before.get("app") ?? 0)).toBe(false);
    expect(isAlive(before.get("other") ?? 0)).toBe(true);
  });

  test("stays down with the db when both were stopped", async () => {
    expect((await space.upkeep("stop", "db", "app")).code).toBe(0);
    expect((await space.upkeep("start", "db")).code).toBe(0);
    expect(await statusOf(space, "app")).toMatchObject({ state: "down", want: "down" });
  });
});

describe("a set with mistakes", () => {
  test("cycles are refused with their path, and harm nobody else", async () => {
    const services = scanDir({
      a: { run: sleeper, "service.ini": "requires = b" },
      b: { run: sleeper, "service.ini": "after = c" },
      c: { run: sleeper, "service.ini": "wants = a" },
      self: { run: sleeper, "service.ini": "requires = self" },
      good: { run: sleeper, "service.ini": "settle = 10ms" },
    });
    const space = await launch([services.path]);
    await allUp(space, "good");
    const { code, stderr } = await space.upkeep("start", "a");
    expect(code).toBe(1);
    expect(stderr).toMatch(/a.*b.*c.*a/);
    expect((await statuses(space)).map(({ name, pid }) => [name, pid !== null])).toEqual([
      ["a", false],
      ["b", false],
      ["c", false],
      ["good", true],
      ["self", false],
    ]);
    const lint = await space.upkeep("lint", services.path);
    expect(lint.code).toBe(1);
    expect(lint.stdout + lint.stderr).toMatch(/service\.ini:1.*a.*b.*c.*a/);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
  });

  test("who requires a name that is not there says so, and starts once it is", async () => {
    const services = scanDir({ app: { run: sleeper, "service.ini": "requires = database\nsettle = 10ms" } });
    const space = await launch([services.path]);
    await eventually("it says so", async () => (await statusOf(space, "app")).why?.includes("database"));
    services.write("database", { run: sleeper, "service.ini": "settle = 10ms" });
    await allUp(space, "app", "database");
  });

  test("after and wants hold nobody up whose partner fails or is down", async () => {
    const services = scanDir({
      broken: { run: ending(1), "service.ini": "restart = never" },
      down: { run: sleeper, down: "" },
      one: { run: sleeper, "service.ini": "wants = broken\nsettle = 10ms" },
      two: { run: sleeper, "service.ini": "after = down, broken, nobody\nsettle = 10ms" },
    });
    const space = await launch([services.path]);
    await allUp(space, "one", "two");
  });
});

describe("whatever is asked for, and whatever is killed", () => {
  const names = ["db", "app", "web", "aux"] as const;
  /** The same numbers at every run; small, and good enough to choose by (mulberry32). */
  const dice = (seed: number) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  test.each([1, 2])("no service ever has two processes, and all come up when asked (walk %i)", async (seed) => {
    const ini = "settle = 20ms\nrestart-delay = 20ms\nrestart-delay-max = 100ms\n";
    const requires = { db: "", app: "requires = db", web: "requires = app\nwants = aux", aux: "" };
    const run = (name: string) => `#!/bin/sh\nexec sleep ${81_000 + names.indexOf(name as "db")}\n`;
    const services = Object.fromEntries(
      names.map((name) => [name, { run: run(name), finish: ending(0), "service.ini": `${ini}${requires[name]}\n` }]),
    );
    const space = await launch([scanDir(services).path]);
    await allUp(space, ...names);
    const random = dice(seed);
    const choose = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    for (let i = 0; i < 50; i++) {
      const name = choose(names);
      const verb = choose(["stop", "start", "restart", "stop", "start", "restart", "once", "pause", "cont", "kill -9"]);
      if (verb !== "kill -9") await space.upkeep(verb, "--no-wait", name);
      else {
        const { pid } = await statusOf(space, name);
        if (pid !== null) await space.inside(["kill", "-9", String(pid)]);
      }
      const words = space.processes().map((pid) => argv(pid).join(" "));
      const mains = words.filter((text) => /^sleep 8100\d$/.test(text));
      expect(new Set(mains).size, mains.join(", ")).toBe(mains.length);
    }
    for (const name of names) await space.upkeep("cont", name);
    expect((await space.upkeep("start", "--wait", "15", ...names)).code).toBe(0);
    await allUp(space, ...names);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
  });
});
