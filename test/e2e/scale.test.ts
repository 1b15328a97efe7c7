// Many services at once: all of them up, two processes of ours, and an answer in time.
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ServiceStatus } from "../../src/service/status.ts";
import { rawClientSoon } from "../helpers/ask.ts";
import { eventually, timed } from "../helpers/eventually.ts";
import { launch, upkeep } from "../helpers/pid-namespace.ts";
import { argv, exe } from "../helpers/proc.ts";
import { sayReady, saysReady } from "../helpers/scripts.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { statuses } from "../helpers/status.ts";

const COUNT = 1000;
/** Services in chains, each of which requires the one before it. */
const CHAINS = 10;
const LINKS = 4;

test("a thousand services are all up, by two processes of ours, and stop in order within the budget", async () => {
  const record = `${temporaryDirectory()}/record`;
  const services: Record<string, ServiceFiles> = {};
  for (let i = CHAINS * LINKS; i < COUNT; i++) services[`s${i}`] = { run: "#!/bin/sh\nexec sleep 100000\n" };
  for (let chain = 0; chain < CHAINS; chain++)
    for (let link = 0; link < LINKS; link++)
      services[`c${chain}-${link}`] = {
        run: `#!/bin/sh\nsleep 100000 &\ntrap 'echo c${chain}-${link} >>${record}; exit 0' TERM\n${sayReady}\nwait\n`,
        "service.ini": `${saysReady}${link === 0 ? "" : `requires = c${chain}-${link - 1}\n`}`,
      };
  const space = await launch([scanDir(services).path]);
  // One question that waits for its answer: asking a thousand times would be the load.
  await eventually("it listens", async () => (await space.upkeep("version", "-o", "json")).code === 0);
  expect(await space.inside([upkeep, "wait", "-w", "30", "*"], { timeout: 35_000 })).toMatchObject({ code: 0 });
  const all = await statuses(space);
  expect(all).toHaveLength(COUNT);
  expect(all.filter(({ state, ready }) => state !== "up" || !ready)).toEqual([]);
  // Files that tell of the state may still be written, by a child of the core.
  await eventually("two processes are ours", () => {
    const programs = [space.init, ...space.processes()].map((pid) => ({ exe: exe(pid), words: argv(pid) }));
    const ours = programs.filter(
      ({ exe: path, words }) => path === upkeep || words.some((word) => /manager\.cjs$/.test(word)),
    );
    // Each link of a chain is a shell and its sleep.
    return ours.length === 2 && programs.length - ours.length === COUNT + CHAINS * LINKS;
  });

  space.signal("TERM");
  expect(await space.exit()).toEqual({ code: 0 });
  expect(space.output()).toContain(`stopped ${COUNT} services`);
  // Once the budget is over whatever is left is.
  expect(space.output()).not.toMatch(/was killed|SIGKILL/);
  const order = readFileSync(record, "utf8").trim().split("\n");
  for (let chain = 0; chain < CHAINS; chain++)
    expect(order.filter((name) => name.startsWith(`c${chain}-`))).toEqual(
      Array.from({ length: LINKS }, (_, link) => `c${chain}-${LINKS - 1 - link}`),
    );
});

test("two hundred services in a crash loop delay no status by more than 100 ms", async () => {
  const runtime = temporaryDirectory();
  const crash: ServiceFiles = {
    run: "#!/bin/sh\nexit 1\n",
    "service.ini": "restart-delay = 1s\nrestart-delay-max = 1s\n",
  };
  const services = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`crash${i}`, crash]));
  await launch([scanDir({ ...services, web: { run: "#!/bin/sh\nexec sleep 100000\n" } }).path], {
    env: { UPKEEP_RUNTIME_DIR: runtime },
  });
  const client = await rawClientSoon(runtime);
  const status = async (...names: readonly string[]): Promise<readonly ServiceStatus[]> =>
    (JSON.parse(await client.ask({ do: "status", services: names })) as { result: ServiceStatus[] }).result;
  const restarts = async () => {
    const all = await status(...Object.keys(services));
    return Math.min(...all.map((one) => one.restarts));
  };
  await eventually("each has crashed and been tried again", async () => (await restarts()) >= 2);
  // A pause of ours comes back with every round of crashes, one of the machine's does not: of several series one is
  // enough that spans more than a round.
  const slowest = async (): Promise<number> => {
    let most = 0;
    const before = await restarts();
    for (let asked = 0; asked < 50 || (await restarts()) < before + 2; asked++) {
      const { result, active } = await timed(() => status("web"));
      expect(result[0]).toMatchObject({ name: "web", state: "up" });
      most = Math.max(most, active);
      await delay(10);
    }
    return most;
  };
  await eventually("a series of 50 has no answer that takes 100 ms", async () => (await slowest()) < 100, 30_000);
});
