// Service directories on a file system that is not of this machine: as long as it answers they are like any other, and once
// it answers again they are so again.
import { symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { becomes, ini, isWatching, marked, runs } from "../helpers/drop-in.ts";
import { eventually } from "../helpers/eventually.ts";
import { mountStoppable, needHanging, type Stoppable } from "../helpers/hung.ts";
import { launch } from "../helpers/pid-namespace.ts";
import { send } from "../helpers/proc.ts";
import { sleeper } from "../helpers/scripts.ts";
import { type ScanDir, scanDir, temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";

const web = { run: sleeper, ...ini };
/** Sooner than it would be tried again. */
const AT_ONCE = 900;

/** A scan directory with `web`, and a link to `far`, which is on a file system of its own. */
async function apart(
  word: string,
): Promise<{ readonly disk: Stoppable; readonly near: ScanDir; readonly far: string }> {
  const place = temporaryDirectory();
  const disk = await mountStoppable(place);
  const near = scanDir({ web });
  const far = join(place, "far");
  writeFiles(far, { run: marked(word), ...ini });
  symlinkSync(far, near.at("far"));
  return { disk, near, far };
}

test("one that answers is started, restarted by what is new in it, and gone with its link", async (context) => {
  needHanging(context);
  const { near, far } = await apart("76001");
  const space = await launch([near.path]);
  await allUp(space, "web", "far");
  await isWatching(near, space);
  await becomes(space, "76001");
  writeFiles(far, { run: marked("76002") });
  expect((await space.upkeep("restart", "far")).code).toBe(0);
  await becomes(space, "76002");
  const more = join(dirname(far), "more");
  writeFiles(more, web);
  symlinkSync(more, near.at("more"));
  await allUp(space, "more");
  near.remove("far");
  await eventually("it has gone", () => !runs(space, "76002"));
});

test("one that answers again takes orders as before, and what was started meanwhile runs", async (context) => {
  needHanging(context);
  const { disk, near, far } = await apart("76003");
  const space = await launch([near.path]);
  await isWatching(near, space);
  const before = await allUp(space, "web", "far");
  writeFiles(far, { run: marked("76004") });
  await disk.stop();
  expect((await space.upkeep("restart", "far")).stderr).toContain("its directory does not answer");
  send(before.get("far"), "SIGKILL");
  await eventually("it is tried", async () => (await statusOf(space, "far")).state === "starting");
  expect((await space.upkeep("restart", "web")).code).toBe(0);
  disk.goOn();
  await eventually("it is up", async () => (await allUp(space, "far")).get("far") !== before.get("far"));
  await eventually("its directory is known to answer", async () => (await statusOf(space, "far")).why === null);
  await becomes(space, "76004");
});

test("one that is silent at the start is let in as soon as it answers", async (context) => {
  needHanging(context);
  const { disk, near } = await apart("76005");
  await disk.stop();
  const space = await launch([near.path]);
  await allUp(space, "web");
  // It has been tried in vain, and will be tried ever more rarely.
  await eventually("it waits", async () => (await statusOf(space, "far")).why === "its directory does not answer");
  disk.goOn();
  await eventually("it runs", () => runs(space, "76005"), AT_ONCE);
});
