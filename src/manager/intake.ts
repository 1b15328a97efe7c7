// One service directory read: a specification, or why there is none yet. What is wrong is told once.
import type { Problem } from "../base/errors.ts";
import { type Loaded, loadService } from "../config/load.ts";
import type { Defaults } from "../config/settings.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { located } from "./located.ts";

/** A directory that cannot be run as it is, and why. */
export interface Unready {
  readonly why: string;
  /** True if it may become complete by itself; false if somebody has to mend it. */
  readonly incomplete: boolean;
  /** It was let go on purpose, and comes back when it is asked for. Default false. */
  readonly isLetGo?: boolean;
  /** Its file system did not answer, so that nothing is known of it. Default false. */
  readonly isSilent?: boolean;
}

export interface IntakeParts {
  readonly defaults: () => Defaults;
  readonly appeared: (spec: ServiceSpec) => void;
  readonly problem: (problem: Problem) => void;
  /** One sentence on a directory that cannot be run yet. */
  readonly unready: (name: string, unready: Unready) => void;
}

export interface Intake {
  /** Directories that are there and cannot be run, by name. */
  readonly unready: ReadonlyMap<string, Unready>;
  load(home: string, name: string): Loaded;
  /** Reads it; true if there is nothing to wait for in it. */
  take(home: string, name: string): boolean;
  /** It cannot be read, for it does not answer. */
  silent(name: string): void;
  /** Tells what is wrong with it, or with the list under the name "", unless that was told already. */
  tell(name: string, problems: readonly Problem[]): void;
  forget(name: string): void;
}

/** The end of a sentence on a service. */
export const SILENT = "its directory does not answer";

/** The reading of one scan directory's services. */
export function createIntake(parts: IntakeParts): Intake {
  const unready = new Map<string, Unready>();
  const told = new Map<string, string>();

  const tell = (name: string, problems: readonly Problem[]) => {
    const text = problems.map((problem) => `${problem.where} ${problem.text}`).join("\n");
    // Every look at a broken directory finds the same; it is told once.
    if (told.get(name) === text) return;
    if (text === "") told.delete(name);
    else told.set(name, text);
    for (const problem of problems) parts.problem(problem);
  };
  const load = (home: string, name: string) => loadService(home, name, parts.defaults());
  return {
    unready,
    load,
    tell,
    take(home, name) {
      const { spec, incomplete, problems, producer } = load(home, name);
      tell(name, problems);
      if (spec !== null || producer !== undefined) {
        unready.delete(name);
        if (spec !== null) parts.appeared(spec);
        return true;
      }
      const fault = problems.find((problem) => problem.severity === "error");
      const why = incomplete ?? (fault === undefined ? "it cannot be read" : located(fault, home));
      const known = unready.get(name);
      unready.set(name, { why, incomplete: incomplete !== null });
      if (known?.why !== why && incomplete !== null) parts.unready(name, { why, incomplete: true });
      return false;
    },
    silent: (name) => void unready.set(name, { why: SILENT, incomplete: true, isSilent: true }),
    forget(name) {
      unready.delete(name);
      told.delete(name);
    },
  };
}
