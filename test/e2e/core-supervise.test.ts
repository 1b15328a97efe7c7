// The core's part of supervise/: locks, fifos and letters, under the sanitizers.
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants as os } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, test } from "vitest";
import { buildCore, type Driver, failure, run, start, startCore, type Tools } from "../helpers/core.ts";
import { eventually } from "../helpers/eventually.ts";
import { hangHere, needHanging } from "../helpers/hung.ts";
import { children, comesToRest } from "../helpers/proc.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";
import { isOffered } from "../helpers/supervise.ts";

let tools: Tools;
beforeAll(async () => {
  tools = await buildCore();
});

const LETTERS = 16;
const EAGAIN = 11;

/** A service directory; `supervise` in it is what the core is told of. */
const place = () => {
  const home = temporaryDirectory();
  const path = join(home, "supervise");
  return {
    home,
    path,
    tell(letters: string) {
      const fd = openSync(join(path, "control"), constants.O_WRONLY | constants.O_NONBLOCK);
      writeSync(fd, letters);
      closeSync(fd);
    },
  };
};
/** The answer to a request about the directory of this number. */
const answer = async (driver: Driver, number: number, asked: string) => {
  const [, , step = "", errno] = await driver.heard(
    "supervised",
    ([n, what]) => n === String(number) && what === asked,
  );
  return [step, Number(errno)];
};
const letters = (driver: Driver) =>
  driver
    .messages("letter")
    .map(({ fields }) => fields[2])
    .join("");

