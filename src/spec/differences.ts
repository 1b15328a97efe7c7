import { isDeepStrictEqual } from "node:util";
import { globalKeys, serviceKeys } from "./keys.ts";
import type { LogKind, ServiceSpec, Settings } from "./spec.ts";

/** How a new definition of a service differs from the old one. */
export interface Differences {
  /** The keys that changed, as they are spelled; files of the service directory by their names. */
  readonly keys: readonly string[];
  /** True if a running process cannot take one of them up. */
  readonly needsRestart: boolean;
}

interface Row {
  readonly spelling: string;
  readonly needs: (a: ServiceSpec, b: ServiceSpec) => boolean;
}

const always = () => true;
const never = () => false;

// Both are written by us from the same pipe; all others give the process another descriptor.
const piped = (log: LogKind): boolean => log === "prefix" || log === "json" || log === "file";

const files: Readonly<Partial<Record<keyof ServiceSpec, Row>>> = {
  home: { spelling: "home", needs: always },
  check: { spelling: "check", needs: never },
  finish: { spelling: "finish", needs: never },
  undo: { spelling: "down", needs: never },
  isS6: { spelling: "the files of s6", needs: never },
  down: { spelling: "down", needs: never },
  log: { spelling: "log", needs: (a, b) => !(piped(a.log) && piped(b.log)) },
  logDir: { spelling: "log", needs: never },
  // What changed within a logger is the logger's own restart; here it only matters whether there is one.
  logger: { spelling: "log/run", needs: (a, b) => (a.logger === null) !== (b.logger === null) },
};

const rows = new Map<keyof ServiceSpec, Row>();
for (const key of Object.values(serviceKeys)) {
  // `user`, `group` and `groups` end in one field, told by the first.
  if (!rows.has(key.field)) rows.set(key.field, { spelling: key.spelling, needs: key.newProcess ? always : never });
}
for (const [field, row] of Object.entries(files)) rows.set(field as keyof ServiceSpec, row);

/** Which keys differ between two definitions of the same service; where they were written does not count. */
export function differences(a: ServiceSpec, b: ServiceSpec): Differences {
  const changed = [...rows].filter(([field]) => !equal(field, a, b)).map(([, row]) => row);
  return {
    keys: [...new Set(changed.map((row) => row.spelling))],
    needsRestart: changed.some((row) => row.needs(a, b)),
  };
}

/** The global keys that are read at the start and never again. */
const fixed: readonly (keyof Settings)[] = ["runtimeDir", "controlGroup"];

/** Which global keys differ from what is in force, and which of the start's cannot be changed any more. */
export function globalDifferences(atStart: Settings, now: Settings, next: Settings) {
  const spelled = (fields: readonly (keyof Settings)[], than: Settings): readonly string[] =>
    fields.filter((field) => !isDeepStrictEqual(than[field], next[field])).map((field) => globalKeys[field].spelling);
  const free = (Object.keys(globalKeys) as (keyof Settings)[]).filter((field) => !fixed.includes(field));
  return { keys: spelled(free, now), late: spelled(fixed, atStart) };
}

function equal(field: keyof ServiceSpec, a: ServiceSpec, b: ServiceSpec): boolean {
  // Nearly always: a thousand definitions are compared in one turn.
  if (a[field] === b[field]) return true;
  if (field !== "logger" || a.logger === null || b.logger === null) return isDeepStrictEqual(a[field], b[field]);
  return differences(a.logger, b.logger).keys.length === 0;
}
