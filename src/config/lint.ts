import type { Problem } from "../base/errors.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { checkSet } from "./check-set.ts";
import { listServices } from "./list-services.ts";
import { loadService } from "./load.ts";
import type { Accounts } from "./passwd.ts";
import { type GlobalFile, loadSettings, type Own, type SettingsEnv } from "./settings.ts";

/** What `upkeep lint` has to say. */
export interface Lint {
  /** By file and line. */
  readonly problems: readonly Problem[];
  /** Service directories that were read. */
  readonly services: number;
}

/** Reads everything as a start would, starts nothing. What is incomplete is an error here: nobody is copying. */
export function lint(
  scanDir: string,
  files: readonly GlobalFile[],
  env: SettingsEnv,
  own: Own,
  accounts?: Accounts,
): Lint {
  const { settings, defaults, problems: global } = loadSettings(files, env, own, accounts);
  const { names, problems: listing } = listServices(scanDir);
  const problems: Problem[] = [...global, ...listing];
  const specs = new Map<string, ServiceSpec>();
  // Those that are refused still have names, and whoever requires them is not mistaken about that.
  const refused = new Set<string>();
  for (const name of names ?? []) {
    const home = `${scanDir}/${name}`;
    const loaded = loadService(home, name, defaults);
    problems.push(...loaded.problems);
    if (loaded.incomplete !== null) {
      problems.push({ severity: "error", service: name, where: home, text: loaded.incomplete });
    }
    if (loaded.spec === null) refused.add(name);
    else specs.set(name, loaded.spec);
  }
  problems.push(...checkSet(specs, settings.stopBudget, refused));
  return { problems: problems.sort(byPlace), services: names?.length ?? 0 };
}

/** Orders problems by file, then by line as a number. */
export function byPlace(a: Problem, b: Problem): number {
  const [fileA, lineA] = placeOf(a);
  const [fileB, lineB] = placeOf(b);
  if (fileA !== fileB) return fileA < fileB ? -1 : 1;
  return lineA - lineB;
}

function placeOf({ where }: Problem): readonly [string, number] {
  const match = /^(.*):(\d+)$/s.exec(where);
  return match === null ? [where, 0] : [match[1] ?? "", Number(match[2])];
}
