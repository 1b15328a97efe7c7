// What s6 and s6-rc say about a service by files of its directory, as the keys of service.ini would say it.
import { existsSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import { errorCode, type Problem } from "../base/errors.ts";
import { parseSignal } from "../base/signals.ts";
import { bad, good, type Parsed } from "../base/units.ts";
import { quoted } from "../base/words.ts";
import type { ServiceValues } from "../spec/keys.ts";
import { kinds, nameFault } from "../spec/kinds.ts";
import { noPipeline, type Pipeline, readPipeline, standIn } from "./pipeline.ts";
import { clause, readWhole } from "./read-file.ts";
import type { Layer } from "./read-keys.ts";

/** What a definition is to s6-rc; without a file `type` it is a plain service directory of s6. */
export type S6Kind = "longrun" | "oneshot" | "bundle";

/** The files of s6 in one directory. */
export interface S6Files {
  /** True if one of them is there: its `run` and `finish` are then started as s6 starts them. */
  readonly isS6: boolean;
  readonly kind: S6Kind;
  readonly layer: Layer;
  readonly pipeline: Pipeline;
  readonly problems: readonly Problem[];
}

interface Row {
  readonly field: keyof ServiceValues;
  /** The key's spelling, under which the source is told. */
  readonly key: string;
  readonly parse: (text: string) => Parsed<unknown>;
}

// Each of them holds a number or a word.
const FILE_MOST = 4096;
const NAMES_MOST = 64 * 1024;

function milliseconds(text: string): Parsed<number> {
  if (!/^\d{1,10}$/.test(text)) return bad("not a number of milliseconds like 5000");
  return good(Number(text) === 0 ? Number.POSITIVE_INFINITY : Number(text));
}

function signal(text: string): Parsed<number> {
  const number = parseSignal(text);
  return number === null ? bad("not a signal like TERM or 15") : good(number);
}

const finishTimeout: Row = { field: "finishTimeout", key: "finish-timeout", parse: milliseconds };

// Maps, for a file may be called `constructor`.
const rows: ReadonlyMap<string, Row> = new Map([
  ["notification-fd", { field: "notifyFd", key: "notify-fd", parse: kinds.descriptor.parse }],
  ["timeout-kill", { field: "stopGrace", key: "stop-grace", parse: milliseconds }],
  ["timeout-finish", finishTimeout],
  ["timeout-up", { field: "startTimeout", key: "start-timeout", parse: milliseconds }],
  ["down-signal", { field: "stopSignal", key: "stop-signal", parse: signal }],
]);

/** What is not taken over, and what does it here. */
const notes: ReadonlyMap<string, string> = new Map([
  ["lock-fd", "upkeep holds no lock for a service; its processes are known to it anyway"],
  ["nosetsid", "each service has a session of its own here"],
  ["max-death-tally", "no tally of deaths is kept; the key give-up does what s6-permafailon is for"],
]);

// With one of these it is a directory of s6; `env`, `data`, `run`, `finish` and `down` are of others too.
const marks: ReadonlySet<string> = new Set([
  ...rows.keys(),
  ...notes.keys(),
  ...["timeout-down", "dependencies.d", "contents.d", "flag-essential", "flag-recommended"],
  ...["producer-for", "consumer-for", "pipeline-name"],
]);

// The time that s6-supervise leaves `finish` where no file says so.
const FINISH_LIMIT = 5000;
// The bundle that s6-overlay makes of its own services: its images name it, and it is in none of their directories.
const OVERLAYS_OWN = "base";

const noS6: S6Files = Object.freeze({
  isS6: false,
  kind: "longrun",
  layer: { values: {}, source: {} },
  pipeline: noPipeline,
  problems: [],
});

/** Reads what s6 has in the directory `home`, whose entries are `names`; `byRun` is true if its `run` tells of s6. */
export function readS6(home: string, names: readonly string[], byRun: boolean): S6Files {
  const problems: Problem[] = [];
  const kind = names.includes("type") ? readKind(`${home}/type`, problems) : null;
  if (!byRun && kind === null && !names.some((name) => marks.has(name)) && !names.includes("dependencies"))
    return problems.length === 0 ? noS6 : { ...noS6, problems };
  const warn = (name: string, text: string) =>
    problems.push({ severity: "warning", where: `${home}/${name}`, text: `${name} is not used: ${text}` });
  const values: Record<string, unknown> = { finishTimeout: FINISH_LIMIT };
  const source: Record<string, string> = {};
  for (const name of names) {
    const note = notes.get(name);
    const row = name === "timeout-down" && kind === "oneshot" ? finishTimeout : rows.get(name);
    if (note !== undefined) warn(name, note);
    if (name === "timeout-down" && kind !== "oneshot") warn(name, "stop-grace bounds a stop, and then it is killed");
    if (row === undefined) continue;
    const where = `${home}/${name}`;
    const text = readWord(where, FILE_MOST, problems);
    const parsed = text === null ? null : row.parse(text);
    if (parsed?.ok) {
      values[row.field] = parsed.value;
      source[row.key] = where;
    } else if (parsed !== null)
      problems.push({ severity: "error", where, text: `cannot use ${name} ${quoted(text ?? "")}: ${parsed.why}` });
  }
  const list = kind === "bundle" ? "contents" : "dependencies";
  const requires = readNames(home, list, names, problems);
  if (requires !== null) {
    values["requires"] = requires.names;
    source["requires"] = requires.where;
  }
  if (kind !== null) {
    values["type"] = kind === "longrun" ? "service" : "oneshot";
    source["type"] = `${home}/type`;
  }
  return {
    isS6: true,
    kind: kind ?? "longrun",
    layer: { values, source },
    pipeline: readPipeline(home, names, problems),
    problems,
  };
}

/** The first line of a small file; null if it cannot be read, which is told. */
function readWord(path: string, most: number, problems: Problem[]): string | null {
  const file = readWhole(path, most);
  if (file.ok) return file.bytes.toString("utf8").trim();
  problems.push({ severity: "error", where: path, text: `cannot read it: ${file.why}` });
  return null;
}

function readKind(path: string, problems: Problem[]): S6Kind | null {
  const text = readWord(path, FILE_MOST, problems);
  if (text === "longrun" || text === "oneshot" || text === "bundle") return text;
  if (text !== null) {
    const why = `not one of longrun, oneshot, bundle`;
    problems.push({ severity: "warning", where: path, text: `type ${quoted(text)} is not used: ${why}` });
  }
  return null;
}

/** The names in a file `LIST`, one on each line, and those of the files in `LIST.d`. */
function readNames(
  home: string,
  list: string,
  entries: readonly string[],
  problems: Problem[],
): { readonly names: readonly string[]; readonly where: string } | null {
  const found: string[] = [];
  let where: string | null = null;
  const directory = `${home}/${list}.d`;
  if (entries.includes(list)) {
    where = `${home}/${list}`;
    const text = readWord(where, NAMES_MOST, problems) ?? "";
    found.push(...text.split("\n").map((line) => line.trim()));
  }
  if (entries.includes(`${list}.d`)) {
    where ??= directory;
    try {
      found.push(...readdirSync(directory).sort());
    } catch (error) {
      const why = errorCode(error) === "ENOTDIR" ? "it is no directory" : clause(error);
      problems.push({ severity: "error", where: directory, text: `cannot read it: ${why}` });
    }
  }
  if (where === null) return null;
  const names: string[] = [];
  for (const each of found) {
    if (each === "" || each.startsWith("#") || each.startsWith(".")) continue;
    const fault = nameFault(each);
    if (fault !== null) {
      const text = `cannot use ${quoted(each)} as the name of a service: ${fault}`;
      problems.push({ severity: "error", where, text });
      continue;
    }
    if (each === OVERLAYS_OWN && !existsSync(`${dirname(home)}/${each}`)) continue;
    const name = standIn(dirname(home), each);
    if (!names.includes(name)) names.push(name);
  }
  return { names, where };
}
