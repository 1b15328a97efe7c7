// Supervise directories on file systems that do not answer: the core never waits for one, and nothing is left of what it has
// asked for in vain.
import { closeSync, constants, openSync, readdirSync, writeSync } from "node:fs";
import { constants as os } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { buildCore, type Driver, type Running, start, startCore, type Tools } from "../helpers/core.ts";
import { eventually, timed } from "../helpers/eventually.ts";
import { hangHere, mountStoppable, needHanging, type Stoppable } from "../helpers/hung.ts";
import { children, send, stat } from "../helpers/proc.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";
import { isOffered } from "../helpers/supervise.ts";

let tools: Tools;
beforeAll(async () => {
  tools = await buildCore();
});
beforeEach(needHanging);

const { ETIMEDOUT, ENOENT } = os.errno;
/** As many children as work for the core at a time. */
const AT_ONCE = 8;

/** The answer to a request about the directory of this number. */
const answer = async (driver: Driver, number: number, asked: string) => {
  const [, , , errno] = await driver.heard("supervised", ([n, what]) => n === String(number) && what === asked);
  return Number(errno);
};
const answers = (driver: Driver) => driver.messages("supervised").map(({ fields }) => fields);
/** All that the core holds open. */
const open = ({ pid }: Running) => readdirSync(`/proc/${pid}/fd`).length;
/** The manager aside, who may be on his way out. */
const hands = ({ pid }: Running) => children(pid).filter((child) => stat(child)?.comm !== "driver");
/** Nobody works for it any more, and no descriptor has been lost. */
const isAsBefore = (core: Running, descriptors: number) =>
  eventually("nothing is left", () => hands(core).length === 0 && open(core) === descriptors);
/** The core answers, and reaps, at once. */
const lives = async (driver: Driver) => {
  const { active } = await timed(async () => {
    const { id } = await start(driver, "arg=/bin/true");
    const [serial = ""] = await driver.heard("exited", (fields) => fields[1] === id);
    driver.send("ack", serial);
  });
  expect(active).toBeLessThan(1000);
};
/** Who has brought something may be about to close it, and would wait for the answer, killed or not. */
const stopsFor = async (core: Running, disk: Stoppable) => {
  await eventually("nobody asks", () => hands(core).length === 0);
  await disk.stop();
};
const isFree = async (path: string) =>
  (await execa("flock", ["-n", join(path, "lock"), "true"], { reject: false })).exitCode === 0;
const tell = (path: string, letters: string) => {
  const fd = openSync(join(path, "control"), constants.O_WRONLY | constants.O_NONBLOCK);
  writeSync(fd, letters);
  closeSync(fd);
};
/** A place whose file system answers until it is stopped. */
const stoppable = async () => {
  const home = temporaryDirectory();
  return { home, path: join(home, "supervise"), disk: await mountStoppable(home) };
};
/** One that never does. */
const hung = async () => {
  const home = temporaryDirectory();
  await hangHere(home);
  return join(home, "supervise");
};
const begun = async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  // What its first start opens stays open.
  await lives(driver);
  return { core, driver, descriptors: open(core) };
};
const isAsked = (core: Running) => eventually("somebody asks", () => hands(core)[0]);

test("a lock and an offer that hang are answered for, and leave nothing behind", async () => {
  const { core, driver, descriptors } = await begun();
  const path = await hung();
  driver.send("supervise", "1", path, "1", "1");
  await isAsked(core);
  await lives(driver);
  expect(await answer(driver, 1, "lock")).toBe(ETIMEDOUT);
  await isAsBefore(core, descriptors);
  // It is as if it had never been asked.
  driver.send("offer", "1", "1");
  expect(await answer(driver, 1, "offer")).toBe(os.errno.EBADF);

  // One whose lock was taken while all was well.
  const covered = join(temporaryDirectory(), "supervise");
  driver.send("supervise", "2", covered, "1", "0");
  expect(await answer(driver, 2, "lock")).toBe(0);
  await hangHere(covered);
  driver.send("offer", "2", "1");
  await isAsked(core);
  await lives(driver);
  expect(await answer(driver, 2, "offer")).toBe(ETIMEDOUT);
  driver.send("release", "2");
  await isAsBefore(core, descriptors);
});

