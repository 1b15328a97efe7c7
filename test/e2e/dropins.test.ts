// Service directories that come, go and are half there, while upkeep runs.
import {
  appendFileSync,
  chmodSync,
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { monotonic } from "../../src/base/clock.ts";
import { ini, isWatching, marked, runs } from "../helpers/drop-in.ts";
import { eventually, timed } from "../helpers/eventually.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { argv } from "../helpers/proc.ts";
import { linesOf, noting, saysReady, sleeper } from "../helpers/scripts.ts";
import { type ScanDir, scanDir, temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";
import { allUp, statuses, statusOf } from "../helpers/status.ts";

const web = { run: sleeper, ...ini };
/** Where nothing has moved for so long a copy is taken to be whole. */
const QUIET = 40;

describe("a directory that appears", () => {
  let scan: ScanDir;
  let space: Namespace;
  let next = 70_000;
  const word = () => String(next++);

  // Nobody looks now and then where there is a watch: what it misses is never started.
  beforeAll(async () => {
    scan = scanDir({ web: { run: sleeper, ...ini } });
    space = await launch([scan.path]);
    await allUp(space, "web");
    await isWatching(scan, space);
  });

  test("by a rename is started at once", async () => {
    const took: number[] = [];
    for (let i = 0; i < 9; i++) {
      const own = word();
      scan.write(`moved-${i}`, { run: marked(own), ...ini });
      took.push((await timed(() => eventually("it runs", () => runs(space, own)))).active);
    }
    took.sort((a, b) => a - b);
    expect(took[4]).toBeLessThan(500);
  });

  test("as a link to a directory elsewhere is started at once, by its own name", async () => {
    const own = word();
    const elsewhere = join(temporaryDirectory(), "something");
    writeFiles(elsewhere, { run: marked(own), ...ini });
    symlinkSync(elsewhere, scan.at("linked"));
    await eventually("it runs", () => runs(space, own));
    expect(await statusOf(space, "linked")).toMatchObject({ name: "linked", want: "up" });
  });

  test("as a link to a directory that comes later is started by the next apply", async () => {
    const own = word();
    const elsewhere = join(temporaryDirectory(), "later");
    symlinkSync(elsewhere, scan.at("dangling"));
    await eventually("it is told", () => space.stderr().includes("cannot follow this link"));
    writeFiles(elsewhere, { run: marked(own), ...ini });
    expect((await space.upkeep("apply")).code).toBe(0);
    await eventually("it runs", () => runs(space, own));
  });

  test("as a link to a half-copied directory is started once that is complete", async () => {
    const own = word();
    const elsewhere = join(temporaryDirectory(), "half");
    writeFiles(elsewhere, { run: { text: marked(own), mode: 0o644 }, ...ini });
    symlinkSync(elsewhere, scan.at("half"));
    await eventually("it is seen", async () => (await statusOf(space, "half")).state === "incomplete");
    chmodSync(join(elsewhere, "run"), 0o755);
    await eventually("it runs", () => runs(space, own));
  });

  test("piece by piece is started once it is executable, and with all of it", async () => {
    const own = word();
    mkdirSync(scan.at("slow"));
    const steps = [
      () => writeFileSync(scan.at("slow", "run"), ""),
      () => writeFileSync(scan.at("slow", "run"), "#!/bin/sh\n"),
      () => appendFileSync(scan.at("slow", "run"), `echo "$GREETING"\n`),
      () => appendFileSync(scan.at("slow", "run"), `exec sleep ${own}\n`),
      () => mkdirSync(scan.at("slow", "env")),
      () => writeFileSync(scan.at("slow", "env", "GREETING"), "good day"),
    ];
    for (const step of steps) {
      step();
      await delay(60);
      expect(runs(space, own)).toBe(false);
    }
    await eventually("it is told", async () => /not executable/.test((await statusOf(space, "slow")).why ?? ""));
    chmodSync(scan.at("slow", "run"), 0o755);
    await eventually("it runs", () => runs(space, own));
    await eventually("it has its environment", () => space.output().includes("good day"));
    expect(await statusOf(space, "slow")).toMatchObject({ restarts: 0 });
  });

  test("with a run that is executable and still grows is not started before its end", async () => {
    const grow = async () => {
      const own = word();
      const name = `growing-${own}`;
      mkdirSync(scan.at(name));
      const file = openSync(scan.at(name, "run"), "w", 0o755);
      let last = monotonic.now();
      let longest = 0;
      const add = (line: string) => {
        writeFileSync(file, `${line}\n`);
        longest = Math.max(longest, monotonic.now() - last);
        last = monotonic.now();
      };
      add("#!/bin/sh");
      for (let i = 0; i < 12; i++) {
        await delay(15);
        add(`echo line ${i}`);
      }
      add(`exec sleep ${own}`);
      closeSync(file);
      // A copy that pauses for longer is over; then the machine was too slow to try this.
      return longest < QUIET && { own, name };
    };
    const { own, name } = await eventually("one grows without a pause", grow, 20_000);
    await eventually("it runs", () => runs(space, own));
    expect(await statusOf(space, name)).toMatchObject({ restarts: 0, lastExit: null });
  });

  test("by a copy of many files is started with its service.ini", async () => {
    const own = word();
    const source = join(temporaryDirectory(), "copied");
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`env/V${i}`, "x"]));
    writeFiles(source, { ...many, run: marked(own), "service.ini": "settle = 10ms\nnice = 3\n" });
    cpSync(source, scan.at("copied"), { recursive: true });
    await eventually("it runs", () => runs(space, own));
    expect(await statusOf(space, "copied")).toMatchObject({ restarts: 0 });
  });

  test("with a down file is known and not started", async () => {
    const own = word();
    scan.write("downed", { run: marked(own), down: "" });
    await eventually("it is known", async () => (await statusOf(space, "downed")).state === "down");
    expect(runs(space, own)).toBe(false);
  });

  test("with a dot before its name is nobody's", async () => {
    const own = word();
    writeFiles(scan.at(".hidden"), { run: marked(own) });
    scan.write("visible", { run: sleeper, ...ini });
    await allUp(space, "visible");
    expect(runs(space, own)).toBe(false);
    expect((await statuses(space)).map(({ name }) => name)).not.toContain(".hidden");
    renameSync(scan.at(".hidden"), scan.at("unhidden"));
    await eventually("without the dot it runs", () => runs(space, own));
  });

  test("in the place of another, by a link that is exchanged, is another service", async () => {
    const [first, second] = [word(), word()];
    const elsewhere = temporaryDirectory();
    writeFiles(join(elsewhere, "v1"), { run: marked(first), ...ini });
    writeFiles(join(elsewhere, "v2"), { run: marked(second), ...ini });
    symlinkSync(join(elsewhere, "v1"), scan.at("current"));
    await eventually("the first runs", () => runs(space, first));
    symlinkSync(join(elsewhere, "v2"), scan.at(".current"));
    renameSync(scan.at(".current"), scan.at("current"));
    await eventually("the second runs, the first does not", () => runs(space, second) && !runs(space, first));
  });

  test("and is then written to, touched or given other permissions is left alone", async () => {
    const own = word();
    scan.write("calm", { run: marked(own), ...ini });
    const before = (await allUp(space, "calm")).get("calm");
    writeFileSync(scan.at("calm", "notes"), "x");
    writeFileSync(scan.at("calm", "run"), `${marked(own)}\n`);
    chmodSync(scan.at("calm"), 0o700);
    // What comes after it has been seen.
    scan.write("calmer", { run: sleeper, ...ini });
    expect((await allUp(space, "calmer", "calm")).get("calm")).toBe(before);
  });

  test("together with 300 others is started with them, once, and control goes on", { timeout: 120_000 }, async () => {
    const aside = scanDir(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`many-${i}`, web])));
    for (let i = 0; i < 300; i++) renameSync(aside.at(`many-${i}`), scan.at(`many-${i}`));
    expect((await space.upkeep("status", "web")).code).toBe(0);
    const all = await eventually(
      "all are up",
      async () => {
        const found = await statuses(space, "many-*");
        return found.length === 300 && found.every(({ state }) => state === "up") && found;
      },
      30_000,
    );
    expect(all.filter(({ restarts }) => restarts > 0)).toEqual([]);
    for (let i = 0; i < 300; i++) scan.remove(`many-${i}`);
    await eventually(
      "all are gone",
      async () => (await statuses(space)).every(({ name }) => !name.startsWith("many-")),
      30_000,
    );
  });

  test("and disappears is stopped in its own way, and forgotten", async () => {
    const events = join(temporaryDirectory(), "events");
    scan.write("brief", { run: noting("brief", events, 0.1), "service.ini": saysReady });
    await allUp(space, "brief");
    scan.remove("brief");
    await eventually("it has ended", () => linesOf(events).includes("brief ended"));
    await eventually("it is forgotten", async () => (await statuses(space)).every(({ name }) => name !== "brief"));
    expect((await space.upkeep("status", "brief")).code).toBe(4);
  });

  test("and is moved to another name is another service", async () => {
    const own = word();
    scan.write("before", { run: marked(own), ...ini });
    await eventually("it runs", () => runs(space, own));
    renameSync(scan.at("before"), scan.at("after"));
    await allUp(space, "after");
    await eventually("the old one is forgotten", async () => (await space.upkeep("status", "before")).code === 4);
    await eventually("one of them runs", () => space.processes().filter((pid) => argv(pid)[1] === own).length === 1);
  });

  test("anew right after it was removed is started anew", async () => {
    const [first, second] = [word(), word()];
    scan.write("again", { run: marked(first), ...ini });
    await eventually("it runs", () => runs(space, first));
    scan.remove("again");
    scan.write("again", { run: marked(second), ...ini });
    await eventually("the new one runs", () => runs(space, second));
    await eventually("the old one does not", () => !runs(space, first));
  });
});
