// What ends the container, and the code it ends with.
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { launch } from "../helpers/pid-namespace.ts";
import { isAlive } from "../helpers/proc.ts";
import { lines, linesOf, noting, sayReady, saysReady, sleeper, stubborn } from "../helpers/scripts.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";

const quick = "settle = 10ms\n";
const asleep: ServiceFiles = { run: sleeper, "service.ini": quick };

describe("the exit code", () => {
  const ends = (run: string, ini: string): ServiceFiles => ({
    run: `#!/bin/sh\n${run}\n`,
    "service.ini": `critical = yes\n${ini}`,
  });
  // biome-ignore format: a table
  test.each([
    ["the code of a critical service that ends for good", ends("exit 7", "restart = never"), { code: 7 }],
    ["128 and the signal that killed it", ends("kill -9 $$", "restart = never"), { code: 137 }],
    ["0 for a critical service that has done its work", ends("exit 0", "restart = on-failure"), { code: 0 }],
    ["its last code for a critical service that is given up", ends("exit 9", "give-up = 2 in 1m\nrestart-delay = 10ms"), { code: 9 }],
    ["111 for a critical service that was never let run", { ...ends("exit 0", "restart = never\nstart-pre = false") }, { code: 111 }],
    ["127 for a critical service whose program is not there", ends("", "restart = never\ncommand = ./no-such-file"), { code: 127 }],
  ] as const)("is %s", async (_promise, files, exit) => {
    const events = join(temporaryDirectory(), "events");
    const space = await launch([scanDir({ main: files, db: { run: noting("db", events), "service.ini": "settle = 10ms" } }).path]);
    expect(await space.exit()).toEqual(exit);
    // Whatever ran was asked to stop; it may have been before it could say that it ran.
    if (linesOf(events).includes("db started")) expect(linesOf(events)).toContain("db asked");
  });

  test("is that of `upkeep shutdown --code`", async () => {
    const space = await launch([scanDir({ web: asleep }).path]);
    await allUp(space, "web");
    // It is a process of the container too, and may go with it before it can say so.
    void space.upkeep("shutdown", "--code", "42");
    expect(await space.exit()).toEqual({ code: 42 });
  });

  test("is told to `upkeep shutdown` before the socket goes, even where nothing has to stop", async () => {
    const space = await launch([scanDir({}).path], { asChild: true });
    await eventually("it answers", async () => (await space.upkeep("status")).code === 0);
    const { code, stdout } = await space.upkeep("shutdown");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "stopping everything" });
    expect(await space.exit()).toEqual({ code: 0 });
  });

  test("stays 0 when the stop kills a critical service", async () => {
    const services = scanDir({
      web: { run: stubborn, "service.ini": `critical = yes\nstop-grace = 100ms\n${saysReady}` },
    });
    const space = await launch([services.path]);
    await allUp(space, "web");
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
  });

  test("does not come at all when every service has given up: the container stays, unhealthy", async () => {
    const services = scanDir({ web: { run: "#!/bin/sh\nexit 1\n", "service.ini": "restart = never" } });
    const space = await launch([services.path]);
    await eventually("it has failed", async () => (await statusOf(space, "web")).state === "failed");
    expect((await space.upkeep("health")).code).toBe(1);
    expect(isAlive(space.pid)).toBe(true);
  });
});

describe("signals", () => {
  const file = join(temporaryDirectory(), "heard");
  const hearing = `#!/bin/sh
for each in USR1 WINCH; do trap "echo $each >>${file}" $each; done
${sayReady}
while :; do sleep 1000 & wait $!; done
`;
  let configuration: string;
  beforeAll(() => {
    const global = scanDir({
      global: { "upkeep.ini": "stop-on = USR2\nforward = USR1:web WINCH:web\nstop-budget = 3s\n" },
    });
    configuration = global.at("global", "upkeep.ini");
  });

  test.each(["TERM", "INT", "QUIT", "PWR", "RTMIN+3"])("%s is an ordered stop", async (name) => {
    const space = await launch([scanDir({ web: asleep }).path]);
    await allUp(space, "web");
    space.signal(name);
    expect(await space.exit()).toEqual({ code: 0 });
  });

  test("one of stop-on is an ordered stop too, and those of forward reach their service", async () => {
    const services = scanDir({ web: { run: hearing, "service.ini": saysReady } });
    const space = await launch(["-c", configuration, services.path]);
    await allUp(space, "web");
    space.signal("USR1");
    await lines(file, 1);
    space.signal("WINCH");
    expect(await lines(file, 2)).toEqual(["USR1", "WINCH"]);
    space.signal("USR2");
    expect(await space.exit()).toEqual({ code: 0 });
  });

  test("one of stop-on that came with an apply is an ordered stop too", async () => {
    const global = scanDir({ global: { "upkeep.ini": "" } });
    const space = await launch(["-c", global.at("global", "upkeep.ini"), scanDir({ web: asleep }).path]);
    await allUp(space, "web");
    global.write("global", { "upkeep.ini": "stop-on = USR2\n" });
    expect((await space.upkeep("apply")).code).toBe(0);
    space.signal("USR2");
    expect(await space.exit()).toEqual({ code: 0 });
  });
});
