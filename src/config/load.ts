// One service directory to one frozen spec. Nothing here throws, and nothing reads more than one directory.
import { basename, dirname, resolve } from "node:path";
import type { Problem } from "../base/errors.ts";
import { type ServiceValues, serviceDefaults, serviceKeys } from "../spec/keys.ts";
import { orderKeys } from "../spec/order.ts";
import type { LogTarget, ServiceSpec } from "../spec/spec.ts";
import { readEnvDir } from "./env-dir.ts";
import { accountNumbers, resolveIdentity } from "./identity.ts";
import { consumerHome, pairFault } from "./pipeline.ts";
import { resolvePlace } from "./place.ts";
import { readServiceDir, type ServiceDir } from "./service-dir.ts";
import type { Defaults } from "./settings.ts";

/** What became of a service directory. */
export interface Loaded {
  /** Null if it is incomplete, or if a problem is an error. */
  readonly spec: ServiceSpec | null;
  /** One sentence: why it cannot run yet, where it may become complete by itself (a copy that is under way). */
  readonly incomplete: string | null;
  readonly problems: readonly Problem[];
  /** It is no service of its own but the logger of this one, by s6-rc's `consumer-for`. */
  readonly producer?: string | undefined;
}

const fields = Object.entries(serviceKeys);
const notForLoggers = fields.filter(([, key]) => "own" in key && key.own !== undefined).map(([field]) => field);

/** Reads the service directory `home`, which may be a link, as the service `name`. */
export function loadService(home: string, name: string, defaults: Defaults): Loaded {
  const dir = readServiceDir(home, "");
  if (dir === null) return { spec: null, incomplete: null, problems: [] };
  const [producer] = dir.pipeline.producers;
  // It comes with its producer, whose output it reads.
  if (producer !== undefined) return { spec: null, incomplete: null, problems: alone(home, name, producer), producer };
  const logger = findLogger(home, dir, name, defaults);
  const problems = [...dir.problems, ...(logger?.problems ?? [])];
  const incomplete = dir.incomplete ?? logger?.incomplete ?? null;
  const spec = buildSpec(name, home, dir, defaults, logger?.spec ?? null, null, problems);
  const usable = spec !== null && incomplete === null && !problems.some((problem) => problem.severity === "error");
  return {
    spec: usable ? spec : null,
    incomplete,
    problems: problems.map((problem) => ({ ...problem, service: name })),
  };
}

/** What is to be told of a consumer that no producer brings. */
function alone(home: string, service: string, producer: string): readonly Problem[] {
  const fault = pairFault(dirname(home), producer, basename(home));
  if (fault === null) return [];
  return [{ severity: "warning", service, where: `${home}/consumer-for`, text: `it is not started: ${fault}` }];
}

function findLogger(home: string, { pipeline, hasLog }: ServiceDir, name: string, defaults: Defaults): Loaded | null {
  const { consumer } = pipeline;
  if (consumer === null) return hasLog ? loadLogger(`${home}/log`, "log/", name, defaults) : null;
  const logger = loadLogger(consumerHome(home, consumer), `${consumer}/`, name, defaults);
  const fault = logger === null ? null : pairFault(dirname(home), basename(home), consumer);
  if (fault !== null) {
    const problem: Problem = { severity: "error", where: `${home}/producer-for`, text: `cannot use it: ${fault}` };
    return { spec: null, incomplete: null, problems: [problem] };
  }
  if (logger !== null) return logger;
  const why = `there is no ${consumer} yet, for which it is the producer; put that directory beside it`;
  return { spec: null, incomplete: why, problems: [] };
}

/** The logger in `log/`; null where there is none: a directory without `run` may just hold log files. */
function loadLogger(home: string, prefix: string, loggerOf: string, defaults: Defaults): Loaded | null {
  const dir = readServiceDir(home, prefix);
  if (dir === null) return null;
  const isLogger = dir.run !== null || dir.ini.values.command !== undefined || dir.problems.length > 0;
  if (!isLogger && dir.incomplete?.startsWith("there is no")) return null;
  const problems = [...dir.problems];
  const spec = buildSpec(`${loggerOf}/log`, home, dir, defaults, null, loggerOf, problems);
  return { spec, incomplete: dir.incomplete, problems };
}

