import type { Problem } from "../base/errors.ts";
import { checkSet } from "../config/check-set.ts";
import { differences } from "../spec/differences.ts";
import type { ServiceSpec, Settings } from "../spec/spec.ts";
import type { Manager } from "./manager.ts";
import type { Scan } from "./scan.ts";

/** What `apply` did, or with `dryRun` would do. */
export interface Change {
  readonly service: string;
  readonly change: "added" | "removed" | "restarted" | "updated";
  /** The keys that differ; empty for added and removed. */
  readonly keys: readonly string[];
}

/** Reads every directory anew and tells, or with `dryRun` only tells, what that changes. */
export async function applyAll(
  manager: Manager,
  scan: Scan,
  settings: Settings,
  dryRun: boolean,
): Promise<{ readonly changes: readonly Change[]; readonly problems: readonly Problem[] }> {
  const names = scan.names();
  if (names === null)
    return {
      changes: [],
      problems: [{ severity: "error", where: "scan directory", text: "cannot be read: nothing is changed" }],
    };
  const problems: Problem[] = [];
  const specs = new Map<string, ServiceSpec>();
  const refused = new Set<string>();
  for (const [index, name] of names.entries()) {
    const { spec, incomplete, problems: found } = scan.load(name);
    problems.push(...found);
    if (incomplete !== null) problems.push({ severity: "warning", service: name, where: name, text: incomplete });
    if (spec === null) refused.add(name);
    else specs.set(name, spec);
    if (index % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
  }
  for (const problem of checkSet(specs, settings.stopBudget, refused)) {
    problems.push(problem);
    if (problem.severity === "error" && problem.service !== undefined) specs.delete(problem.service);
  }
  const listed = new Set(names);
  const changes: Change[] = [];
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
