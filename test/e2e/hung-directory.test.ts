// A service directory, or the scan directory, on a file system that never answers costs what is in it, and nothing else.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { becomes, ini, isWatching, marked, runs } from "../helpers/drop-in.ts";
import { eventually, throughout, timed } from "../helpers/eventually.ts";
import { hang, hangHere, needHanging } from "../helpers/hung.ts";
import { nextManager } from "../helpers/manager.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { send } from "../helpers/proc.ts";
import { sleeper } from "../helpers/scripts.ts";
import { type ScanDir, type ServiceFiles, scanDir } from "../helpers/service-dir.ts";
import { allUp, statuses, statusOf } from "../helpers/status.ts";

const web = { run: sleeper, ...ini };
/** No command takes longer, whatever hangs, once that is known; the first one may have to find out. */
const PROMPT = 1000;
const FIRST = 2500;

/** A scan directory with `web`, and links to the services of another directory. */
function linked(far: Readonly<Record<string, ServiceFiles>>): { readonly near: ScanDir; readonly far: ScanDir } {
  const directories = { near: scanDir({ web }), far: scanDir(far) };
  for (const name of Object.keys(far)) symlinkSync(directories.far.at(name), directories.near.at(name));
  return directories;
}

/** The mount is gone, and what it lay over is seen again. */
async function comeBack(space: Namespace, place: string): Promise<void> {
  expect((await space.inside(["umount", "-l", place])).code).toBe(0);
}

async function command(
  space: Namespace,
  within: number,
  ...words: readonly string[]
): Promise<readonly [number, string]> {
  const { result, active } = await timed(() => space.upkeep(...words));
  expect(active, words.join(" ")).toBeLessThan(within);
  return [result.code, [result.stdout, result.stderr].filter((text) => text !== "").join("\n")];
}

const isSilent = async (space: Namespace, name: string) =>
  (await statusOf(space, name)).why === "its directory does not answer";

describe("a service directory that does not answer", () => {
  test("keeps neither drop-ins, nor the crash of another, nor a command waiting", async (context) => {
    needHanging(context);
    const { near, far } = linked({ far: web, other: web });
    const space = await launch([near.path]);
    await allUp(space, "web", "far", "other");
    await isWatching(near, space);
    const manager = await nextManager(space, 0);
    await hang(space, far.path);
    near.write("dropped", { run: marked("75001"), ...ini });
    await eventually("it runs", () => runs(space, "75001"), PROMPT);
    await command(space, PROMPT, "status");
    await eventually(
      "it is known",
      async () => (await isSilent(space, "far")) && (await isSilent(space, "other")),
      FIRST,
    );
    const before = await allUp(space, "web", "far", "other");
    send(before.get("web"), "SIGKILL");
    await eventually(
      "it is up again",
      async () => (await allUp(space, "web")).get("web") !== before.get("web"),
      PROMPT,
    );
    // Nothing that runs was stopped for it.
    expect(await allUp(space, "far", "other")).toEqual(new Map([...before].filter(([name]) => name !== "web")));
    near.remove("dropped");
    await eventually("it has gone", () => !runs(space, "75001"), PROMPT);
    expect(space.stderr().match(/service\/far does not answer/g)).toHaveLength(1);
    expect(await nextManager(space, 0)).toBe(manager);
    space.signal("TERM");
    expect(await space.exit(6000)).toEqual({ code: 0 });
  });

  test("has its service stopped and started as it was, never restarted, and takes up what is new once it answers", async (context) => {
    needHanging(context);
    const { near, far } = linked({ far: { run: marked("75002"), ...ini } });
    const space = await launch([near.path]);
    const { far: pid } = Object.fromEntries(await allUp(space, "web", "far"));
    far.write("far", { run: marked("75003") });
    await hang(space, far.path);
    expect(await command(space, FIRST, "restart", "far")).toEqual([
      1,
      "far: cannot restart: its directory does not answer, and it would not come up again; it goes on as it is",
    ]);
    expect((await allUp(space, "far")).get("far")).toBe(pid);
    expect((await command(space, PROMPT, "stop", "far"))[0]).toBe(0);
    expect(runs(space, "75002")).toBe(false);
    expect(await command(space, PROMPT, "start", "--no-wait", "far")).toEqual([0, "far: told to start"]);
    expect(await statusOf(space, "far")).toMatchObject({ state: "starting", why: "its directory does not answer" });
    await command(space, PROMPT, "stop", "far");
    expect((await statusOf(space, "far")).state).toBe("down");
    await comeBack(space, far.path);
    expect((await command(space, FIRST, "start", "far"))[0]).toBe(0);
    await becomes(space, "75003");
  });

  test("is named by apply and HUP, which do the rest", async (context) => {
    needHanging(context);
    const { near, far } = linked({ far: web });
    const space = await launch([near.path]);
    const before = await allUp(space, "web", "far");
    await hang(space, far.path);
    near.write("web", { "service.ini": "settle = 11ms" });
    const [code, said] = await command(space, FIRST, "apply");
    expect([code, said]).toEqual([1, expect.stringMatching(/updated|restarted/)]);
    expect(said).toContain(`${near.at("far")}: error: does not answer: its service is left as it is`);
    near.write("web", { run: marked("75004") });
    space.signal("HUP");
    await eventually("it is applied", () => /applied: web restarted|applied: nothing/.test(space.stderr()), PROMPT);
    expect((await allUp(space, "far")).get("far")).toBe(before.get("far"));
  });

  test("is left alone where it is a mount in the scan directory, however many there are", async (context) => {
    needHanging(context);
    const names = Array.from({ length: 9 }, (_, index) => `web${index}`);
    const near = scanDir(Object.fromEntries([...names, "web"].map((name) => [name, web])));
    const space = await launch([near.path]);
    await allUp(space, ...names);
    await isWatching(near, space);
    await hang(space, ...names.map((name) => near.at(name)));
    near.write("75009", { run: marked("75009"), ...ini });
    await eventually("it runs", () => runs(space, "75009"), PROMPT);
    // More than there are threads.
    await eventually("all are known", async () => {
      const silent = await Promise.all(names.map((name) => isSilent(space, name)));
      return !silent.includes(false);
    });
    for (const word of ["75010", "75011", "75012"]) {
      near.write(word, { run: `#!/bin/sh\necho says ${word}\nexec sleep ${word}\n`, ...ini });
      await eventually("it runs", () => runs(space, word), PROMPT);
      await eventually("its output is read", () => space.output().includes(`says ${word}`), PROMPT);
      await command(space, FIRST, "status");
    }
    expect(await allUp(space, ...names)).toHaveProperty("size", names.length);
  });
});

