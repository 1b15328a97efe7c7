// Many services at once: all of them up, two processes of ours, and an answer in time.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ServiceStatus } from "../../src/service/status.ts";
import { rawClientSoon } from "../helpers/ask.ts";
import { eventually, timed } from "../helpers/eventually.ts";
import { launch, upkeep } from "../helpers/pid-namespace.ts";
import { argv, exe } from "../helpers/proc.ts";
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
        run: `#!/bin/sh\nsleep 100000 &\ntrap 'echo c${chain}-${link} >>${record}; exit 0' TERM\nwait\n`,
        "service.ini": `settle = 50ms\n${link === 0 ? "" : `requires = c${chain}-${link - 1}\n`}`,
      };
  const space = await launch([scanDir(services).path]);
  await eventually(
    "all are up",
    async () => {
      const all = await statuses(space);
      return all.length === COUNT && all.every(({ state, ready }) => state === "up" && ready);
    },
    30_000,
  );
  const programs = [space.init, ...space.processes()].map((pid) => ({ exe: exe(pid), words: argv(pid) }));
  const ours = programs.filter(
    ({ exe: path, words }) => path === upkeep || words.some((word) => /manager\.cjs$/.test(word)),
  );
  expect(ours).toHaveLength(2);
  // Each link of a chain is a shell and its sleep.
  expect(programs.length - ours.length).toBe(COUNT + CHAINS * LINKS);

  const { result, took } = await timed(() => {
    space.signal("TERM");
    return space.exit();
  });
  expect(result).toEqual({ code: 0 });
  expect(took).toBeLessThan(9000);
  expect(space.output()).toContain(`stopped ${COUNT} services`);
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
  const first = Number((await status("crash199"))[0]?.restarts);
  let slowest = 0;
  let asked = 0;
  // Over several rounds of crashes, not in between.
  await eventually("50 have been asked, and they crashed meanwhile", async () => {
    const { result, took } = await timed(() => status("web"));
    expect(result[0]?.name).toBe("web");
    slowest = Math.max(slowest, took);
    asked++;
    return asked >= 50 && Number((await status("crash199"))[0]?.restarts) >= first + 2;
  });
  expect(slowest).toBeLessThan(100);
});
