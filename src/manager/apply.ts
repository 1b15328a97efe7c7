import type { Problem } from "../base/errors.ts";
import { checkSet } from "../config/check-set.ts";
import { differences, globalDifferences } from "../spec/differences.ts";
import type { ServiceSpec, Settings } from "../spec/spec.ts";
import type { Manager } from "./manager.ts";
import type { Scan } from "./scan.ts";

/** What `apply` did, or with `dryRun` would do. */
export interface Change {
  /** Null is the global configuration. */
  readonly service: string | null;
  readonly change: "added" | "removed" | "restarted" | "updated";
  /** The keys that differ; empty for added and removed. */
  readonly keys: readonly string[];
}

/** The global configuration: of the start, in force, and as it is to be. */
export interface SettingsChange {
  readonly atStart: Settings;
  readonly now: Settings;
  readonly next: Settings;
}

/** Reads every directory anew and tells, or with `dryRun` only tells, what that changes. */
export async function applyAll(
  manager: Manager,
  scan: Scan,
  { atStart, now, next }: SettingsChange,
  dryRun: boolean,
): Promise<{ readonly changes: readonly Change[]; readonly problems: readonly Problem[] }> {
  const names = scan.names();
  if (names === null)
    return {
      changes: [],
      problems: [{ severity: "error", where: "scan directory", text: "cannot be read: nothing is changed" }],
    };
  const { keys, late } = globalDifferences(atStart, now, next);
  const problems: Problem[] = [];
  if (late.length > 0) {
    const text = `${late.join(" and ")} ${late.length === 1 ? "is" : "are"} read at the start only: restart upkeep itself`;
    problems.push({ severity: "warning", where: "global configuration", text });
  }
  const specs = new Map<string, ServiceSpec>();
  const refused = new Set<string>();
  for (const [index, name] of names.entries()) {
    const { spec, incomplete, problems: found } = scan.load(name);
    problems.push(...found);
    if (incomplete !== null)
      problems.push({ severity: "warning", service: name, where: scan.homeOf(name), text: incomplete });
    if (spec === null) refused.add(name);
    else specs.set(name, spec);
    if (index % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
  }
  for (const problem of checkSet(specs, next.stopBudget, refused)) {
    problems.push(problem);
    if (problem.severity === "error" && problem.service !== undefined) specs.delete(problem.service);
  }
  const listed = new Set(names);
  const changes: Change[] = keys.length === 0 ? [] : [{ service: null, change: "updated", keys }];
  for (const runner of manager.roster.fromDirectories()) {
    if (listed.has(runner.name)) continue;
    changes.push({ service: runner.name, change: "removed", keys: [] });
    if (!dryRun) manager.remove(runner.name);
  }
  for (const [name, spec] of specs) {
    const runner = manager.roster.get(name);
    if (runner === undefined) {
      changes.push({ service: name, change: "added", keys: [] });
      if (!dryRun) manager.add(spec);
      continue;
    }
    const { keys, needsRestart } = differences(runner.spec, spec);
    if (keys.length > 0) changes.push({ service: name, change: needsRestart ? "restarted" : "updated", keys });
    if (!dryRun) manager.change(runner, spec, true);
  }
  return { changes, problems };
}

/** The sentence for the log: `applied: web restarted, db updated`. */
export function appliedText(changes: readonly Change[]): string {
  const texts = changes.map(({ service, change }) => `${service ?? "upkeep itself"} ${change}`);
  return `applied: ${texts.length === 0 ? "nothing has changed" : texts.join(", ")}`;
}