describe("at boot", () => {
  test("a directory that does not answer keeps nobody else down, and is started once it answers", async (context) => {
    needHanging(context);
    const { near, far } = linked({ far: web });
    near.write("after", { run: sleeper, "service.ini": "settle = 10ms\nrequires = web\n" });
    await hangHere(far.path);
    const space = await launch([near.path]);
    await allUp(space, "web");
    await eventually("what comes after it is up", async () => (await allUp(space, "after")).size === 1, FIRST);
    expect(await statusOf(space, "far")).toMatchObject({ state: "incomplete", why: "its directory does not answer" });
    expect(await command(space, PROMPT, "start", "far")).toEqual([
      1,
      "far: cannot start: its directory does not answer",
    ]);
    await comeBack(space, far.path);
    await allUp(space, "far");
  });

  test("a scan directory that does not answer keeps the command beside it not waiting, and is looked into once it does", async (context) => {
    needHanging(context);
    const near = scanDir({ web });
    await hangHere(near.path);
    const space = await launch(["run", near.path, "--", "sleep", "75009"]);
    await eventually("the command runs", () => runs(space, "75009"), FIRST + PROMPT);
    await eventually("it is told", () => space.stderr().includes(`${near.path} does not answer`), FIRST);
    expect((await statuses(space)).map(({ name }) => name)).toEqual(["main"]);
    await comeBack(space, near.path);
    await allUp(space, "web");
    space.signal("TERM");
    expect(await space.exit(6000)).toEqual({ code: 143 });
  });
});

test("a scan directory that falls silent stops nothing, not even under another manager, and is followed again once it answers", async (context) => {
  needHanging(context);
  const near = scanDir({ web });
  const space = await launch([near.path]);
  const before = await allUp(space, "web");
  await isWatching(near, space);
  await hang(space, near.path);
  expect(await command(space, FIRST, "apply")).toEqual([
    1,
    "nothing has changed\nscan directory: error: does not answer: nothing is changed",
  ]);
  const manager = await nextManager(space, 0);
  send(manager, "SIGKILL");
  await nextManager(space, manager);
  await throughout("it stays", async () => (await allUp(space, "web")).get("web") === before.get("web"), PROMPT);
  await comeBack(space, near.path);
  near.write("dropped", web);
  await allUp(space, "dropped");
});

test("where nothing tells of mounts, what answers is worked with like any other", async () => {
  const { near, far } = linked({ far: { run: marked("75005"), ...ini } });
  const space = await launch([near.path], { setup: "mount -t tmpfs tmpfs /proc" });
  await allUp(space, "web", "far");
  await isWatching(near, space);
  far.write("far", { run: marked("75006") });
  expect((await command(space, FIRST, "restart", "far"))[0]).toBe(0);
  await eventually("the new one runs", () => runs(space, "75006"));
  near.write("dropped", { run: marked("75007"), ...ini });
  await eventually("it runs", () => runs(space, "75007"), PROMPT);
  near.remove("dropped");
  await eventually("it has gone", () => !runs(space, "75007"));
});

test("a switch from a set that does not answer to one that does works, and back it is refused", async (context) => {
  needHanging(context);
  const root = scanDir({ placeholder: {} });
  const [one, two] = [root.at("one"), root.at("two")];
  for (const set of [one, two]) mkdirSync(set);
  const sets = { [one]: "75007", [two]: "75008" };
  for (const [set, word] of Object.entries(sets)) {
    mkdirSync(`${set}/web`);
    writeFileSync(`${set}/web/run`, marked(word), { mode: 0o755 });
    writeFileSync(`${set}/web/service.ini`, ini["service.ini"]);
  }
  symlinkSync("one", root.at("current"));
  const space = await launch([root.at("current")]);
  await allUp(space, "web");
  await hang(space, one);
  expect((await command(space, FIRST + PROMPT, "switch", "two"))[0]).toBe(0);
  expect(runs(space, "75007")).toBe(false);
  await becomes(space, "75008");
  const [code, said] = await command(space, FIRST, "switch", "one");
  expect([code, said]).toEqual([1, `upkeep: cannot switch: ${one}: it does not answer`]);
  expect(runs(space, "75008")).toBe(true);
});
