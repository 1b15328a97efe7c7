// Supervise directories on file systems that do not answer: their services run, the others notice nothing, and all is well
// once they answer.
import { closeSync, constants, mkdirSync, openSync, readFileSync, statSync, symlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { beforeEach, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { hang, hangHere, mountStoppable, needHanging } from "../helpers/hung.ts";
import { nextManager } from "../helpers/manager.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { children, fds, send, stat } from "../helpers/proc.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { isOffered, listener, sightOf } from "../helpers/supervise.ts";

beforeEach(needHanging);

const web: ServiceFiles = { run: listener };
/** Of many: it hears nothing, and takes no time. */
const sleeper: ServiceFiles = { run: "#!/bin/sh\necho start >> got\nexec sleep 1000\n" };
const got = (directory: string) => {
  try {
    return readFileSync(join(directory, "got"), "utf8");
  } catch {
    return ""; // it has not begun
  }
};
const tell = (directory: string, letters: string) => {
  const fd = openSync(join(directory, "supervise", "control"), constants.O_WRONLY | constants.O_NONBLOCK);
  writeSync(fd, letters);
  closeSync(fd);
};
/** PID 1 reaps, at once, whatever else it is asked. */
const reaps = async (space: Namespace) => {
  const { stdout } = await space.inside(["sh", "-c", "sh -c 'sleep 0.2 & echo $!'"]);
  const orphan = space.outer(Number(stdout)) ?? 0;
  await eventually("it is reaped", () => stat(orphan) === null, 1000);
};
const complaint = (name: string, directory: string) =>
  `cannot offer ${name} in ${directory}/supervise: its file system does not answer; this is tried again; sv does not reach it`;
const count = (text: string, part: string) => text.split(part).length - 1;

test("directories that do not answer at a boot hold up nobody but, for a second, their own services", async () => {
  const names = Array.from({ length: 12 }, (_, index) => `web${index}`);
  const directory = scanDir({ ...Object.fromEntries(names.map((name) => [name, sleeper])), other: web });
  const place = temporaryDirectory();
  await hangHere(place);
  for (const name of names) symlinkSync(join(place, name), directory.at(name, "supervise"));
  const space = await launch([directory.path]);
  await eventually("the other one runs", () => got(directory.at("other")) === "start\n", 2000);
  await reaps(space);
  await eventually("it is offered", () => isOffered(directory.at("other")), 3000);
  await eventually("they run", () => names.every((name) => got(directory.at(name)) === "start\n"), 3000);
  // Each of them after that, whenever we came to look.
  const offered = statSync(directory.at("other", "supervise", "ok")).ctimeMs;
  expect(names.filter((name) => statSync(directory.at(name, "got")).mtimeMs <= offered)).toEqual([]);
  await eventually("all are complained of", () =>
    names.every((name) => space.stderr().includes(`cannot offer ${name} `)),
  );
  for (const name of names) expect(count(space.stderr(), complaint(name, directory.at(name)))).toBe(1);
  tell(directory.at("other"), "1");
  await eventually("it hears", () => got(directory.at("other")) === "start\nUSR1\n", 1000);
  // Nobody who has asked in vain is left.
  await eventually("nobody asks", () => children(space.pid).length === names.length + 2);
  expect((await space.upkeep("restart", "web0")).code).toBe(0);
  await eventually("it has begun again", () => got(directory.at("web0")) === "start\nstart\n");
  space.signal("TERM");
  expect(await space.exit(5000)).toEqual({ code: 0 });
});

test("a directory is offered once it answers; a new manager meanwhile finds all as it was", async () => {
  const directory = scanDir({ web, other: web });
  const place = temporaryDirectory();
  const disk = await mountStoppable(place);
  symlinkSync(join(place, "made"), directory.at("web", "supervise"));
  await disk.stop();
  const space = await launch([directory.path]);
  const first = await nextManager(space, 0);
  await eventually("somebody asks", () =>
    children(space.pid).some((pid) => pid !== first && got(directory.at("other"))),
  );
  send(first, "SIGKILL");
  const second = await nextManager(space, first);
  await eventually("it runs", () => got(directory.at("web")) === "start\n", 5000);
  await eventually("it is complained of", () => space.stderr().includes(complaint("web", directory.at("web"))));
  // Where nobody asks at the moment.
  const open = () => children(space.pid).length === 3 && fds(space.pid).size;
  const descriptors = await eventually("nobody asks", open);
  disk.goOn();
  await eventually("it is offered", () => isOffered(directory.at("web")), 20_000);
  expect(sightOf(directory.at("web")).stat).toBe("run\n");
  tell(directory.at("web"), "h");
  await eventually("it hears", () => got(directory.at("web")) === "start\nHUP\n");
  // Its lock and fifos, as of every other one.
  await eventually("nobody asks any more", () => open() === descriptors + 3);
  expect(await nextManager(space, 0)).toBe(second);
  await disk.stop();
  await reaps(space);
  space.signal("TERM");
  expect(await space.exit(5000)).toEqual({ code: 0 });
});

test("a directory that somebody else supervises starts nothing, wherever it is", async () => {
  const directory = scanDir({ web, other: web });
  const place = temporaryDirectory();
  await mountStoppable(place);
  mkdirSync(join(place, "made"));
  symlinkSync(join(place, "made"), directory.at("web", "supervise"));
  const holder = execa("flock", ["-F", join(place, "made/lock"), "sleep", "1000"], { reject: false });
  const isHeld = async () =>
    (await execa("flock", ["-n", join(place, "made/lock"), "true"], { reject: false })).exitCode === 1;
  await eventually("it is held", isHeld);
  const space = await launch([directory.path]);
  await eventually("it is told", () => space.stderr().includes("web does not run here"));
  await eventually("the other one runs", () => got(directory.at("other")) === "start\n");
  expect(got(directory.at("web"))).toBe("");
  holder.kill();
  await eventually("it is free", async () => !(await isHeld()));
  expect((await space.upkeep("apply")).code).toBe(0);
  await eventually("it runs", () => got(directory.at("web")) === "start\n");
  await eventually("it is offered", () => isOffered(directory.at("web")));
});

test("what is mounted is known to the very next order", async () => {
  const names = Array.from({ length: 6 }, (_, index) => `web${index}`);
  const directory = scanDir(Object.fromEntries([...names, "other"].map((name) => [name, web])));
  const space = await launch([directory.path]);
  const other = directory.at("other");
  await eventually("all hear", () => [...names, "other"].every((name) => got(directory.at(name)) === "start\n"));
  const manager = await nextManager(space, 0);
  const started: Promise<{ readonly code: number | null }>[] = [];
  for (const [index, name] of names.entries()) {
    await eventually("it is offered", () => isOffered(directory.at(name)));
    tell(directory.at(name), "x");
    await eventually("it is let go", () => !isOffered(directory.at(name)));
    await hang(space, directory.at(name, "supervise"));
    started.push(space.upkeep("start", name));
    tell(other, "2");
    await eventually("the other one hears", () => count(got(other), "USR2") === index + 1);
  }
  expect((await Promise.all(started)).map(({ code }) => code)).toEqual(names.map(() => 0));
  expect(await nextManager(space, 0)).toBe(manager);
  space.signal("TERM");
  expect(await space.exit(5000)).toEqual({ code: 0 });
});

test("what is mounted while all runs, and does not answer, keeps PID 1 from nothing", async () => {
  const directory = scanDir({ web, other: web });
  const space = await launch([directory.path]);
  const [hung, other] = [directory.at("web"), directory.at("other")];
  await eventually("both are offered", () => isOffered(hung) && isOffered(other));
  await eventually("both hear", () => got(hung) === "start\n" && got(other) === "start\n");
  tell(hung, "x");
  await eventually("it is let go", () => !isOffered(hung));
  await hang(space, join(hung, "supervise"));
  const asked = space.upkeep("start", "web");
  await reaps(space);
  tell(other, "2");
  await eventually("the other one hears", () => got(other) === "start\nUSR2\n", 1000);
  expect((await asked).code).toBe(0);
  await eventually("it runs", () => got(hung).endsWith("start\n") && count(got(hung), "start") === 2, 3000);
  // It is stopped while nobody knows yet who has the lock.
  expect((await space.upkeep("stop", "web")).code).toBe(0);
  expect(got(hung).endsWith("TERM\n")).toBe(true);
  space.signal("TERM");
  expect(await space.exit(5000)).toEqual({ code: 0 });
});
