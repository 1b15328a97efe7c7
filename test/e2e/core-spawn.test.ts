// What a process gets from the core, seen from inside it; and what the core says where it cannot be started.

import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  buildCore,
  type CoreOptions,
  type Driver,
  failure,
  run,
  start,
  startCore,
  type Tools,
} from "../helpers/core.ts";
import { eventually } from "../helpers/eventually.ts";
import { need } from "../helpers/need.ts";
import { children, comesToRest, fds, isAlive, send, stat, status } from "../helpers/proc.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";

let tools: Tools;
beforeAll(async () => {
  tools = await buildCore();
});

const SELF = ["/bin/cat", "/proc/self/status"];
const ready = async (options?: CoreOptions): Promise<Driver> => (await startCore(tools, options)).ready();
const field = (text: Buffer, key: string) =>
  text
    .toString()
    .match(new RegExp(`^${key}:[ \\t]*(.*)$`, "m"))?.[1]
    ?.trim();

describe("a process", () => {
  test("is a session leader with default signals and an empty mask, whatever the core inherited", async () => {
    const driver = await ready({
      before: [tools.driver, "launch", "ignored:17", "ignored:15", "ignored:1", "ignored:40", "blocked", "--"],
    });
    const { output, pid, code } = await run(driver, SELF);
    expect(code).toBe("0");
    expect(["SigBlk", "SigIgn", "SigCgt", "SigPnd"].map((key) => field(output, key))).toEqual(
      Array(4).fill("0".repeat(16)),
    );
    const line =
      (await run(driver, ["/bin/cat", "/proc/self/stat"])).output.toString().split(") ")[1]?.split(" ") ?? [];
    expect(line[2]).toBe(line[3]);
    expect(pid).toBeGreaterThan(1);
  });

  test("has three descriptors, and others only where they are asked for", async () => {
    const driver = await ready();
    for (const notify of [3, 9, 255, 1023]) {
      driver.send("pipe", `n${notify}`, "1");
      const { pid } = await start(
        driver,
        "arg=/bin/sleep",
        "arg=60",
        "in=null",
        `out=pipe:n${notify}`,
        "err=null",
        `notify=${notify}`,
      );
      // The start is told in the midst of the exec, which closes one after the other.
      const open = await eventually("it has no others", () => {
        const found = fds(pid);
        expect([...found.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, notify]);
        return found;
      });
      expect([open.get(0), open.get(2)]).toEqual(["/dev/null", "/dev/null"]);
      expect(open.get(1)).toMatch(/^pipe:/);
      expect(open.get(notify)).toMatch(/^pipe:/);
      expect(open.get(notify)).not.toBe(open.get(1));
    }
  });

  test("has its own descriptors and no others where many are started at once, among many pipes", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const names = Array.from({ length: 40 }, (_, index) => `many${index}`);
    for (let i = 0; i < 600; i++) driver.send("pipe", `crowd${i}`, "1");
    for (const name of names) driver.send("pipe", name, "1");
    const started = await Promise.all(
      names.map((name) => start(driver, "arg=/bin/sleep", "arg=60", `out=pipe:${name}`, "notify=7")),
    );
    // As above, each may still be in the midst of its exec.
    const tables = await eventually("they have no others", () => {
      const found = started.map(({ pid }) => fds(pid));
      for (const open of found) expect([...open.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 7]);
      return found;
    });
    expect(new Set(tables.flatMap((open) => [open.get(1), open.get(7)])).size).toBe(2 * names.length);
    // Nobody but its process holds the other end of a notification pipe.
    for (const { id, pid } of started) {
      send(pid, "SIGKILL");
      await driver.heard("exited", (fields) => fields[1] === id);
    }
    for (const name of names) driver.send("shut", name);
    await eventually("the core holds the read end of each, and nothing else of the starts", () => {
      const held = [...fds(core.pid).values()];
      const times = (target: string | undefined) => held.filter((each) => each === target).length;
      return tables.every((open) => times(open.get(1)) === 1 && times(open.get(7)) === 0);
    });
  });

  test("has a log pipe that every user may open for writing and nobody else may read", async () => {
    const driver = await ready();
    driver.send("pipe", "web", "1");
    const { pid } = await start(driver, "arg=/bin/sleep", "arg=60", "out=pipe:web");
    expect(statSync(`/proc/${pid}/fd/1`).mode & 0o777).toBe(0o622);
  });

  test("reads a pipe as its standard input, and sees its end once it is shut", async () => {
    const driver = await ready();
    driver.send("pipe", "feed", "0");
    const { id } = await start(driver, "arg=/bin/cat", "in=pipe:feed", "out=null");
    await run(driver, ["/bin/sh", "-c", "echo hello"]);
    const writer = await start(driver, "arg=/bin/echo", "arg=hello", "out=pipe:feed");
    await driver.heard("exited", (fields) => fields[1] === writer.id);
    expect(driver.messages("exited").some(({ fields }) => fields[1] === id)).toBe(false);
    driver.send("shut", "feed");
    expect((await driver.heard("exited", (fields) => fields[1] === id)).slice(3)).toEqual(["0", "0"]);
  });

  test("gets identity, groups, directory, umask, nice, limits and no new privileges", async (context) => {
    need(context, "root");
    const driver = await ready();
    const directory = temporaryDirectory();
    const attributes = ["uid=54321", "gid=54322", "groups=54323,54324", `dir=${directory}`, "umask=23", "nice=5"];
    const limits = ["limit=7:100:200", "limit=4:0:0", "limit=1:-:-", "limit=6:5000:6000"];
    const { output } = await run(driver, SELF, ...attributes, ...limits, "no-new-privs=1");
    expect(field(output, "Uid")).toBe("54321\t54321\t54321\t54321");
    expect(field(output, "Gid")).toBe("54322\t54322\t54322\t54322");
    expect(field(output, "Groups")).toBe("54323 54324");
    expect(field(output, "Umask")).toBe("0027");
    expect(field(output, "NoNewPrivs")).toBe("1");
    expect(field(output, "CapEff")).toBe("0".repeat(16));
    const shown = (await run(driver, ["/bin/cat", "/proc/self/limits"], ...limits)).output.toString();
    expect(shown).toMatch(/Max open files +100 +200 /);
    expect(shown).toMatch(/Max core file size +0 +0 /);
    expect(shown).toMatch(/Max file size +unlimited +unlimited/);
    expect(shown).toMatch(/Max processes +5000 +6000 /);
    expect((await run(driver, ["/bin/pwd"], ...attributes)).output.toString()).toBe(`${directory}\n`);
    expect((await run(driver, ["/usr/bin/nice"], ...attributes)).output.toString()).toBe("5\n");
  });

  test("gets an empty list of groups where it is empty", async (context) => {
    need(context, "root");
    expect(field((await run(await ready(), SELF, "groups=", "gid=5")).output, "Groups")).toBe("");
  });

  test("gets the limit of open files that the core was started with, not the core's own", async () => {
    const core = await startCore(tools, { before: ["prlimit", "--nofile=123:456", "--"] });
    const { output } = await run(await core.ready(), ["/bin/sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -x"]);
    const [soft, hard] = output.toString().split("\n");
    expect([soft, hard]).toEqual(["123", "456"]);
  });

  test("is marked with its service's number, which all its descendants inherit", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const instance = BigInt(driver.messages("hello")[0]?.fields[3] ?? 0);
    const words = ["arg=/bin/sh", "arg=-c", "arg=/bin/cat /proc/self/limits; true", "out=pipe:marks"];
    driver.send("pipe", "marks", "1");
    const { fd } = await driver.handle(({ message }) => message.pipe === "marks");
    driver.send("spawn", "7.1", "4711", ...words);
    await driver.heard("exited", (fields) => fields[1] === "7.1");
    const soft = (await driver.read(fd)).toString().match(/Max file locks +(\d+)/)?.[1];
    expect(BigInt(soft ?? 0)).toBe((instance << 32n) | 4711n);
  });

  test("is told the name that argv0 gives it, and is found by the PATH of its own environment", async () => {
    const driver = await ready();
    const directory = temporaryDirectory();
    copyFileSync("/bin/cat", join(directory, "uncommon"));
    const { output } = await run(
      driver,
      ["uncommon", "/proc/self/cmdline"],
      "argv0=-odd",
      `set=PATH=/nowhere:${directory}`,
    );
    expect(output.toString()).toBe("-odd\0/proc/self/cmdline\0");
  });

  test("is looked for in the usual places where there is no PATH, and never in its directory", async () => {
    const driver = await ready();
    const directory = temporaryDirectory();
    copyFileSync("/bin/false", join(directory, "true"));
    copyFileSync("/bin/true", join(directory, "only-here"));
    expect((await run(driver, ["true"], "unset=PATH", `dir=${directory}`)).code).toBe("0");
    expect(await failure(driver, "arg=only-here", "unset=PATH", `dir=${directory}`)).toEqual([
      "exec",
      constants.errno.ENOENT,
    ]);
  });

  test("gets the core's environment byte for byte, less all doubles of what is set or removed", async () => {
    const driver = await ready({ before: [tools.driver, "launch", "raw", "--"] });
    const plain = (await run(driver, ["/bin/cat", "/proc/self/environ"])).output.toString("latin1").split("\0");
    expect(plain.slice(0, 7)).toEqual([
      "TWICE=first",
      "KEPT=1",
      "TWICE=second",
      "RAW=a\xffb",
      "no equals sign",
      "GONE=1",
      "GONE=2",
    ]);
    const changes = ["set=TWICE=new=1", "set=EMPTY=", "unset=GONE", "unset=NEVER", "set=WORD=zwölf"];
    const changed = (await run(driver, ["/bin/cat", "/proc/self/environ"], ...changes)).output
      .toString("latin1")
      .split("\0");
    expect(changed.filter((entry) => /^(TWICE|GONE|RAW|KEPT|EMPTY|NEVER|WORD|no )/.test(entry))).toEqual([
      ...[
        "KEPT=1",
        "RAW=a\xffb",
        "no equals sign",
        "TWICE=new=1",
        "EMPTY=",
        Buffer.from("WORD=zwölf").toString("latin1"),
      ],
    ]);
    expect(changed.length).toBe(plain.length - 4 + 3);
  });

  test("gets its death signal when the core dies", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const mortal = await start(driver, "arg=/bin/sleep", "arg=60", "death=9");
    const other = await start(driver, "arg=/bin/sleep", "arg=61");
    onTestFinished(() => void send(other.pid, "SIGKILL"));
    core.process.kill("SIGKILL");
    await eventually("the one is dead", () => !isAlive(mortal.pid));
    expect(isAlive(other.pid)).toBe(true);
  });

  test("says ready by a newline on its notification descriptor, once, and even just before its end", async () => {
    const driver = await ready();
    const both = await start(
      driver,
      "arg=/bin/sh",
      "arg=-c",
      "arg=printf x >&5; printf 'y\\nz' >&5; exec sleep 60",
      "notify=5",
    );
    await driver.heard("notify", (fields) => fields[0] === both.id);
    const quick = await start(driver, "arg=/bin/sh", "arg=-c", "arg=echo >&5", "notify=5");
    await driver.heard("exited", (fields) => fields[1] === quick.id);
    const never = await start(driver, "arg=/bin/sh", "arg=-c", "arg=printf x >&5", "notify=5");
    await driver.heard("exited", (fields) => fields[1] === never.id);
    const told = driver.messages().filter(({ name }) => name === "notify" || name === "exited" || name === "spawned");
    expect(told.map(({ name, fields }) => `${name} ${name === "exited" ? fields[1] : fields[0]}`)).toEqual([
      ...[`spawned ${both.id}`, `notify ${both.id}`, `spawned ${quick.id}`, `notify ${quick.id}`, `exited ${quick.id}`],
      ...[`spawned ${never.id}`, `exited ${never.id}`],
    ]);
  });
});

