import { readdirSync } from "node:fs";
import { errorCode, type Problem } from "../base/errors.ts";
import { readEnvDir } from "./env-dir.ts";
import { readCommandFile } from "./execline.ts";
import { noPipeline, type Pipeline } from "./pipeline.ts";
import { clause } from "./read-file.ts";
import { type Layer, noLayer } from "./read-keys.ts";
import { inspectRun } from "./run-file.ts";
import { readS6, type S6Files } from "./s6-dir.ts";
import { readServiceIni } from "./service-ini.ts";

/** All that the files of one service directory say, `log/` left aside. */
export interface ServiceDir {
  /** service.ini, which wins, over the files of s6. */
  readonly ini: Layer;
  readonly run: readonly [string, ...string[]] | null;
  readonly check: string | null;
  readonly finish: string | null;
  /** The `down` of a oneshot of s6-rc. */
  readonly undo: readonly [string, ...string[]] | null;
  /** `run` and `finish` are to be started as s6 starts them. */
  readonly isS6: boolean;
  readonly pipeline: Pipeline;
  readonly down: boolean;
  readonly env: Readonly<Record<string, string | null>>;
  readonly hasLog: boolean;
  /** Why it cannot run yet, where time may mend it. */
  readonly incomplete: string | null;
  readonly problems: readonly Problem[];
}

const nobody: ServiceDir = {
  ini: noLayer,
  run: null,
  check: null,
  finish: null,
  undo: null,
  isS6: false,
  pipeline: noPipeline,
  down: false,
  env: Object.freeze({}),
  hasLog: false,
  incomplete: null,
  problems: [],
};

// A `log` that is a file, or a link to nothing, is no logger.
const ABSENT = new Set(["ENOENT", "ENOTDIR"]);

/** Reads a service directory. `prefix` (`log/`) goes before file names in sentences; null says there is no such `log`. */
export function readServiceDir(home: string, prefix: string): ServiceDir | null {
  let names: string[];
  try {
    names = readdirSync(home);
  } catch (error) {
    if (prefix !== "" && ABSENT.has(errorCode(error))) return null;
    const text = `cannot read the service directory: ${clause(error)}`;
    return { ...nobody, problems: [{ severity: "error", where: home, text }] };
  }
  const has = (name: string) => names.includes(name);
  const problems: Problem[] = [];
  const ini = has("service.ini") ? readServiceIni(`${home}/service.ini`) : null;
  if (ini !== null) problems.push(...ini.problems);
  const env = has("env") ? readEnvDir(`${home}/env`) : null;
  if (env !== null) problems.push(...env.problems);
  // A command takes the place of `run`, so nobody asks what is in it.
  const inspected = ini?.values.command || !has("run") ? null : readRun(home, prefix, names);
  const s6 = readS6(home, names, inspected?.isS6 ?? false);
  problems.push(...s6.problems);
  const run = ini?.values.command
    ? nothingToRun
    : (readOneshot(home, s6, names) ?? inspected ?? readRun(home, prefix, names));
  problems.push(...run.problems);
  const isOneshot = s6.kind === "oneshot";
  return {
    ini: layered(s6.layer, ini),
    run: run.command,
    check: has("check") ? readScript(`${home}/check`, `${prefix}check`, problems) : null,
    finish: has("finish") ? readScript(`${home}/finish`, `${prefix}finish`, problems) : null,
    undo: isOneshot && has("down") ? readUndo(`${home}/down`, problems) : null,
    isS6: s6.isS6,
    pipeline: s6.pipeline,
    // Of a oneshot of s6-rc it is the program that undoes it.
    down: has("down") && !isOneshot,
    env: env?.env ?? nobody.env,
    hasLog: has("log"),
    incomplete: run.incomplete,
    problems,
  };
}

interface Run {
  readonly command: readonly [string, ...string[]] | null;
  readonly incomplete: string | null;
  readonly problems: readonly Problem[];
  /** Its interpreter is one of s6's world. */
  readonly isS6: boolean;
}

const nothingToRun: Run = { command: null, incomplete: null, problems: [], isS6: false };

/** The later layer wins, key by key. */
function layered(under: Layer, over: Layer | null): Layer {
  if (over === null) return under;
  return { values: { ...under.values, ...over.values }, source: { ...under.source, ...over.source } };
}

/** What a oneshot or a bundle of s6-rc runs; null for all else. */
function readOneshot(home: string, { kind }: S6Files, names: readonly string[]): Run | null {
  // A bundle does nothing: it is done when all that it requires is ready.
  if (kind === "bundle") return { ...nothingToRun, command: ["true"], isS6: true };
  if (kind !== "oneshot" || (!names.includes("up") && names.includes("run"))) return null;
  if (!names.includes("up")) {
    return { ...nothingToRun, incomplete: `there is no up yet; put the command of this oneshot at ${home}/up` };
  }
  const up = readCommandFile(`${home}/up`, "up");
  if (up.ok) return { ...nothingToRun, command: up.value, isS6: true };
  return { ...nothingToRun, problems: [{ severity: "error", where: `${home}/up`, text: up.why }] };
}

function readUndo(path: string, problems: Problem[]): readonly [string, ...string[]] | null {
  const down = readCommandFile(path, "down");
  if (down.ok) return down.value;
  problems.push({ severity: "warning", where: path, text: `${down.why} (until then it is left out)` });
  return null;
}

// execline itself, and what s6-overlay brings: /command/with-contenv.
const S6_INTERPRETER = /^(?:\/command\/|\S*\/(?:execlineb|with-contenv)(?:\s|$))/;

function readRun(home: string, prefix: string, names: readonly string[]): Run {
  const name = `${prefix}run`;
  const path = `${home}/run`;
  if (!names.includes("run")) {
    return { ...nothingToRun, incomplete: `there is no ${name} yet; put an executable file at ${path}` };
  }
  const file = inspectRun(path, name);
  switch (file.kind) {
    case "program":
      return { ...nothingToRun, command: [path], isS6: S6_INTERPRETER.test(file.shebang) };
    case "shell-text": {
      const problem: Problem = { severity: "warning", where: path, text: file.advice };
      return { ...nothingToRun, command: ["/bin/sh", path], problems: [problem] };
    }
    case "incomplete":
      return { ...nothingToRun, incomplete: file.fault };
    case "broken":
      return { ...nothingToRun, problems: [{ severity: "error", where: path, text: file.fault }] };
  }
}

/** A `check` or `finish` that can be executed; one that cannot is left out, which is said. */
function readScript(path: string, name: string, problems: Problem[]): string | null {
  const file = inspectRun(path, name);
  if (file.kind === "program") return path;
  const why = file.kind === "shell-text" ? `${name} has no first line like #!/bin/sh; add it to ${path}` : file.fault;
  problems.push({ severity: "warning", where: path, text: `${why} (until then it is left out)` });
  return null;
}
