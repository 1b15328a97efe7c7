// The configuration read anew while everything runs.
import type { Problem } from "../base/errors.ts";
import type { Defaults } from "../config/settings.ts";
import type { Voice } from "../log/voice.ts";
import { appliedText, applyAll, type Change, inTurn } from "../manager/apply.ts";
import type { Manager } from "../manager/manager.ts";
import type { Scan } from "../manager/scan.ts";
import type { Settings } from "../spec/spec.ts";

/** What the global files say, and what is wrong in them. */
export interface Config {
  readonly settings: Settings;
  readonly defaults: Defaults;
  readonly problems: readonly Problem[];
}

export interface Applied {
  readonly changes: readonly Change[];
  readonly problems: readonly Problem[];
}

export interface RereadParts {
  readonly manager: Manager;
  readonly scan: Scan;
  readonly voice: Voice;
  readonly atStart: Settings;
  readonly now: () => Config;
  readonly read: () => Config;
  /** From now on this one holds. */
  readonly takeUp: (config: Config) => void;
  readonly tell: (problem: Problem) => void;
  /** Why nothing can be applied at present; null if it can. */
  readonly refusal: () => Problem | null;
}

/** Reads all files and directories again and applies what has changed; one call at a time. */
export function createReread(parts: RereadParts): (dryRun: boolean) => Promise<Applied> {
  const { manager, scan, voice, tell } = parts;
  return inTurn(async (dryRun) => {
    const refusal = parts.refusal();
    if (refusal !== null) {
      if (!dryRun) tell(refusal);
      return { changes: [], problems: [refusal] };
    }
    const read = parts.read();
    const now = parts.now().settings;
    const isUsable = !read.problems.some(({ severity }) => severity === "error");
    const change = { atStart: parts.atStart, now, next: isUsable ? read.settings : now };
    if (!dryRun && isUsable) parts.takeUp(read);
    const { changes, problems } = await applyAll(manager, scan, change, dryRun);
    const all = [...read.problems, ...problems];
    if (dryRun) return { changes, problems: all };
    scan.rescan();
    for (const problem of all) tell(problem);
    voice.info(appliedText(changes));
    return { changes, problems: all };
  });
}
