import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { monotonic } from "../../src/base/clock.ts";
import { eventually } from "../helpers/eventually.ts";
import { nextManager } from "../helpers/manager.ts";
import { launch } from "../helpers/pid-namespace.ts";
import { isAlive, send, stat, waits } from "../helpers/proc.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statuses, statusOf } from "../helpers/status.ts";
import { gaps, linesOf, readPipe } from "../helpers/stream.ts";

/** The most that one read takes from a pipe. */
const READ = 65_536;
/** Killed earlier than this after it has taken over, a manager is one of a failing series, and the next one is delayed. */
const STABLE = 1000;

/** A process in the shell: `line` is printed for each number, `pause` after every `batch` of them. */
const counter = (line: string, batch: number, pause: string): ServiceFiles => ({
  run: `#!/bin/sh
trap 'exit 0' TERM
i=0
while :; do
  n=0
  while [ $n -lt ${batch} ]; do
    n=$((n + 1)) i=$((i + 1))
    ${line}
  done
  sleep ${pause}
done
`,
});

const WIDE = "x".repeat(3000);
const counters = {
  fast: { files: counter(`echo "fast $i."`, 300, "0.01"), line: (i: number) => `fast ${i}.` },
  slow: { files: counter(`echo "slow $i."`, 1, "0.05"), line: (i: number) => `slow ${i}.` },
  halves: {
    files: counter(`printf "halves "; sleep 0.01; echo "$i."`, 1, "0.01"),
    line: (i: number) => `halves ${i}.`,
  },
  wide: { files: counter(`echo "wide $i.${WIDE}"`, 20, "0.02"), line: (i: number) => `wide ${i}.${WIDE}` },
} as const;
const names = Object.keys(counters) as (keyof typeof counters)[];

/** What our own log says is lost of a service, in bytes, all sentences together. */
function saidLost(stderr: string, service: string): number {
  let sum = 0;
  for (const [, count] of stderr.matchAll(new RegExp(`(\\d+) bytes of the output of ${service} are lost`, "g")))
    sum += Number(count);
  return sum;
}

const starts = (file: string): number => readFileSync(file, "utf8").split("\n").length - 1;

describe("a manager that is killed, thirty times", () => {
  test("takes nothing with it but what it had read, and says how much; whatever happens meanwhile is done once", {
    timeout: 180_000,
  }, async () => {
    const record = join(temporaryDirectory(), "starts");
    const stops = join(temporaryDirectory(), "stops");
    const stopper = (name: string, ini: string): ServiceFiles => ({
      run: `#!/bin/sh\ntrap 'echo ${name} >> ${stops}; exit 0' TERM\nwhile :; do sleep 0.1; done\n`,
      "service.ini": ini,
    });
    const directory = scanDir({
      ...Object.fromEntries(names.map((name) => [name, counters[name].files])),
      mortal: {
        run: `#!/bin/sh\necho >> ${record}\nexec sleep 1000\n`,
        "service.ini": "restart-delay = 10ms\nrestart-delay-max = 10ms\n",
      },
      app: stopper("app", "requires = base\n"),
      base: stopper("base", ""),
      resting: { run: "#!/bin/sh\nexec sleep 1000\n" },
    });
    const [out, err] = [await readPipe(), await readPipe()];
    const space = await launch([directory.path], { stdout: out.write, stderr: err.write });
    const pids = await allUp(space, ...names, "mortal", "app", "base", "resting");
    expect((await space.upkeep("stop", "resting")).code).toBe(0);
    await eventually("resting is down", async () => (await statusOf(space, "resting")).state === "down");

    let kills = 0;
    let manager = await nextManager(space, 0);
    const kill = async () => {
      send(manager, kills++ % 3 === 2 ? "SIGSEGV" : "SIGKILL");
      manager = await nextManager(space, manager);
    };
    for (let round = 1; round <= 10; round++) {
      // In the midst of its work; then one that has just begun to read; then one that has hardly begun to run.
      const bytes = out.size();
      await eventually("it has moved some output", () => out.size() > bytes + 20_000 * round);
      const mortal = (await statusOf(space, "mortal")).pid ?? 0;
      await kill();
      send(space.outer(mortal), "SIGKILL");
      await eventually("a new one has taken over", () => out.size() > bytes + 20_000 * round + READ);
      await kill();
      await kill();
      await eventually("mortal runs again", async () => {
        const { pid } = await statusOf(space, "mortal");
        return pid !== null && pid !== mortal;
      });
      const since = monotonic.now();
      await eventually("the manager is stable", () => monotonic.now() - since > STABLE);
      expect(starts(record)).toBe(round + 1);
    }
    expect(kills).toBe(30);

    const found = await statuses(space);
    expect(found.find(({ name }) => name === "resting")).toMatchObject({ state: "down", want: "down", pid: null });
    for (const name of [...names, "app", "base"]) {
      expect(isAlive(pids.get(name) ?? 0), name).toBe(true);
      expect(space.outer(found.find((each) => each.name === name)?.pid ?? 0), name).toBe(pids.get(name));
    }

    const { pid: mortal } = await statusOf(space, "mortal");
    send(space.outer(mortal ?? 0), "SIGKILL");
    await eventually("a later crash is followed by a start", () => starts(record) === 12);

    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    expect(readFileSync(stops, "utf8")).toBe("app\nbase\n");
    await eventually("all has come", () => /stopped \d+ services/.test(err.text()));
    // While no manager is there for 2 s the core itself shows whole lines.
    const copied = new Set(err.text().split("\n"));
    for (const name of names) {
      const { line } = counters[name];
      // Told to stop, it may leave half a line.
      const lines = linesOf(out.text(), name).filter((text, index, all) => index < all.length - 1 || /\d\./.test(text));
      const numbers = lines.map((text) => Number(/ (\d+)\./.exec(text)?.[1]));
      const missing = gaps(numbers)
        .map(line)
        .filter((text) => !copied.has(text));
      const lost = missing.reduce((sum, text) => sum + text.length + 1, 0);
      expect(
        lines.filter((text, index) => text !== line(numbers[index] ?? 0)),
        name,
      ).toEqual([]);
      expect(numbers.length, name).toBeGreaterThan(30);
      expect(lost, name).toBeLessThanOrEqual(kills * READ);
      expect(saidLost(err.text(), name), name).toBeGreaterThanOrEqual(lost);
    }
  });
});

