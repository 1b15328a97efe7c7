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

/** Runs one at a time; whoever asks for what waits for its turn already shares it. */
export function inTurn<T>(run: (dryRun: boolean) => Promise<T>): (dryRun: boolean) => Promise<T> {
  const waiting = new Map<boolean, Promise<T>>();
  let last: Promise<unknown> = Promise.resolve();
  return (dryRun) => {
    const shared = waiting.get(dryRun);
    if (shared !== undefined) return shared;
    const next = last.then(() => {
      waiting.delete(dryRun);
      return run(dryRun);
    });
    waiting.set(dryRun, next);
    // Its failure is told to whoever asked for it; the next one runs all the same.
    last = next.catch(() => {});
    return next;
  };
}

/** Reads every directory anew and tells, or with `dryRun` only tells, what that changes. */
export async function applyAll(
  manager: Manager,
  scan: Scan,
  { atStart, now, next }: SettingsChange,
  dryRun: boolean,
): Promise<{ readonly changes: readonly Change[]; readonly problems: readonly Problem[] }> {
  /** At once where that is known: to wait for each of a thousand would be to read the table of mounts a thousand times. */
  const answers = (name: string): boolean | Promise<boolean> => {
    const known: boolean[] = [];
    const later = new Promise<boolean>((resolve) =>
      scan.ask(name, (isThere) => {
        known.push(isThere);
        resolve(isThere);
      }),
    );
    return known[0] ?? later;
  };
  const nothing = (text: string) => ({
    changes: [],
    problems: [{ severity: "error" as const, where: "scan directory", text }],
  });
  if (!(await answers(""))) return nothing("does not answer: nothing is changed");
  const names = scan.names();
  if (names === null) return nothing("cannot be read: nothing is changed");
  const { keys, late } = globalDifferences(atStart, now, next);
  const problems: Problem[] = [];
  if (late.length > 0) {
    const text = `${late.join(" and ")} ${late.length === 1 ? "is" : "are"} read at the start only: restart upkeep itself`;
    problems.push({ severity: "warning", where: "global configuration", text });
  }
  const specs = new Map<string, ServiceSpec>();
  const refused = new Set<string>();
  for (const [index, name] of names.entries()) {
    const answer = answers(name);
    if (!(typeof answer === "boolean" ? answer : await answer)) {
      refused.add(name);
      const text = "does not answer: its service is left as it is";
      problems.push({ severity: "error", service: name, where: scan.pathOf(name), text });
      continue;
    }
    const { spec, incomplete, problems: found } = scan.load(name);
    problems.push(...found);
    if (incomplete !== null)
      problems.push({ severity: "warning", service: name, where: scan.homeOf(name), text: incomplete });
    if (spec === null) refused.add(name);
    else specs.set(name, spec);
    if (index % 20 === 19) await new Promise((resolve) => setImmediate(resolve));
  }
  const command = manager.roster.foreground();
  // Not a definition of the command after `--`: only a directory by its name.
  if (command !== null) {
    specs.delete(command.name);
    refused.add(command.name);
  }
  for (const problem of checkSet(specs, next.stopBudget, refused)) {
    problems.push(problem);
    if (problem.severity === "error" && problem.service !== undefined) specs.delete(problem.service);
  }
  const listed = new Set(names);
  const changes: Change[] = keys.length === 0 ? [] : [{ service: null, change: "updated", keys }];
  // The stop may have begun while the directories were read.
  if (manager.isStopping())
    return { changes, problems: [{ severity: "error", where: "apply", text: "everything is being stopped" }] };
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
    const { keys, needsRestart } = dryRun ? differences(runner.spec, spec) : manager.change(runner, spec, true);
    if (keys.length > 0) changes.push({ service: name, change: needsRestart ? "restarted" : "updated", keys });
  }
  return { changes, problems };
}

/** The sentence for the log: `applied: web restarted, db updated`. */
export function appliedText(changes: readonly Change[]): string {
  const texts = changes.map(({ service, change }) => `${service ?? "upkeep itself"} ${change}`);
  return `applied: ${texts.length === 0 ? "nothing has changed" : texts.join(", ")}`;
}