describe.each([
  ["", "0"],
  [" by a child, where its file system may hang,", "1"],
])("what is asked for%s", (_text, hangs) => {
  const offer = async (driver: Driver, number: number, path: string) => {
    driver.send("supervise", String(number), path, "1", hangs);
    expect(await answer(driver, number, "lock")).toEqual(["", 0]);
    driver.send("offer", String(number), hangs);
    expect(await answer(driver, number, "offer")).toEqual(["", 0]);
  };

  test("a directory is made, locked and offered; nothing is made where that was not asked for", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const { home, path } = place();
    driver.send("supervise", "1", path, "0", hangs);
    expect(await answer(driver, 1, "lock")).toEqual(["directory", 2]);
    expect(readdirSync(home)).toEqual([]);
    await offer(driver, 2, path);
    expect(readdirSync(path).sort()).toEqual(["control", "lock", "ok"]);
    expect(["control", "lock", "ok", ""].map((name) => lstatSync(join(path, name)).mode & 0o777)).toEqual([
      0o600, 0o600, 0o600, 0o700,
    ]);
    expect(isOffered(home)).toBe(true);
    expect((await execa("flock", ["-n", join(path, "lock"), "true"], { reject: false })).exitCode).toBe(1);
    driver.send("release", "2");
    await eventually("it is let go", () => !isOffered(home));
    const isFree = async () =>
      (await execa("flock", ["-n", join(path, "lock"), "true"], { reject: false })).exitCode === 0;
    await eventually("its lock too", isFree);
  });

  test("where somebody else has the lock nothing starts under its number, until it is released", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const { path } = place();
    await offer(driver, 5, path);
    driver.send("supervise", "1", path, "1", hangs);
    expect(await answer(driver, 1, "lock")).toEqual(["lock", EAGAIN]);
    expect(await failure(driver, "arg=/bin/true")).toEqual(["lock", EAGAIN]);
    driver.send("offer", "1", hangs);
    expect(await answer(driver, 1, "offer")).toEqual(["lock", 9]);
    driver.send("release", "1");
    expect((await run(driver, ["true"])).code).toBe("0");
  });

  test("letters are told in their order until they are acknowledged, to every manager; what is none is not", async () => {
    const core = await startCore(tools);
    const first = await core.ready();
    const { path, tell } = place();
    await offer(first, 7, path);
    tell("d\0U!\x80u");
    await first.heard("letter", ([, , letter]) => letter === "u");
    expect(letters(first)).toBe("du");
    const [d] = first.messages("letter");
    expect(d?.fields[1]).toBe("7");
    first.send("ack", d?.fields[0] ?? "");
    // What it has said after that is answered, so that was heard.
    first.send("offer", "9", hangs);
    await answer(first, 9, "offer");
    first.kill();
    const second = await core.manager();
    expect(second.messages("held").map(({ fields }) => fields)).toEqual([["7", "1", path]]);
    expect(letters(second)).toBe("");
    // What comes while no manager is ready waits.
    tell("x");
    second.send("ready");
    await second.heard("letter", ([, , letter]) => letter === "x");
    expect(letters(second)).toBe("ux");
  });

  test("so many letters are kept and no more; the rest waits in the fifo", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const { path, tell } = place();
    await offer(driver, 7, path);
    const all = "abcdefghijklmnopqrstuvwxyz".repeat(4);
    tell(all);
    await eventually("the first have come", () => letters(driver).length === LETTERS);
    for (let acknowledged = 0; acknowledged < all.length; acknowledged++) {
      const { fields } = await eventually("the next one has come", () => driver.messages("letter")[acknowledged]);
      expect(driver.messages("letter").length).toBeLessThanOrEqual(acknowledged + LETTERS);
      driver.send("ack", fields[0] ?? "");
    }
    expect(letters(driver)).toBe(all);
    tell("d");
    await eventually("it is heard", () => letters(driver).endsWith("d"));
    await comesToRest(core.pid);
  });

  test("a letter for a directory that is released meanwhile harms nobody", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const { path, tell } = place();
    for (let round = 0; round < 20; round++) {
      const number = 10 + round;
      await offer(driver, number, path);
      tell("hhhhhh");
      driver.send("release", String(number));
      for (const { fields } of driver.messages("letter")) driver.send("ack", fields[0] ?? "");
    }
    expect((await run(driver, ["true"])).code).toBe("0");
  });

  test("what stands in the place of a file is replaced if it can be, and nothing behind a link is touched", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const { path, home } = place();
    const victim = join(temporaryDirectory(), "victim");
    mkdirSync(path);
    for (const name of ["lock", "control"]) symlinkSync(victim, join(path, name));
    await execa("mkfifo", [join(path, "ok.fifo")]);
    writeFileSync(join(path, "ok"), "no fifo");
    await offer(driver, 1, path);
    expect(existsSync(victim)).toBe(false);
    expect(isOffered(home)).toBe(true);
    const blocked = place();
    mkdirSync(join(blocked.path, "lock"), { recursive: true });
    driver.send("supervise", "2", blocked.path, "1", hangs);
    expect((await answer(driver, 2, "lock"))[0]).toBe("lock");
    const none = place();
    writeFileSync(none.path, "");
    driver.send("supervise", "3", none.path, "1", hangs);
    expect(await answer(driver, 3, "lock")).toEqual(["directory", 20]);
    const long = place();
    symlinkSync(`/${"x".repeat(4000)}`, long.path);
    driver.send("supervise", "4", long.path, "1", hangs);
    expect((await answer(driver, 4, "lock"))[0]).toBe("directory");
  });

  test("fifos are not opened in a directory that has taken the place of the locked one", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const { path } = place();
    driver.send("supervise", "1", path, "1", hangs);
    expect(await answer(driver, 1, "lock")).toEqual(["", 0]);
    await execa("mv", [path, `${path}.old`]);
    mkdirSync(path);
    writeFileSync(join(path, "lock"), "");
    driver.send("offer", "1", hangs);
    expect(await answer(driver, 1, "offer")).toEqual(["directory", 116]);
    expect(readdirSync(path)).toEqual(["lock"]);
  });

  test("a link to a directory yet to be made is followed from where it stands", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const { path, home } = place();
    symlinkSync("elsewhere", path);
    await offer(driver, 1, path);
    expect(readdirSync(join(home, "elsewhere")).sort()).toEqual(["control", "lock", "ok"]);
  });

  test("where descriptors are scarce pipes come first, and nobody is told of what he does not have", async () => {
    const core = await startCore(tools, { before: ["prlimit", "--nofile=256"] });
    const driver = await core.ready();
    const homes = Array.from({ length: 66 }, () => place());
    for (const [i, { path }] of homes.entries()) driver.send("supervise", String(i + 1), path, "1", hangs);
    const answers = (asked: string) =>
      eventually(`all ${asked}s are answered`, () => {
        const told = driver.messages("supervised").filter(({ fields }) => fields[1] === asked);
        return told.length === homes.length;
      });
    await answers("lock");
    for (const [i] of homes.entries()) driver.send("offer", String(i + 1), hangs);
    await answers("offer");
    // Who has opened a fifo in vain reads it until he is gone.
    await eventually("nobody asks any more", () => children(core.pid).length === 1);
    const offered = () => homes.filter(({ home }) => isOffered(home)).length;
    const before = offered();
    expect(before).toBeGreaterThan(20);
    expect(before).toBeLessThan(homes.length);
    for (let i = 0; i < 90; i++) driver.send("pipe", `p${i}`, "0");
    const last = await driver.heard("piped", ([tag]) => tag === "p89");
    expect(last).toEqual(["p89", "0"]);
    expect(offered()).toBeLessThan(before);
    // The telling may be on its way still.
    await eventually("each is told", () => {
      const told = driver.messages("supervised").filter(({ fields }) => fields[1] === "yield").length;
      expect(told).toBeGreaterThanOrEqual(before - offered());
      return true;
    });
    const { pid } = await start(driver, "arg=/bin/sleep", "arg=60");
    expect(pid).toBeGreaterThan(0);
  });
});

