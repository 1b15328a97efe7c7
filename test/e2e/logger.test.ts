import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { managerOf, nextManager } from "../helpers/manager.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { descendants, send, waits } from "../helpers/proc.ts";
import { scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";
import { gaps } from "../helpers/stream.ts";

/** What a pipe holds: the most that a logger takes at once. */
const PIPE = 65_536;
const prompt = "restart-delay = 10ms\nrestart-delay-max = 10ms\n";
const read = (file: string): string => (existsSync(file) ? readFileSync(file, "latin1") : "");

/** Numbers its runs in a file, and its lines in each run. */
const counter = (runs: string) => `#!/bin/sh
trap 'exit 0' TERM
echo >> ${runs}
run=$(wc -l < ${runs})
i=0
while :; do
  n=0
  while [ $n -lt 200 ]; do n=$((n + 1)) i=$((i + 1)); echo "run $run line $i."; done
  sleep 0.01
done
`;

async function kill(space: Namespace, name: string): Promise<void> {
  const { pid } = await statusOf(space, name);
  send(space.outer(pid ?? 0), "SIGKILL");
  await eventually(`${name} runs again`, async () => {
    const next = (await statusOf(space, name)).pid;
    return next !== null && next !== pid;
  });
}

/** The numbers of each run's lines, in the order of the file. */
function byRun(text: string): readonly number[][] {
  const runs: number[][] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    const [, run, number] = /^run (\d+) line (\d+)\.$/.exec(line) ?? [];
    // A logger that was killed may have written half a line, and the next one goes on behind it.
    if (run === undefined) continue;
    runs[Number(run)] ??= [];
    runs[Number(run)]?.push(Number(number));
  }
  return runs.slice(1);
}

describe("a service with a log/run", () => {
  test("has every line in its logger, however often it is killed itself, and the manager with it", async () => {
    const directory = temporaryDirectory();
    const [file, runs] = [join(directory, "log"), join(directory, "runs")];
    const space = await launch([
      scanDir({
        web: { run: counter(runs), "log/run": `#!/bin/sh\nexec cat >> ${file}\n`, "service.ini": prompt },
      }).path,
    ]);
    await allUp(space, "web", "web/log");
    const logger = (await statusOf(space, "web/log")).pid;
    /** What an earlier run has left in the pipe is none of it. */
    const logs = (run: number) =>
      eventually(`run ${run} has logged`, () => read(file).split(`\nrun ${run} `).length > 100);
    for (let round = 1; round <= 5; round++) {
      await logs(round);
      await kill(space, "web");
    }
    await logs(6);
    const manager = managerOf(space) ?? 0;
    send(manager, "SIGKILL");
    await nextManager(space, manager);
    await kill(space, "web");
    await logs(7);
    expect((await statusOf(space, "web/log")).pid).toBe(logger);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    const text = read(file);
    const found = byRun(text);
    expect(found.length).toBe(7);
    expect(found.map(gaps)).toEqual(found.map(() => []));
    expect(found.flat().length).toBe(text.split("\n").length - 1);
  });

  test("loses no more than a killed logger had read, and the pipe goes on to the next one", async () => {
    const directory = temporaryDirectory();
    const [file, runs] = [join(directory, "log"), join(directory, "runs")];
    const space = await launch([
      scanDir({
        web: {
          run: counter(runs),
          "log/run": `#!/bin/sh\nexec cat >> ${file}\n`,
          "log/service.ini": prompt,
        },
      }).path,
    ]);
    const pids = await allUp(space, "web", "web/log");
    for (let round = 0; round < 5; round++) {
      const before = read(file).length;
      await eventually("it has logged more", () => read(file).length > before + 5000);
      await kill(space, "web/log");
    }
    const before = read(file).length;
    await eventually("it has logged more", () => read(file).length > before + 5000);
    expect(space.outer((await statusOf(space, "web")).pid ?? 0)).toBe(pids.get("web"));
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    const found = byRun(read(file));
    expect(found.length).toBe(1);
    const lost = found.flatMap(gaps).reduce((sum, number) => sum + `run 1 line ${number}.\n`.length, 0);
    expect(lost).toBeLessThanOrEqual(5 * PIPE);
  });

  test("stops before its logger, which is given the end of its input and the time to write it all down", async () => {
    const file = join(temporaryDirectory(), "log");
    const space = await launch([
      scanDir({
        web: {
          run: "#!/bin/sh\ntrap 'seq 1 5000; echo bye; exit 0' TERM\necho hello\nwhile :; do sleep 0.02; done\n",
          // It ends by the end of its input alone.
          "log/run": `#!/bin/sh\ntrap '' TERM\ncat >> ${file}\nsleep 0.5\necho eof >> ${file}\n`,
        },
      }).path,
    ]);
    await allUp(space, "web", "web/log");
    await eventually("its trap is set", () => read(file) === "hello\n");
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    const numbers = Array.from({ length: 5000 }, (_, index) => `${index + 1}\n`).join("");
    expect(read(file)).toBe(`hello\n${numbers}bye\neof\n`);
    expect(space.output()).not.toMatch(/killed/);
  });

  test("waits for a logger that is paused, and loses nothing", async () => {
    const directory = temporaryDirectory();
    const [file, runs] = [join(directory, "log"), join(directory, "runs")];
    const space = await launch([
      scanDir({ web: { run: counter(runs), "log/run": `#!/bin/sh\nexec cat >> ${file}\n` } }).path,
    ]);
    const web = (await allUp(space, "web", "web/log")).get("web") ?? 0;
    expect((await space.upkeep("pause", "web/log")).code).toBe(0);
    await eventually("the pipe is full", async () => (await waits(web)) && descendants(web).length === 0);
    expect((await statusOf(space, "web")).state).toBe("up");
    expect((await space.upkeep("cont", "web/log")).code).toBe(0);
    const before = read(file).length;
    await eventually("it has logged more", () => read(file).length > before + PIPE);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    const found = byRun(read(file));
    expect(found.map(gaps)).toEqual([[]]);
  });
});