test("a manager that is killed in the midst of a long line leaves it short, and no other line behind it", async () => {
  const long = "y".repeat(20_000);
  const directory = scanDir({ long: counter(`echo "long $i.${long}"`, 10, "0.01") });
  const out = await readPipe();
  const space = await launch([directory.path], { stdout: out.write });
  const pid = (await allUp(space, "long")).get("long") ?? 0;
  const short: string[] = [];
  for (let kill = 1; kill <= 3; kill++) {
    const manager = await nextManager(space, 0);
    await eventually("it prints", () => out.text().length > 0);
    out.pause();
    await eventually("all wait for the reader, in the midst of a line", () => waits(pid));
    send(manager, "SIGKILL");
    await nextManager(space, manager);
    out.resume();
    const size = out.size();
    await eventually("the next one prints", () => out.size() > size + 500_000);
  }
  space.signal("TERM");
  expect(await space.exit()).toEqual({ code: 0 });
  for (const line of out.text().split("\n").slice(0, -1)) {
    // A kill between two writes cuts nothing off; who comes next cannot know, and ends the line all the same.
    if (line !== "") expect(line.slice(0, 100)).toMatch(/^\[long\] long \d+\.y*$/);
    if (!line.endsWith(`.${long}`)) short.push(line);
  }
  expect(short.length).toBeGreaterThan(0);
  expect(short.length).toBeLessThanOrEqual(3);
});

describe("a manager that dies leaves to the next one", () => {
  const quick = "settle = 10ms\n";
  const asleep = { run: "#!/bin/sh\nexec sleep 1000\n", "service.ini": quick };

  test("the one logger of a service that is down", async () => {
    const services = scanDir({ web: { ...asleep, down: "", "log/run": "#!/bin/sh\nexec cat\n" } });
    const space = await launch([services.path]);
    const first = await nextManager(space, 0);
    const before = await eventually("the logger runs", async () => (await statusOf(space, "web")).log?.pid ?? null);
    send(first, "SIGKILL");
    await nextManager(space, first);
    expect((await statusOf(space, "web")).log?.pid).toBe(before);
    expect(space.processes().filter((pid) => stat(pid)?.comm === "cat")).toHaveLength(1);
  });

  test("a restart that waits until nobody requires the service any more", async () => {
    const services = scanDir({
      db: asleep,
      web: {
        run: "#!/bin/sh\ntrap 'sleep 1; exit 0' TERM\nwhile :; do sleep 1000 & wait $!; done\n",
        "service.ini": `requires = db\n${quick}`,
      },
    });
    const space = await launch([services.path]);
    await allUp(space, "db", "web");
    const { pid } = await statusOf(space, "db");
    const first = await nextManager(space, 0);
    services.write("db", { "service.ini": `${quick}nice = 5\n` });
    expect((await space.upkeep("apply")).code).toBe(0);
    send(first, "SIGKILL");
    await nextManager(space, first);
    await eventually("it is restarted", async () => {
      const status = await statusOf(space, "db");
      return status.state === "up" && status.pid !== pid;
    });
    await allUp(space, "web");
  });
});