describe("a start that fails is told with its step and errno:", () => {
  const { ENOENT, EACCES, ENOEXEC, ENOTDIR, EPERM, EINVAL, EAGAIN, EMFILE } = constants.errno;
  let plain: string;
  let text: string;
  beforeAll(() => {
    const directory = temporaryDirectory();
    plain = join(directory, "plain");
    text = join(directory, "text");
    writeFileSync(plain, "not executable");
    writeFileSync(text, "no first line that says how");
    chmodSync(text, 0o755);
    mkdirSync(join(directory, "closed"), { mode: 0o700 });
  });
  const cases: readonly [title: string, words: () => string[], step: string, errno: number][] = [
    ["no such program", () => ["arg=/nowhere/at/all"], "exec", ENOENT],
    ["no such program in PATH", () => ["arg=surely-not-there"], "exec", ENOENT],
    ["an empty name", () => ["arg="], "exec", ENOENT],
    ["a program that is not executable", () => [`arg=${plain}`], "exec", EACCES],
    ["the same, by PATH", () => ["arg=plain", `set=PATH=${plain.slice(0, -6)}:/bin`], "exec", EACCES],
    ["text without a #! line", () => [`arg=${text}`], "exec", ENOEXEC],
    ["no such directory", () => ["arg=/bin/true", "dir=/nowhere"], "directory", ENOENT],
    ["a directory that is none", () => ["arg=/bin/true", `dir=${plain}`], "directory", ENOTDIR],
    ["a soft limit above the hard one", () => ["arg=/bin/true", "limit=7:200:100"], "limits", EINVAL],
    ["no program", () => [], "request", EINVAL],
    ["an unknown attribute", () => ["arg=/bin/true", "colour=red"], "request", EINVAL],
    ["a word without =", () => ["arg=/bin/true", "umask"], "request", EINVAL],
    ["an unknown pipe", () => ["arg=/bin/true", "out=pipe:none"], "pipe", EINVAL],
    ["an unknown stream", () => ["arg=/bin/true", "in=keyboard"], "request", EINVAL],
    ["a variable without =", () => ["arg=/bin/true", "set=NAME"], "request", EINVAL],
    ...[
      "uid=-1",
      "uid=4294967295",
      "gid=x",
      "groups=1,,2",
      "groups=1,",
      "umask=512",
      "nice=20",
      "nice= 1",
      "nice=+1",
    ].map((word): (typeof cases)[number] => [word, () => ["arg=/bin/true", word], "request", EINVAL]),
    ...[
      "limit=7",
      "limit=7:1",
      "limit=7:1:1:1",
      "limit=99:1:1",
      "limit=7:-1:1",
      "notify=2",
      "notify=1024",
      "death=65",
    ].map((word): (typeof cases)[number] => [word, () => ["arg=/bin/true", word], "request", EINVAL]),
    ["too many limits", () => ["arg=/bin/true", ...Array(17).fill("limit=7:10:10")], "request", EINVAL],
    ["too many groups", () => ["arg=/bin/true", `groups=${Array(1025).fill("7").join(",")}`], "request", EINVAL],
  ];

  test("every case of a table, with nothing left behind", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const before = fds(core.pid).size;
    const failures: Record<string, readonly [string, number]> = {};
    for (const [title, words] of cases) failures[title] = await failure(driver, "notify=7", ...words());
    expect(failures).toEqual(Object.fromEntries(cases.map(([title, , step, errno]) => [title, [step, errno]])));
    await eventually(
      "all is reaped and closed",
      () => children(core.pid).length === 1 && fds(core.pid).size === before,
    );
    expect(driver.messages("orphans")).toEqual([]);
    expect(driver.messages("exited")).toEqual([]);
  });

  test("another user, other groups, a better nice and a higher limit, where we are not root", async (context) => {
    need(context, "root", "setpriv");
    const core = await startCore(tools, {
      before: [
        "setpriv",
        "--reuid",
        "54321",
        "--regid",
        "54321",
        "--clear-groups",
        "prlimit",
        "--nofile=100:100",
        "--",
      ],
    });
    const driver = await core.ready();
    expect(await failure(driver, "arg=/bin/true", "uid=0")).toEqual(["user", EPERM]);
    expect(await failure(driver, "arg=/bin/true", "gid=0")).toEqual(["groups", EPERM]);
    expect(await failure(driver, "arg=/bin/true", "groups=0")).toEqual(["groups", EPERM]);
    expect(await failure(driver, "arg=/bin/true", "nice=-5")).toEqual(["nice", EACCES]);
    expect(await failure(driver, "arg=/bin/true", "limit=7:100:200")).toEqual(["limits", EPERM]);
    expect(await failure(driver, "arg=/bin/true", "dir=/root/nothing")).toEqual(["directory", EACCES]);
    expect((await run(driver, ["/usr/bin/id", "-u"], "uid=54321", "gid=54321")).output.toString()).toBe("54321\n");
  });

  test("no process can be created; the next start, once one can, succeeds", async (context) => {
    need(context, "root", "setpriv");
    // The kernel counts this user's processes on the whole machine.
    const nobodyElse = String(57_000 + (process.pid % 1000));
    const as = ["setpriv", "--reuid", nobodyElse, "--regid", nobodyElse, "--clear-groups"];
    const core = await startCore(tools, { before: [...as, "prlimit", "--nproc=3:3", "--"] });
    const driver = await core.ready();
    const first = await start(driver, "arg=/bin/sleep", "arg=60");
    expect(await failure(driver, "arg=/bin/true")).toEqual(["fork", EAGAIN]);
    driver.send("kill", first.id, "9", "1");
    await driver.heard("exited", (fields) => fields[1] === first.id);
    expect((await run(driver, ["/bin/true"])).code).toBe("0");
  });

  test("no descriptors are left, for a pipe or a start; the supervisor lives on", async () => {
    const core = await startCore(tools, { before: ["prlimit", "--nofile=128:128", "--"] });
    const driver = await core.ready();
    for (let i = 0; i < 70; i++) driver.send("pipe", `p${i}`, "1");
    const [tag = ""] = await driver.heard("piped", (fields) => fields[1] === String(EMFILE));
    const free = await driver.heard("piped", (fields) => fields[0] === "p69");
    expect(free[1]).toBe(String(EMFILE));
    expect(await failure(driver, "arg=/bin/true", "notify=3")).toEqual(["pipe", EMFILE]);
    for (let i = 0; i < 4; i++) driver.send("drop", `p${i}`);
    driver.send("pipe", tag, "1");
    await driver.heard("piped", (fields) => fields[0] === tag && fields[1] === "0");
    expect((await start(driver, "arg=/bin/true", "notify=3")).pid).toBeGreaterThan(1);
  });

  test("an id that lives already, a number that is none, an id that is none", async () => {
    const driver = await ready();
    const { id } = await start(driver, "arg=/bin/sleep", "arg=60");
    for (const [bad, number] of [
      [id, "1"],
      ["9.9", "0"],
      ["9.9", "x"],
      ["99", "1"],
      ["9.x", "1"],
      ["4294967296.1", "1"],
    ] as const) {
      const told = driver.messages("failed").length;
      driver.send("spawn", bad, number, "arg=/bin/true");
      const last = await eventually("it is refused", () => driver.messages("failed")[told]);
      expect(last.fields).toEqual([bad, "request", String(EINVAL)]);
    }
  });
});

