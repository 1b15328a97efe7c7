// Which specifications become services: one by one where they wait for nobody, else once the whole set is known.
import type { Ms } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import { checkSet } from "../config/check-set.ts";
import { startOrder } from "../spec/order.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { SILENT, type Unready } from "./intake.ts";
import type { Manager } from "./manager.ts";
import type { Runner } from "./runner.ts";
import type { Scan } from "./scan.ts";

export interface Admission {
  /** A directory has become a specification. */
  appeared(spec: ServiceSpec): void;
  /** Its directory is gone. */
  disappeared(name: string): void;
  /** All directories have been read once: whoever waits for others is let in, in their order. */
  complete(): void;
  /** Gives a service its newest definition without a restart. */
  refresh(runner: Runner, done: (fresh: Refreshed) => void): void;
  /** Brings back one that was let go, for one run with `once`; tells why that cannot be, or null. */
  recall(name: string, once: boolean, done: (refused: string | null) => void): void;
  /** Specifications that the set as a whole cannot have (cycles, unknown requirements), by name. */
  readonly refused: ReadonlyMap<string, Unready>;
}

/** Why there is no newest definition, or null; `isSilent`: its directory does not answer. */
export interface Refreshed {
  readonly refused: string | null;
  readonly isSilent: boolean;
}

export interface AdmissionParts {
  readonly manager: Manager;
  readonly scan: () => Scan;
  readonly stopBudget: () => Ms;
  readonly tell: (problem: Problem) => void;
}

/** The door between the directories and the manager. */
export function createAdmission({ manager, scan, stopBudget, tell }: AdmissionParts): Admission {
  // Those that are not services yet.
  const specs = new Map<string, ServiceSpec>();
  const refused = new Map<string, Unready>();
  let told = new Set<string>();
  let isComplete = false;
  let isDue = false;

  const isThere = (name: string) => manager.roster.get(name) !== undefined;
  const admit = (spec: ServiceSpec) => {
    specs.delete(spec.name);
    manager.add(spec);
  };
  const admitAll = () => {
    // An apply may have been faster.
    for (const name of [...specs.keys()]) if (isThere(name)) specs.delete(name);
    const all = new Map(specs);
    for (const runner of manager.roster.all()) if (runner.spec.loggerOf === null) all.set(runner.name, runner.spec);
    refused.clear();
    const found = new Set<string>();
    for (const problem of checkSet(all, stopBudget(), new Set(scan().unready.keys()))) {
      const { service, severity, where, text } = problem;
      const key = `${where}: ${text}`;
      if (!told.has(key)) tell(problem);
      found.add(key);
      if (severity === "error" && service !== undefined && !isThere(service))
        refused.set(service, { why: text, incomplete: false });
    }
    // What was mended is told again should it come again.
    told = found;
    const fresh = [...all.values()].filter(({ name }) => !isThere(name) && !refused.has(name));
    for (const level of startOrder(fresh).levels)
      for (const name of level) {
        const spec = all.get(name);
        if (spec !== undefined) admit(spec);
      }
  };
  /** Why the set of services cannot have this definition of one of them; null if it can. */
  const faultOf = (spec: ServiceSpec): string | null => {
    if (spec.loggerOf !== null) return null;
    const all = new Map(manager.roster.services().map((runner) => [runner.name, runner.spec]));
    const problems = checkSet(
      all.set(spec.name, spec),
      stopBudget(),
      new Set([...scan().unready.keys(), ...specs.keys()]),
    );
    return problems.find(({ service, severity }) => service === spec.name && severity === "error")?.text ?? null;
  };
  const ask = (name: string, done: (answers: boolean) => void) => scan().ask(name, done);
  /** Once for all that appear together: a thousand directories put in at once are not looked over a thousand times. */
  const admitSoon = () => {
    if (!isDue)
      setImmediate(() => {
        isDue = false;
        admitAll();
      });
    isDue = true;
  };
  return {
    refused,
    appeared(spec) {
      const there = manager.roster.get(spec.name);
      if (there?.spec.fixed) {
        const whose = there.spec.foreground ? "the command after --" : "a startup file";
        const text = `cannot use this directory: ${spec.name} is the name of ${whose}; rename the directory`;
        if (refused.has(spec.name)) return;
        refused.set(spec.name, { why: text, incomplete: false });
        return tell({ severity: "error", service: spec.name, where: spec.home, text });
      }
      if (there !== undefined || manager.isLetGo(spec.name)) return;
      specs.set(spec.name, spec);
      // What waits for nobody need not wait for the others to be read.
      const isFree = spec.after.length + spec.requires.length + spec.wants.length === 0;
      if (isComplete) admitSoon();
      else if (isFree) admit(spec);
    },
    disappeared(name) {
      specs.delete(name);
      refused.delete(name);
      // What is fixed has no directory, whatever one by its name there was.
      if (!manager.roster.get(name)?.spec.fixed) manager.remove(name);
    },
    complete() {
      isComplete = true;
      admitAll();
    },
    recall: (name, once, done) =>
      ask(name, (answers) => {
        if (!answers) return done(SILENT);
        // Meanwhile it may have come another way, or all may have begun to stop.
        if (manager.isStopping()) return done("everything is being stopped");
        done(isThere(name) ? null : recall(name, once));
      }),
    refresh(runner, done) {
      const told = (refused: string | null, isSilent = false) => done({ refused, isSilent });
      // It came with the command line or the image, and there is no other definition of it.
      if (runner.spec.fixed) return told(null);
      ask(runner.spec.loggerOf ?? runner.name, (answers) => {
        if (manager.roster.get(runner.name) !== runner) return told("it was removed");
        if (manager.isLeaving(runner) && !manager.keep(runner)) return told("it is being removed");
        if (manager.isStopping()) return told("everything is being stopped");
        if (answers) told(refresh(runner));
        else told(SILENT, true);
      });
    },
  };

  function recall(name: string, once: boolean): string | null {
    const { spec, incomplete, problems } = scan().load(name);
    const why = incomplete ?? problems.find(({ severity }) => severity === "error")?.text ?? "it cannot be read";
    const fault = spec === null ? why : faultOf(spec);
    if (spec === null || fault !== null) return fault;
    manager.add(spec);
    const runner = manager.roster.get(name);
    if ((spec.down || once) && runner !== undefined) manager.roster.start(runner, once);
    return null;
  }
  function refresh(runner: Runner): string | null {
    const owner = runner.spec.loggerOf ?? runner.name;
    const { spec, incomplete, problems } = scan().load(owner);
    const fresh = runner.spec.loggerOf === null ? spec : (spec?.logger ?? null);
    if (fresh === null)
      return (
        incomplete ??
        problems.find(({ severity }) => severity === "error")?.text ??
        `cannot read the directory of ${owner}`
      );
    const fault = faultOf(fresh);
    if (fault === null) manager.change(runner, fresh, false);
    return fault;
  }
}
