import type { Problem } from "../base/errors.ts";
import { quoted } from "../base/words.ts";
import { type GlobalValues, globalDefaults, globalKeys, type Key, type ServiceValues } from "../spec/keys.ts";
import type { Settings } from "../spec/spec.ts";
import { readGlobalIni } from "./global-ini.ts";
import { type Accounts, systemAccounts } from "./passwd.ts";
import type { Layer } from "./read-keys.ts";

/** Whom upkeep itself runs as. */
export interface Own {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** What a service is read against: the keys that the global files set for all, our own identity, the accounts. */
export interface Defaults extends Layer {
  readonly own: Own;
  readonly accounts: Accounts;
  /** What all services are given or lose of the inherited environment, below every other source. */
  readonly environment?: Readonly<Record<string, string | null>>;
}

/** A global file, in the order in which later ones override earlier ones. */
export interface GlobalFile {
  readonly path: string;
  /** A missing file is an error only if it was asked for. */
  readonly required: boolean;
}

/** The variables of the environment that override the files; an empty one says nothing. */
export interface SettingsEnv {
  readonly UPKEEP_STOP_BUDGET?: string | undefined;
  readonly UPKEEP_RUNTIME_DIR?: string | undefined;
}

interface Loaded {
  readonly settings: Settings;
  readonly defaults: Defaults;
  readonly problems: readonly Problem[];
  /** Where each key that a file sets is set, by its spelling. */
  readonly source: Readonly<Record<string, string>>;
}

/** Reads the global files. What is wrong in them is told, and the default holds in its place. */
export function loadSettings(
  files: readonly GlobalFile[],
  env: SettingsEnv,
  own: Own,
  accounts: Accounts = systemAccounts,
): Loaded {
  const readings = files.map(({ path, required }) => readGlobalIni(path, required));
  const problems = readings.flatMap((reading) => reading.problems);
  const overrides = fromEnvironment(env, problems);
  const values: GlobalValues = Object.assign({}, globalDefaults, ...readings.map((each) => each.settings), overrides);
  const source: Record<string, string> = Object.assign({}, ...readings.map((each) => each.source));
  const settings: Settings = Object.freeze({
    ...values,
    controlGroup: groupOf(values.controlGroup, source["control-group"] ?? "control-group", accounts, problems),
  });
  const layers = readings.map((reading) => reading.defaults);
  const defaults: Defaults = Object.freeze({ ...mergeLayers(layers), own, accounts });
  return { settings, defaults, problems, source };
}

/** Later layers win key by key; variables and limits one by one. */
function mergeLayers(layers: readonly Layer[]): Layer {
  const values: { -readonly [F in keyof ServiceValues]?: ServiceValues[F] } = {};
  for (const layer of layers) {
    const { env, limits } = values;
    Object.assign(values, layer.values);
    if (env !== undefined) values.env = { ...env, ...layer.values.env };
    if (limits !== undefined) values.limits = { ...limits, ...layer.values.limits };
  }
  return { values, source: Object.assign({}, ...layers.map((layer) => layer.source)) };
}

function fromEnvironment(env: SettingsEnv, problems: Problem[]): Partial<GlobalValues> {
  const values: { -readonly [F in keyof GlobalValues]?: GlobalValues[F] } = {};
  const read = <T>(name: keyof SettingsEnv, key: Key<T>): T | undefined => {
    const text = env[name];
    if (text === undefined || text === "") return undefined;
    const parsed = key.kind.parse(text);
    if (parsed.ok) return parsed.value;
    problems.push({ severity: "error", where: name, text: `cannot use ${quoted(text)}: ${parsed.why}` });
    return undefined;
  };
  const stopBudget = read("UPKEEP_STOP_BUDGET", globalKeys.stopBudget);
  const runtimeDir = read("UPKEEP_RUNTIME_DIR", globalKeys.runtimeDir);
  if (stopBudget !== undefined) values.stopBudget = stopBudget;
  if (runtimeDir !== undefined) values.runtimeDir = runtimeDir;
  return values;
}

function groupOf(group: string | null, where: string, accounts: Accounts, problems: Problem[]): number | null {
  if (group === null) return null;
  const number = accounts.group(group);
  if (number.ok) return number.value;
  problems.push({ severity: "error", where, text: `cannot use control-group ${quoted(group)}: ${number.why}` });
  return null;
}