test("what could not be started is gone by the time that this is told", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  const others = children(core.pid).length;
  for (let round = 1; round <= 20; round++) {
    for (let sequence = 1; sequence <= 20; sequence++)
      driver.send("spawn", `7.${round * 100 + sequence}`, "7", "arg=/nonexistent");
    await eventually("all have failed", () => driver.messages("failed").length === round * 20);
    expect(children(core.pid).length).toBe(others);
  }
});

test("an exec that hangs hangs alone: others start, pipes end, managers change, and the core does not spin", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  const slow = join(temporaryDirectory(), "slow");
  copyFileSync("/bin/true", slow);
  driver.send("pipe", "feed", "0");
  const reader = await start(driver, "arg=/bin/cat", "in=pipe:feed", "out=null");
  const holder = spawn(tools.driver, ["hold", slow], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void holder.kill("SIGKILL"));
  await eventually("the program is held", () => holder.stdout?.read());
  driver.send("spawn", "3.1", "3", `arg=${slow}`, "notify=4");
  await eventually("the start hangs", () => hanging(core.pid) !== null);
  // The hanging child holds no end of another's pipe.
  driver.send("shut", "feed");
  await driver.heard("exited", (fields) => fields[1] === reader.id);
  expect((await run(driver, ["/bin/echo", "on"])).output.toString()).toBe("on\n");
  send(driver.pid, "SIGKILL");
  const second = await core.ready();
  expect(second.messages("child").find(({ fields }) => fields[0] === "3.1")?.fields[3]).toBe("0");
  const { id } = await start(second, "arg=/bin/sh", "arg=-c", "arg=exit 3", "notify=4");
  await second.heard("exited", (fields) => fields[1] === id);
  await comesToRest(core.pid);
  expect(second.messages("spawned").some(({ fields }) => fields[0] === "3.1")).toBe(false);
  holder.stdin?.end();
  await second.heard("spawned", (fields) => fields[0] === "3.1");
  await second.heard("exited", (fields) => fields[1] === "3.1");
});

test("what hangs in its exec can be killed, and its end is told without a start", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  const slow = join(temporaryDirectory(), "slow");
  copyFileSync("/bin/true", slow);
  const holder = spawn(tools.driver, ["hold", slow], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void holder.kill("SIGKILL"));
  await eventually("the program is held", () => holder.stdout?.read());
  driver.send("spawn", "3.1", "3", `arg=${slow}`);
  const pid = await eventually("the start hangs", () => hanging(core.pid));
  expect(status(pid, "Name")).toBe("upkeep");
  driver.send("kill", "3.1", "9", "1");
  expect((await driver.heard("failed", (fields) => fields[0] === "3.1")).slice(1)).toEqual(["ended", "0"]);
  expect(driver.messages("spawned")).toEqual([]);
});

/** A child that is a copy of the core still, with its own three descriptors and the one that reports. */
function hanging(core: number): number | null {
  return children(core).find((pid) => stat(pid)?.comm === "upkeep" && fds(pid).size <= 5) ?? null;
}