function buildSpec(
  name: string,
  home: string,
  dir: ServiceDir,
  defaults: Defaults,
  logger: ServiceSpec | null,
  loggerOf: string | null,
  problems: Problem[],
): ServiceSpec | null {
  const values = mergeValues(name, dir.ini.values, defaults.values, loggerOf !== null);
  const source = merged(defaults.source, fileSources(home, dir), dir.ini.source);
  const { identity, env, fault } = resolveIdentity(values, source, home, defaults);
  if (fault !== null) problems.push(fault);
  const { kind: log, dir: logDir } = chooseLog(dir.ini.values.log, values.log, logger !== null, loggerOf !== null);
  // As s6-supervise has it: its name is the first argument of `run`.
  const program =
    values.command ??
    (dir.isS6 && dir.run !== null && dir.run[0] === `${home}/run` ? ([dir.run[0], name] as const) : dir.run);
  const place = resolvePlace(values, program, source, home, defaults.own);
  const numbers = accountNumbers(values.envUser, source, home, defaults);
  for (const each of [place.fault, numbers.fault]) if (each !== null) problems.push(each);
  const { command } = place;
  if (log === "logger" && logger === null) {
    const where = source["log"] ?? home;
    problems.push({ severity: "error", where, text: "cannot use log logger: there is no log/run to write to" });
  }
  if (log !== "logger" && logger !== null) {
    const where = source["log"] ?? home;
    problems.push({ severity: "warning", where, text: `log/run is not started, because log is ${log}` });
  }
  if (command === null) return null;
  const undo = values.type === "oneshot" ? dir.undo : null;
  const files = values.envDir === null ? null : readEnvDir(resolve(home, values.envDir), "env-dir");
  if (files !== null) problems.push(...files.problems);
  const variables = merged(
    defaults.environment,
    env,
    numbers.env,
    defaults.values.env,
    files?.env,
    dir.env,
    dir.ini.values.env,
  );
  const excess = excessOf(variables, [...command, ...(values.startPre ?? [])]);
  if (excess !== null) problems.push({ severity: "error", where: source["env"] ?? home, text: excess });
  // Written out: a thousand of these are made before anything starts, and a spread costs more than the reading.
  return Object.freeze({
    name,
    home,
    type: values.type,
    command,
    argv0: values.argv0,
    root: place.root,
    dir: place.dir,
    identity,
    umask: values.umask,
    nice: values.nice,
    limits: merged(defaults.values.limits, dir.ini.values.limits),
    lock: values.lock === null ? null : { file: values.lock, waits: values.lockWait },
    close: values.close,
    env: variables,
    after: values.after,
    // A producer that depends on its consumer would wait for itself.
    requires: dir.isS6 ? values.requires.filter((each) => each !== name) : values.requires,
    wants: values.wants,
    notifyFd: values.notifyFd,
    check: dir.check,
    startTimeout: values.startTimeout,
    settle: values.settle,
    startPre: values.startPre,
    finish: undo === null ? dir.finish : null,
    finishTimeout: values.finishTimeout,
    undo,
    isS6: dir.isS6,
    restart: values.restart ?? (values.type === "oneshot" ? "on-failure" : "always"),
    restartDelay: values.restartDelay,
    restartDelayMax: Math.max(values.restartDelay, values.restartDelayMax),
    stable: values.stable,
    successCodes: values.successCodes,
    giveUp: values.giveUp,
    stopSignal: values.stopSignal,
    stopScope: values.stopScope,
    stopGrace: values.stopGrace,
    critical: values.critical,
    log,
    logDir: logDir === null ? null : resolve(home, logDir),
    logTimestamps: values.logTimestamps,
    logLineMax: values.logLineMax,
    down: dir.down,
    logger: log === "logger" ? logger : null,
    loggerOf,
    foreground: false,
    fixed: false,
    source,
  });
}

// A definition goes to the core in one frame of 1 MB, together with its logger's.
const BYTES_MOST = 384 * 1024;
const WORDS_MOST = 4000;

/** Why this is too much to be handed to a process; null if it is not. */
function excessOf(env: Readonly<Record<string, string | null>>, words: readonly string[]): string | null {
  const bytes = Buffer.byteLength(JSON.stringify([env, words]));
  const count = Object.keys(env).length + words.length;
  if (bytes > BYTES_MOST) return `cannot pass on ${bytes} bytes of variables and arguments: over ${BYTES_MOST}`;
  if (count > WORDS_MOST) return `cannot pass on ${count} variables and arguments: over ${WORDS_MOST}`;
  return null;
}

const empty: Readonly<Record<string, never>> = Object.freeze({});

/** One frozen record of several, later ones winning; those that say nothing cost nothing. */
function merged<V>(
  ...records: readonly (Readonly<Partial<Record<string, V>>> | undefined)[]
): Readonly<Record<string, V>> {
  const saying = records.filter((record) => record !== undefined && !isEmpty(record));
  return saying.length === 0 ? empty : Object.freeze(Object.assign({}, ...saying));
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}

/** Built-in, then global, then the service's own; nothing global makes a service wait for itself. */
function mergeValues(
  name: string,
  own: Partial<ServiceValues>,
  global: Partial<ServiceValues>,
  isLogger: boolean,
): ServiceValues {
  if (isEmpty(own) && isEmpty(global)) return serviceDefaults;
  const shared: Partial<Record<string, unknown>> = { ...global };
  if (isLogger) for (const field of notForLoggers) delete shared[field];
  else {
    for (const key of orderKeys) {
      const names = global[key];
      if (names?.includes(name)) shared[key] = names.filter((each) => each !== name);
    }
  }
  return { ...serviceDefaults, ...shared, ...own };
}

/** A `log/run` outweighs what is said for all services, but not what its own service.ini says. */
function chooseLog(
  own: LogTarget | null | undefined,
  merged: LogTarget | null,
  hasLogger: boolean,
  isLogger: boolean,
): LogTarget {
  if (own) return own;
  if (hasLogger) return toLogger;
  if (merged === null || merged.kind === "logger" || isLogger) return toPrefix;
  return merged;
}

const toLogger: LogTarget = { kind: "logger", dir: null };
const toPrefix: LogTarget = { kind: "prefix", dir: null };

function fileSources(home: string, dir: ServiceDir): Record<string, string> {
  const source: Record<string, string> = {};
  if (dir.run !== null) source["command"] = `${home}/run`;
  if (dir.check !== null) source["check"] = dir.check;
  if (dir.finish !== null) source["finish"] = dir.finish;
  if (dir.undo !== null) source["undo"] = `${home}/down`;
  if (dir.down) source["down"] = `${home}/down`;
  return source;
}
