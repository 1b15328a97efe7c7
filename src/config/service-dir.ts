import { readdirSync } from "node:fs";
import { errorCode, type Problem } from "../base/errors.ts";
import { readEnvDir } from "./env-dir.ts";
import { clause } from "./read-file.ts";
import { type Layer, noLayer } from "./read-keys.ts";
import { inspectRun } from "./run-file.ts";
import { readServiceIni } from "./service-ini.ts";

/** All that the files of one service directory say, `log/` left aside. */
export interface ServiceDir {
  readonly ini: Layer;
  readonly run: readonly [string, ...string[]] | null;
  readonly check: string | null;
  readonly finish: string | null;
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
  const run = ini?.values.command ? nothingToRun : readRun(home, prefix, names);
  problems.push(...run.problems);
  return {
    ini: ini ?? noLayer,
    run: run.command,
    check: has("check") ? readScript(`${home}/check`, `${prefix}check`, problems) : null,
    finish: has("finish") ? readScript(`${home}/finish`, `${prefix}finish`, problems) : null,
    down: has("down"),
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
}

const nothingToRun: Run = { command: null, incomplete: null, problems: [] };

function readRun(home: string, prefix: string, names: readonly string[]): Run {
  const name = `${prefix}run`;
  const path = `${home}/run`;
  if (!names.includes("run")) {
    return { ...nothingToRun, incomplete: `there is no ${name} yet; put an executable file at ${path}` };
  }
  const file = inspectRun(path, name);
  switch (file.kind) {
    case "program":
      return { ...nothingToRun, command: [path] };
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
