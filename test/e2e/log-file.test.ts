import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually, timed } from "../helpers/eventually.ts";
import { managerOf, nextManager } from "../helpers/manager.ts";
import { need } from "../helpers/need.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { send, waits } from "../helpers/proc.ts";
import { scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";
import { gaps, linesOf } from "../helpers/stream.ts";
import { counter, logDirectory, logged, numbersOf, ourSvlogd, run } from "../helpers/svlogd.ts";

/** The most that is read from one pipe before it is written. */
const READ = 65_536;

const growsBy = (directory: string, bytes: number): Promise<unknown> => {
  const before = logged(directory).length;
  return eventually(`${directory} has ${bytes} bytes more`, () => logged(directory).length >= before + bytes);
};
const stop = async (space: Namespace) => {
  space.signal("TERM");
  expect(await space.exit()).toEqual({ code: 0 });
};

describe("log = file:DIR", () => {
  test("writes a directory as svlogd does, makes it, rotates it under load, and leaves it closed", async () => {
    const services = scanDir({
      web: { run: counter("0.01"), "service.ini": "log = file:logs\n", "logs/config": "s20000\nn0\n" },
      new: {
        run: "#!/bin/sh\necho hello\nprintf unfinished\nexec sleep 60\n",
        "service.ini": "log = file:not/there/yet\n",
      },
    });
    const space = await launch([services.path]);
    await allUp(space, "web", "new");
    await growsBy(services.at("web/logs"), 200_000);
    expect((await space.upkeep("logs", "-n", "1", "web")).stdout).toMatch(/^line \d+ of many\.$/);
    await stop(space);
    expect(gaps(numbersOf(logged(services.at("web/logs"))))).toEqual([]);
    const names = readdirSync(services.at("web/logs"));
    const rotated = names.filter((name) => name.startsWith("@"));
    expect(rotated.length).toBeGreaterThan(5);
    for (const name of rotated) {
      const { size, mode } = statSync(services.at("web/logs", name));
      expect(name).toMatch(/^@[0-9a-f]{24}\.s$/);
      expect(mode & 0o777).toBe(0o744);
      expect(size).toBeLessThanOrEqual(20_000);
      expect(readFileSync(services.at("web/logs", name), "latin1").endsWith("\n")).toBe(true);
    }
    expect(readFileSync(services.at("new/not/there/yet/current"), "latin1")).toBe("hello\nunfinished\n");
    expect(statSync(services.at("new/not/there/yet/current")).mode & 0o777).toBe(0o744);
    expect(linesOf(space.stdout(), "web")).toEqual([]);
  });

  test("with log-timestamps stamps as svlogd -tt; beside prefix writes both; ends the line of a process that has ended", async () => {
    const services = scanDir({
      web: {
        run: "#!/bin/sh\necho one\nprintf two\nsleep 0.2\nexit 1\n",
        "service.ini": "log = prefix, file:logs\nlog-timestamps = yes\nrestart = never\n",
      },
    });
    const space = await launch([services.path]);
    const stamp = String.raw`\d{4}-\d\d-\d\d_\d\d:\d\d:\d\d\.\d{5}`;
    const lines = new RegExp(`^${stamp} one\n${stamp} two\n$`);
    await eventually("both are written", () => lines.test(logged(services.at("web/logs"))));
    await eventually("both are shown", () => /\[web\] one\n[^\n]*\[web\] two\n/.test(space.stdout()));
  });

  test("a directory that svlogd has locked, or that is another user's, is left alone; the service runs, and is shown", async (context) => {
    need(context, "root");
    const [busy, foreign] = [logDirectory(""), logDirectory("")];
    chownSync(foreign, 65534, 65534);
    const holder = run([ourSvlogd(), "-v", busy], temporaryDirectory());
    await holder.said("new: ");
    const services = scanDir({
      busy: { run: counter("0.1"), "service.ini": `log = file:${busy}\n` },
      foreign: { run: counter("0.1"), "service.ini": `log = file:${foreign}\n` },
    });
    const space = await launch([services.path]);
    for (const name of ["busy", "foreign"])
      await eventually(`${name} is shown`, () => linesOf(space.stdout(), name).length > 100);
    expect(space.stderr()).toContain(`cannot log busy into ${busy}: somebody else writes there`);
    expect(space.stderr()).toContain(`cannot log foreign into ${foreign}: the directory belongs to uid 65534`);
    // A manager's lock keeps svlogd out just the same, and a restart finds the directory free again.
    holder.child.stdin?.end();
    expect(await holder.ended).toBe(0);
    expect((await space.upkeep("restart", "busy")).code).toBe(0);
    await growsBy(busy, 1000);
    const late = run([ourSvlogd(), busy], temporaryDirectory());
    late.child.stdin?.end();
    expect(await late.ended).toBe(111);
    expect(late.stderr()).toContain("unable to lock directory");
  });

  test("a directory that was renamed is written on, as svlogd does; a link in its place leads nowhere", async () => {
    const services = scanDir({
      web: { run: counter("0.01"), "service.ini": "log = file:logs\n", "logs/config": "s20000\nn0\n" },
    });
    const space = await launch([services.path]);
    await allUp(space, "web");
    await growsBy(services.at("web/logs"), 1000);
    const elsewhere = temporaryDirectory();
    renameSync(services.at("web/logs"), services.at("web/away"));
    symlinkSync(elsewhere, services.at("web/logs"));
    await growsBy(services.at("web/away"), 60_000);
    await stop(space);
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(gaps(numbersOf(logged(services.at("web/away"))))).toEqual([]);
  });

  test("a manager that is killed costs what it had in hand, which is counted, and leaves the lock where it is", async () => {
    const services = scanDir({
      web: { run: counter("0"), "service.ini": "log = file:logs\n", "logs/config": "s200000\nn0\n" },
    });
    const directory = services.at("web/logs");
    const space = await launch([services.path]);
    await allUp(space, "web");
    let manager = await nextManager(space, 0);
    for (let round = 0; round < 3; round++) {
      await growsBy(directory, 200_000);
      send(manager, "SIGKILL");
      const late = run([ourSvlogd(), directory], temporaryDirectory());
      late.child.stdin?.end();
      expect(await late.ended).toBe(111);
      manager = await nextManager(space, manager);
    }
    await growsBy(directory, 200_000);
    await stop(space);
    const text = logged(directory);
    // While no manager is there for 2 s the core itself shows whole lines.
    const copied = new Set(space.stderr().split("\n"));
    // Of one line each kill may have let only the beginning be written.
    const numbers = numbersOf(text);
    expect(numbers.filter(Number.isNaN).length).toBeLessThanOrEqual(3);
    const missing = gaps(numbers.filter((number) => !Number.isNaN(number)))
      .map((number) => `line ${number} of many.`)
      .filter((line) => !copied.has(line));
    const bytes = missing.reduce((sum, line) => sum + line.length + 1, 0);
    const said = [...space.stderr().matchAll(/(\d+) bytes of the output of web are lost/g)];
    expect(bytes).toBeLessThanOrEqual(said.reduce((sum, match) => sum + Number(match[1]), 0));
    expect(bytes).toBeLessThanOrEqual(3 * 2 * READ);
  });

  test("a full disk makes the service wait, is told once, costs no line, and stops nobody", async (context) => {
    need(context, "root");
    const directory = join(temporaryDirectory(), "small");
    mkdirSync(directory);
    const space = await launch(
      [
        scanDir({
          web: { run: counter("0"), "service.ini": `log = file:${directory}/log\n` },
          other: { run: counter("0.1") },
        }).path,
      ],
      {
        setup: `mount -t tmpfs -o size=1m tmpfs ${directory}; mkdir ${directory}/log; printf 's100000\\nn0\\n' > ${directory}/log/config`,
      },
    );
    // Seen from inside its namespace of mounts.
    const seen = `/proc/${space.pid}/root${directory}/log`;
    const manager = await nextManager(space, 0);
    const web = (await allUp(space, "web", "other")).get("web") ?? 0;
    await eventually("it is told", () => space.stderr().includes("web may have to wait: unable to write"), 20_000);
    await eventually("the service waits", () => waits(web));
    const before = linesOf(space.stdout(), "other").length;
    await eventually("the other one is shown", () => linesOf(space.stdout(), "other").length > before);
    const oldest = readdirSync(seen)
      .filter((name) => name.startsWith("@"))
      .sort()
      .slice(0, 5);
    const taken = oldest.map((name) => readFileSync(join(seen, name), "latin1")).join("");
    for (const name of oldest) rmSync(join(seen, name));
    await eventually("it is told that it is over", () => /takes the output of web again/.test(space.stderr()));
    await eventually("it is full again", () => waits(web));
    expect(gaps(numbersOf(taken + logged(seen).replace(/[^\n]*$/, "")))).toEqual([]);
    expect(space.stderr().match(/web may have to wait/g)?.length).toBe(1);
    expect(managerOf(space)).toBe(manager);
    // Full as it is, it does not keep anybody from stopping until the budget is over.
    expect((await timed(() => stop(space))).active).toBeLessThan(9000);
  });

  test("a changed log moves at once, and a removed service's last words are written", async () => {
    const services = scanDir({
      web: { run: counter("0.05"), "service.ini": "log = file:a\n" },
    });
    const space = await launch([services.path]);
    const pid = (await allUp(space, "web")).get("web");
    await growsBy(services.at("web/a"), 1000);
    writeFileSync(services.at("web/service.ini"), "log = file:b\n");
    expect((await space.upkeep("apply")).code).toBe(0);
    await growsBy(services.at("web/b"), 5000);
    writeFileSync(services.at("web/service.ini"), "log = prefix\n");
    expect((await space.upkeep("apply")).code).toBe(0);
    await eventually("it is shown", () => linesOf(space.stdout(), "web").length > 500);
    expect(space.outer((await statusOf(space, "web")).pid ?? 0)).toBe(pid);
    expect(existsSync(services.at("web/b/lock"))).toBe(true);
    expect(statSync(services.at("web/b/current")).mode & 0o777).toBe(0o744);
    await stop(space);
    const shown = linesOf(space.stdout(), "web").map((line) => `${line}\n`);
    const all = logged(services.at("web/a")) + logged(services.at("web/b")) + shown.join("");
    expect(gaps(numbersOf(all))).toEqual([]);
  });
});
