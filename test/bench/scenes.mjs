// What is done with a booted subject, and the figures taken from it. A scene is one boot; it may serve several rows.
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { memoryOf, tree } from "./memory.mjs";
import { openStage } from "./stage.mjs";
import { lay, programFile } from "./subjects.mjs";

const bootLimitMs = 60_000;
const restartLimitMs = 10_000;
const stopLimitMs = 60_000;
const orphansLimitMs = 60_000;
const offerLimitMs = 10_000;
const settleMs = 1_200;
const stableMs = 2_200;
const restMs = 10_000;

/**
 * `services`: how many directories; `program`: what their `run` is; `times`: boots per round; `rows`: whom it serves;
 * `logs`: each has a log file.
 */
export const scenes = [
  { rows: "a", services: 1, times: 5, act: first },
  { rows: "cfk", services: 10, act: restartAndStatus },
  { rows: "e", services: 1, program: "stream", act: orphans },
  { rows: "e", services: 1, program: "burst", act: orphans },
  { rows: "g", services: 1, act: crowd },
  { rows: "hj", services: 1, act: runTrue },
  { rows: "i", services: 1, program: "latency", act: latency },
  { rows: "g", services: 100, act: crowd },
  { rows: "bdgk", services: 1000, act: crowd },
  { rows: "l", services: 1000, logs: true, act: loggers },
];

/**
 * Plays one scene with one subject and returns [measure, value] pairs; a value is a number in the measure's unit or a
 * sentence that says what did not happen.
 */
export async function play(scene, subject, paths, wanted) {
  const dir = join(paths.work, "services");
  const output = join(paths.work, "output");
  rmSync(dir, { recursive: true, force: true });
  rmSync(join(paths.work, "logs"), { recursive: true, force: true });
  mkdirSync(dir);
  writeFileSync(output, "");
  const program = scene.program === "latency" && !subject.isInit ? "direct" : (scene.program ?? "service");
  const names = lay(subject, dir, scene.services, paths[program], scene.logs && join(paths.work, "logs"));
  const env = { PATH: process.env.PATH, HOME: "/", UPKEEP_NODE: paths.node, SVDIR: dir };
  const stage = await openStage({ paths, argv: subject.argv(dir, paths, names[0]), output, env });
  const takes = (row) => wanted.includes(row) && subject.rows.includes(row);
  try {
    return await scene.act({ stage, subject, scene, dir, names, paths, takes });
  } finally {
    await stage.close();
  }
}

/** Whether a subject plays in a scene, given the wanted rows. */
export const plays = (scene, subject, wanted) =>
  (!subject.isInit || scene.services === 1) &&
  [...scene.rows].some((row) => wanted.includes(row) && subject.rows.includes(row));

async function first({ stage, subject }) {
  if (subject.endsAtOnce) return [["a", since(stage.startedAt, await stage.exited(bootLimitMs), "did not end")]];
  const records = await stage.records(1, bootLimitMs);
  return [["a", since(stage.startedAt, records?.[0].at, "did not start it")]];
}

async function restartAndStatus({ stage, subject, scene, dir, names, takes }) {
  const up = await stage.records(scene.services, bootLimitMs);
  if (up === undefined) return [["c", "did not start them"]];
  const values = [];
  if (takes("c")) {
    await pause(stableMs);
    const pids = tree(stage.pid);
    for (const [index, { pid }] of up.slice(0, 5).entries()) {
      const killedAt = await stage.signal(stage.outerPid(pid, pids), "SIGKILL");
      const again = await stage.records(scene.services + index + 1, restartLimitMs);
      values.push(["c", since(killedAt, again?.at(-1).at, "did not restart it")]);
    }
  }
  if (takes("f")) {
    const command = subject.status(dir, names[0]);
    await stage.time(1, command); // its pages come into memory
    for (const took of await stage.time(10, command)) values.push(["f", since(0, took, "failed")]);
  }
  if (takes("k")) values.push(...(await svStatus(stage, subject, names.slice(0, 1))));
  return values;
}

async function svStatus(stage, subject, names) {
  const command = [...subject.sv, "status", ...names];
  const before = performance.now() + offerLimitMs;
  // What it reads may come a little after the services; and its pages come into memory.
  while ((await stage.time(3, command))[2] === undefined && performance.now() < before) await pause(20);
  const times = await stage.time(names.length === 1 ? 40 : 10, command);
  return times.map((took) => [`k${names.length}`, since(0, took, "failed")]);
}

async function runTrue({ stage, subject, takes }) {
  if ((await stage.records(1, bootLimitMs)) === undefined) return [["h", "did not start it"]];
  const values = [];
  if (takes("h")) {
    const command = [...(subject.init ?? []), "true"];
    await stage.time(3, command); // its pages come into memory
    for (const took of await stage.time(40, command)) values.push(["h", since(0, took, "failed")]);
  }
  if (takes("j")) values.push(["j", statSync(programFile(subject.init[0])).size / 1000]);
  return values;
}

async function latency({ stage }) {
  const records = await stage.records(1, orphansLimitMs);
  return [["i", records === undefined ? "did not hand them on" : records[0].took / 1e3]];
}

async function orphans({ stage, scene }) {
  const records = await stage.records(1, orphansLimitMs);
  const key = scene.program === "stream" ? "e1" : "e2";
  if (records === undefined) return [[key, "did not run it"]];
  const { took, waiting, left } = records[0];
  const value = left > 0 ? `${left} left after 8 s` : took / 1e6;
  return [
    [key, value],
    [`${key}w`, waiting],
  ];
}

async function crowd({ stage, subject, scene, names, paths, takes }) {
  const size = scene.services;
  const records = await stage.records(size, bootLimitMs);
  const last = records && Math.max(...records.map(({ at }) => at));
  const values = [];
  if (size === 1000 && takes("b")) values.push(["b", since(stage.startedAt, last, "did not start them all")]);
  if (records === undefined) return values;
  await pause(settleMs);
  if (takes("g")) {
    const { pssKb, privateKb, processes } = memoryOf(stage.pid, paths.service);
    values.push([`g${size}`, pssKb / 1024], [`g${size}p`, privateKb / 1024], [`g${size}n`, processes]);
  }
  if (size === 1000 && takes("k")) values.push(...(await svStatus(stage, subject, names)));
  if (size === 1000 && takes("d")) {
    const toldAt = await stage.signal(stage.pid, subject.stop ?? "SIGTERM");
    values.push(["d", since(toldAt, await stage.exited(stopLimitMs), "did not end in 60 s")]);
  }
  return values;
}

async function loggers({ stage, scene, paths }) {
  if ((await stage.records(scene.services, bootLimitMs)) === undefined) return [["l", "did not start them all"]];
  await pause(settleMs);
  const soon = memoryOf(stage.pid, paths.service);
  await pause(restMs - settleMs);
  const rest = memoryOf(stage.pid, paths.service);
  return [
    ["l", soon.pssKb / 1024],
    ["lr", rest.pssKb / 1024],
    ["ln", rest.processes],
  ];
}

const since = (from, to, failure) => (from === undefined || to === undefined ? failure : (to - from) / 1e6);
