// A file system that never answers holds up what it holds, and nothing else.
import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { hang, needHanging } from "../helpers/hung.ts";
import { nextManager } from "../helpers/manager.ts";
import { launch } from "../helpers/pid-namespace.ts";
import { type ServiceFiles, scanDir } from "../helpers/service-dir.ts";
import { isOffered, listener, sightOf } from "../helpers/supervise.ts";

const tell = (directory: string, letters: string) => {
  const fd = openSync(join(directory, "supervise", "control"), constants.O_WRONLY | constants.O_NONBLOCK);
  writeSync(fd, letters);
  closeSync(fd);
};
const web: ServiceFiles = { run: listener, "control/x": "#!/bin/sh\n" };
const got = (directory: string) => readFileSync(join(directory, "got"), "utf8");

describe("control/ that does not answer", () => {
  test("keeps no signal from its service, and no order from another one", async (context) => {
    needHanging(context);
    const directory = scanDir({ web, other: web });
    const space = await launch([directory.path]);
    const [hung, other] = [directory.at("web"), directory.at("other")];
    await eventually("both are offered", () => isOffered(hung) && isOffered(other));
    await eventually("both hear", () => got(hung) === "start\n" && got(other) === "start\n");
    const manager = await nextManager(space, 0);
    const { pid } = await eventually("it is seen to run", () => (sightOf(hung).pid > 0 ? sightOf(hung) : null));
    await hang(space, directory.at("web", "control"));
    for (const letter of "hc1") tell(hung, letter);
    tell(other, "h");
    await eventually("the other one hears", () => got(other) === "start\nHUP\n", 900);
    expect((await space.upkeep("status", "web")).code).toBe(0);
    await eventually("it hears, in order", () => got(hung) === "start\nHUP\nUSR1\n", 4000);
    expect((await space.upkeep("restart", "web")).code).toBe(0);
    await eventually("it runs again", () => ![0, pid].includes(sightOf(hung).pid));
    await eventually("it hears again", () => got(hung).endsWith("TERM\nstart\n"));
    // Nobody had to be replaced for it.
    expect(await nextManager(space, 0)).toBe(manager);
    space.signal("TERM");
    expect(await space.exit(6000)).toEqual({ code: 0 });
    expect(got(hung).endsWith("TERM\n")).toBe(true);
  });

  test("of many services leaves the scripts of the others to them", async (context) => {
    needHanging(context);
    const names = Array.from({ length: 6 }, (_, index) => `web${index}`);
    const script = "#!/bin/sh\necho script >> got\n";
    const directory = scanDir({
      ...Object.fromEntries(names.map((name) => [name, web])),
      other: { ...web, "control/h": script },
    });
    const space = await launch([directory.path]);
    await eventually("all are offered", () => [...names, "other"].every((name) => isOffered(directory.at(name))));
    await eventually("all hear", () => [...names, "other"].every((name) => got(directory.at(name)) === "start\n"));
    await hang(space, ...names.map((name) => directory.at(name, "control")));
    for (const name of names) tell(directory.at(name), "h");
    await eventually("all have it", () => names.every((name) => got(directory.at(name)) === "start\nHUP\n"), 8000);
    tell(directory.at("other"), "h");
    await eventually("the script has run", () => got(directory.at("other")) === "start\nscript\n", 900);
  });
});

test("supervise/ of a few services that does not answer leaves the files of the others true", async (context) => {
  needHanging(context);
  const names = Array.from({ length: 4 }, (_, index) => `web${index}`);
  const directory = scanDir(Object.fromEntries([...names, "other"].map((name) => [name, web])));
  const space = await launch([directory.path]);
  const all = [...names, "other"].map((name) => directory.at(name));
  await eventually("all are offered and hear", () => all.every((each) => isOffered(each) && got(each) === "start\n"));
  await hang(space, ...names.map((name) => directory.at(name, "supervise")));
  for (const name of names) expect((await space.upkeep("stop", name)).code).toBe(0);
  tell(directory.at("other"), "d");
  await eventually("it is to be seen", () => sightOf(directory.at("other")).stat === "down\n", 8000);
  space.signal("TERM");
  expect(await space.exit(12_000)).toEqual({ code: 0 });
});