const STATUS = "00000004aabbccddeeff00112233445566778899";
const inscribe = (driver: Driver, number: number, path: string, stat: string) =>
  driver.send("inscribe", String(number), path, "4321\n", stat, STATUS);
const inscribed = async (driver: Driver, number: number) =>
  Number((await driver.heard("inscribed", ([n]) => n === String(number)))[1]);

describe("the files that tell of the state", () => {
  test("are written as they are asked for, the last time last, and whatever lay in their place is gone", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const { home, path } = place();
    mkdirSync(path);
    writeFileSync(join(home, "elsewhere"), "as before");
    symlinkSync(join(home, "elsewhere"), join(path, "pid.new"));
    symlinkSync(join(home, "elsewhere"), join(path, "stat"));
    inscribe(driver, 1, path, "down\n");
    inscribe(driver, 2, path, "run\n");
    expect([await inscribed(driver, 1), await inscribed(driver, 2)]).toEqual([0, 0]);
    expect(readFileSync(join(path, "pid"), "utf8")).toBe("4321\n");
    expect(readFileSync(join(path, "stat"), "utf8")).toBe("run\n");
    expect(readFileSync(join(path, "status")).toString("hex")).toBe(STATUS);
    expect(readdirSync(path).sort()).toEqual(["pid", "stat", "status"]);
    expect(readFileSync(join(home, "elsewhere"), "utf8")).toBe("as before");
    await eventually("nobody is left who writes", () => children(core.pid).length === 1);
  });

  test("that cannot be written are told of with the errno, and keep no other waiting", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const { home, path } = place();
    mkdirSync(join(path, "stat", "full"), { recursive: true });
    const other = place();
    mkdirSync(other.path);
    inscribe(driver, 1, path, "run\n");
    inscribe(driver, 2, join(home, "nowhere"), "run\n");
    inscribe(driver, 3, other.path, "run\n");
    driver.send("inscribe", "4", other.path, "", "run\n", "00");
    const { EISDIR, ENOENT, EINVAL } = os.errno;
    const told = [await inscribed(driver, 1), await inscribed(driver, 2), await inscribed(driver, 3)];
    expect(told).toEqual([EISDIR, ENOENT, 0]);
    expect(await inscribed(driver, 4)).toBe(EINVAL);
    expect(readdirSync(path).sort()).toEqual(["pid", "stat"]);
  });

  test("on a disk that hangs keep nobody waiting for long", async (context) => {
    needHanging(context);
    const core = await startCore(tools);
    const driver = await core.ready();
    const [hung, good] = [place(), place()];
    await hangHere(hung.home);
    mkdirSync(good.path);
    inscribe(driver, 1, hung.path, "run\n");
    inscribe(driver, 2, good.path, "run\n");
    // It may have been asked for together with the one that hangs; then it is to be asked for again.
    expect(await inscribed(driver, 1)).toBe(os.errno.ETIMEDOUT);
    if ((await inscribed(driver, 2)) === os.errno.EINTR) inscribe(driver, 3, good.path, "run\n");
    await eventually("the other one is written", () => existsSync(join(good.path, "status")));
    // The core itself has never waited.
    expect((await run(driver, ["/bin/true"])).code).toBe("0");
  });
});
