import type { Problem } from "../base/errors.ts";
import { type GlobalValues, globalKeys, type ServiceValues, serviceKeys } from "../spec/keys.ts";
import { INI_MOST, type IniSection, readIni } from "./ini-text.ts";
import { readWhole } from "./read-file.ts";
import {
  type Layer,
  type Reading,
  readKeys,
  serviceLayer,
  spellingsOf,
  unknownKeys,
  unknownSections,
} from "./read-keys.ts";
import { serviceSpellings } from "./service-ini.ts";

const globalSpellings = spellingsOf<GlobalValues>(globalKeys);

/** What one global file says: about the supervisor, and for all services that do not say otherwise. */
export interface GlobalReading {
  readonly settings: Partial<GlobalValues>;
  readonly source: Readonly<Record<string, string>>;
  readonly defaults: Layer;
  readonly problems: readonly Problem[];
}

const nothing: GlobalReading = { settings: {}, source: {}, defaults: { values: {}, source: {} }, problems: [] };

/**
 * Reads one global file: settings before any section or in `[upkeep]`, defaults for all services there too or in
 * `[defaults]`, `[env]` and `[limits]`. A file that is not required may be missing.
 */
export function readGlobalIni(path: string, required: boolean): GlobalReading {
  const file = readWhole(path, INI_MOST);
  if (!file.ok) {
    if (file.code === "ENOENT" && !required) return nothing;
    const text = `cannot read the configuration: ${file.why}`;
    return { ...nothing, problems: [{ severity: "error", where: path, text }] };
  }
  const text = readIni(file.bytes, path, ["upkeep"]);
  const upkeep = readKeys(text.sections.get(""), globalSpellings);
  // What is no setting may be a default for services; what is neither is unknown.
  const beside = readDefaults(new Map(upkeep.unknown));
  const own = readDefaults(text.sections.get("defaults"));
  const twice = Object.keys(own.source).filter((spelling) => beside.source[spelling] !== undefined);
  const layer = serviceLayer(
    {
      values: { ...beside.values, ...own.values },
      source: { ...beside.source, ...own.source },
      unknown: [],
      problems: [...beside.problems, ...own.problems],
    },
    text,
  );
  return {
    settings: upkeep.values,
    source: upkeep.source,
    defaults: layer,
    problems: [
      ...text.problems,
      ...unknownSections(text, ["upkeep", "defaults", "env", "limits"]),
      ...twice.map((spelling) => twiceProblem(spelling, own.source[spelling] ?? path, beside.source[spelling] ?? path)),
      ...unknownKeys(beside.unknown, [globalSpellings, serviceSpellings]),
      ...unknownKeys(
        own.unknown.filter(([key]) => !globalSpellings.rows.has(key)),
        [serviceSpellings],
      ),
      ...own.unknown.filter(([key]) => globalSpellings.rows.has(key)).map(([key, { where }]) => misplaced(key, where)),
      ...upkeep.problems,
      ...layer.problems,
    ],
  };
}

/** Service keys in a global section; those that only one service can have are refused. */
function readDefaults(section: IniSection | undefined): Reading<ServiceValues> {
  const reading = readKeys(section, serviceSpellings);
  const values: Partial<Record<string, unknown>> = { ...reading.values };
  const source = { ...reading.source };
  const problems = [...reading.problems];
  for (const [field, key] of Object.entries(serviceKeys)) {
    const where = source[key.spelling];
    if (!("own" in key) || key.own !== "service" || where === undefined) continue;
    delete values[field];
    delete source[key.spelling];
    const text = `${key.spelling} belongs to one service; it is not read here`;
    problems.push({ severity: "warning", where, text });
  }
  return { ...reading, values: values as Partial<ServiceValues>, source, problems };
}

function twiceProblem(spelling: string, where: string, first: string): Problem {
  return { severity: "error", where, text: `cannot use ${spelling} twice: ${first} says it already` };
}

function misplaced(spelling: string, where: string): Problem {
  return {
    severity: "warning",
    where,
    text: `${spelling} is no key of a service; it belongs before any section or to [upkeep]`,
  };
}
