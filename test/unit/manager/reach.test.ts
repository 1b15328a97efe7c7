import { join } from "node:path";
import { expect, test } from "vitest";
import { createReach } from "../../../src/manager/reach.ts";
import { createMounts } from "../../../src/process/mounts.ts";
import { tree } from "../../helpers/tree.ts";
import { fakeClock } from "../log/fakes.ts";

const mount = (point: string, type: string) => `1 0 0:1 / ${point} rw - ${type} x rw`;

/** A tree in which `far` and `farther` are mounts of others; `answers` says whether a mount that is asked does. */
function disks(answers: (point: string) => boolean, table?: (root: string) => readonly string[]) {
  const root = tree({
    "near/run": "",
    "far/run": "",
    "farther/run": "",
    "to-far": { link: "far" },
    "far/on": { link: "../farther" },
    "to-on": { link: "far/on" },
    nowhere: { link: "nothing" },
  });
  const mounts =
    table ?? ((root) => [mount("/", "ext4"), mount(join(root, "far"), "nfs4"), mount(join(root, "farther"), "fuse")]);
  const clock = fakeClock();
  const asked: string[] = [];
  const returned: ((point: string) => void)[] = [];
  const reach = createReach(
    clock,
    createMounts(
      clock,
      () => mounts(root).join("\n"),
      () => {},
    ),
    {
      ask(point, done) {
        asked.push(point.replace(`${root}/`, ""));
        done(answers(point));
      },
      onReturn: (listener) => void returned.push(listener),
    },
  );
  const told = (name: string) => {
    let answer: boolean | undefined;
    reach.ask(join(root, name), (answers) => {
      answer = answers;
    });
    return answer;
  };
  return { clock, asked, told, isSure: (name: string) => reach.isSure(join(root, name)), reach, root, returned };
}

test("what is local, or leads nowhere, is gone to at once", () => {
  const { isSure, told, asked } = disks(() => false);
  expect(["near", "near/run", "nowhere", "absent/x"].map(isSure)).toEqual([true, true, true, true]);
  expect(told("near/run")).toBe(true);
  expect(asked).toEqual([]);
});

test("a link is followed as far as that keeps nobody waiting", () => {
  const { isSure, told, asked } = disks(() => false);
  expect(["far", "far/run", "to-far", "to-far/run", "to-on"].map(isSure)).toEqual([false, false, false, false, false]);
  expect(told("to-far")).toBe(false);
  expect(asked).toEqual(["far"]);
});

test("an answer is good for a moment, for all of its mount", () => {
  const { clock, isSure, told, asked } = disks(() => true);
  expect(told("to-far/run")).toBe(true);
  expect([isSure("far"), isSure("farther")]).toEqual([true, false]);
  clock.advance(250);
  expect(isSure("to-far")).toBe(true);
  clock.advance(1);
  expect(isSure("to-far")).toBe(false);
  expect(asked).toEqual(["far"]);
});

test("who asks gets an answer that is not older than his question", () => {
  const { clock, told, asked } = disks(() => true);
  for (const [pause, count] of [
    [0, 1],
    [0, 1],
    [1, 2],
    [50, 3],
  ] as const) {
    clock.advance(pause);
    expect(told("far")).toBe(true);
    expect(asked).toHaveLength(count);
  }
});

test("what a link leads to within a mount that answers is asked as well", () => {
  const { isSure, told, asked } = disks((point) => !point.endsWith("farther"));
  expect(told("to-on")).toBe(false);
  expect(asked).toEqual(["far", "farther"]);
  expect(isSure("to-far")).toBe(true);
});

test("where all mounts are local nothing is asked, nor looked at", () => {
  const { isSure, reach, asked } = disks(
    () => false,
    () => [mount("/", "overlay"), mount("/proc", "proc")],
  );
  expect(isSure("to-on")).toBe(true);
  expect(reach.isSureAt("/anywhere")).toBe(true);
  expect(asked).toEqual([]);
});

test("where no mounts are known each path is asked", () => {
  const { isSure, told, asked } = disks(
    () => true,
    () => [],
  );
  expect(told("near")).toBe(true);
  expect([isSure("near"), isSure("far")]).toEqual([true, false]);
  expect(asked).toEqual(["near"]);
});

test("an answer that comes when nobody waits for it any more is good for a moment, too", () => {
  const { told, isSure, reach, returned, root } = disks(() => false);
  const heard: string[] = [];
  reach.onReturn(() => heard.push("returned"));
  expect(told("far")).toBe(false);
  for (const tell of returned) tell(join(root, "far"));
  expect([isSure("far"), heard]).toEqual([true, ["returned"]]);
});