test("what hangs keeps what is asked later waiting, but never for long, and is asked by a few at a time", async () => {
  const { core, driver, descriptors } = await begun();
  const path = await hung();
  const good = await stoppable();
  const count = 2 * AT_ONCE + 1;
  for (let number = 1; number <= count; number++) driver.send("supervise", String(number), path, "1", "1");
  driver.send("supervise", "100", good.path, "1", "1");
  await isAsked(core);
  await lives(driver);
  // Those that have waited long enough are followed by as many.
  await eventually("as many as may ask", () => hands(core).length === AT_ONCE);
  expect(await answer(driver, 100, "lock")).toBe(0);
  expect(await isFree(good.path)).toBe(false);
  await eventually("all are answered", () => answers(driver).length === count + 1);
  expect(new Set(answers(driver).map(([, , , errno]) => errno))).toEqual(new Set(["0", String(ETIMEDOUT)]));
  // Answered in their order, those that hang.
  const told = answers(driver).map(([number]) => Number(number));
  expect(told.filter((number) => number < 100)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  driver.send("release", "100");
  await eventually("its lock is free", () => isFree(good.path));
  await isAsBefore(core, descriptors);
});

test("a release while it is under way leaves no descriptor, no lock and nobody who asks; then it may be asked anew", async () => {
  const { core, driver, descriptors } = await begun();
  const { home, path, disk } = await stoppable();
  driver.send("supervise", "1", path, "1", "1");
  expect(await answer(driver, 1, "lock")).toBe(0);
  await stopsFor(core, disk);
  driver.send("offer", "1", "1");
  await isAsked(core);
  driver.send("release", "1");
  await lives(driver);
  disk.goOn();
  await eventually("its lock is free", () => isFree(path));
  await isAsBefore(core, descriptors);
  expect(isOffered(home)).toBe(false);

  await stopsFor(core, disk);
  driver.send("supervise", "2", path, "1", "1");
  await isAsked(core);
  driver.send("release", "2");
  await lives(driver);
  disk.goOn();
  await eventually("nobody asks any more", () => hands(core).length === 0);
  // What he has handed over may be on its way still.
  await eventually("its lock is free", () => isFree(path));
  await isAsBefore(core, descriptors);
  // The second was told nothing, nor was the first of its fifos.
  expect(answers(driver)).toHaveLength(1);

  driver.send("supervise", "3", path, "1", "1");
  expect(await answer(driver, 3, "lock")).toBe(0);
  driver.send("offer", "3", "1");
  expect(await answer(driver, 3, "offer")).toBe(0);
  expect(isOffered(home)).toBe(true);
  tell(path, "d");
  await driver.heard("letter", ([, number, letter]) => number === "3" && letter === "d");
});

test("who takes over from a manager that has died meanwhile finds a lock that is held, or none", async () => {
  const { core, driver: first, descriptors } = await begun();
  const { home, path, disk } = await stoppable();
  first.send("supervise", "1", path, "1", "1");
  expect(await answer(first, 1, "lock")).toBe(0);
  await stopsFor(core, disk);
  first.send("offer", "1", "1");
  first.send("supervise", "2", join(home, "other"), "1", "1");
  await eventually("both are asked for", () => hands(core).length === 2);
  first.kill();
  // It is started by a fork of the core, which closes whatever the core has.
  const second = await core.manager();
  expect(second.messages("held").map(({ fields }) => fields)).toEqual([["1", "0", path]]);
  second.send("ready");
  await lives(second);
  await isAsBefore(core, descriptors + 1);
  disk.goOn();
  second.send("offer", "1", "1");
  expect(await answer(second, 1, "offer")).toBe(0);
  expect(isOffered(home)).toBe(true);
  second.send("supervise", "2", join(home, "other"), "0", "1");
  expect([0, ENOENT]).toContain(await answer(second, 2, "lock"));
  expect(answers(second)).toHaveLength(2);
});

test("a lock that is held where nobody answers any more is let go without a wait, and is free once somebody does", async () => {
  const { core, driver, descriptors } = await begun();
  const { home, path, disk } = await stoppable();
  driver.send("supervise", "1", path, "1", "1");
  expect(await answer(driver, 1, "lock")).toBe(0);
  driver.send("offer", "1", "1");
  expect(await answer(driver, 1, "offer")).toBe(0);
  tell(path, "u");
  const [serial = ""] = await driver.heard("letter");
  await stopsFor(core, disk);
  driver.send("ack", serial);
  await lives(driver);
  driver.send("release", "1");
  await lives(driver);
  disk.goOn();
  await eventually("its lock is free", () => isFree(path));
  await eventually("it is not offered any more", () => !isOffered(home));
  await isAsBefore(core, descriptors);
});

test("what is asked for right after it was let go is given, for the letting go comes first", async () => {
  const { driver } = await begun();
  const { path } = await stoppable();
  for (let number = 1; number <= 200; number++) {
    driver.send("supervise", String(number), path, "1", "1");
    expect(await answer(driver, number, "lock")).toBe(0);
    driver.send("release", String(number));
  }
});

test("who is killed as he asks has not answered, and is a fault of its own", async () => {
  const { core, driver, descriptors } = await begun();
  driver.send("supervise", "1", await hung(), "1", "1");
  send(await isAsked(core), "SIGKILL");
  expect(await answer(driver, 1, "lock")).toBe(os.errno.EIO);
  await isAsBefore(core, descriptors);
});
