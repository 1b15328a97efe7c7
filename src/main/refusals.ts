// Service directories that somebody else supervises: what is said of them, and whether anything is left for us.
import type { Voice } from "../log/voice.ts";
import { identityOf } from "../manager/footprint.ts";
import type { Unready } from "../manager/intake.ts";
import type { Manager } from "../manager/manager.ts";
import type { Runner } from "../manager/runner.ts";
import type { Happening } from "../manager/services.ts";
import { lockHolder } from "../process/lock-holder.ts";
import { argumentsOf } from "../process/proc.ts";
import type { ServiceSpec } from "../spec/spec.ts";

export interface Refusals {
  /** The lock at `path` of this service or logger is somebody else's: it does not run here. */
  take(runner: Runner, path: string, mayRun: boolean): void;
  /** False while the service of its directory's old name has not ended: it waits for that. */
  admits(spec: Pick<ServiceSpec, "name" | "home">): boolean;
  /** By the name of the service. */
  readonly refused: ReadonlyMap<string, Unready>;
  /** It may have been let in again. */
  happened(happening: Happening): void;
  /** All locks have been asked for once: says what runs and what was refused; or, where that was all, answers one sentence. */
  settle(isFirst: boolean, scans: boolean): string | null;
}

export interface RefusalParts {
  readonly voice: Voice;
  readonly manager: () => Manager;
  readonly scanDir: string;
  readonly corePid: number;
}

const US = "us already, under another name";
const MOVING = "it waits until the service that it was before is down";

/** The refusals of one supervisor. */
export function createRefusals({ voice, manager, scanDir, corePid }: RefusalParts): Refusals {
  const refused = new Map<string, Unready>();
  const holders = new Set<string>();
  const told = new Set<string>();
  // By its identity: which service a directory was last, and by its new name whom it waits for. The lock tells it too, but
  // not before there is one, and at boot that is made after all have been started.
  const origins = new Map<string, string>();
  const waiting = new Map<string, string>();
  let isSettled = false;

  const tell = (name: string, why: string) => {
    const text = `${name} does not run here: ${why}`;
    if (told.has(text)) return;
    told.add(text);
    voice.error(text, { service: name });
  };
  const holderOf = (path: string): string => {
    const pid = lockHolder(`${path}/lock`);
    if (pid === null) return "a process that is not to be seen from here";
    if (pid === corePid) return US;
    const program = argumentsOf(pid)[0]?.replace(/^.*\//, "") ?? "";
    return `pid ${pid}${program === "" ? "" : ` (${program})`}`;
  };
  const forget = (old: string) => {
    for (const [identity, name] of origins) if (name === old) origins.delete(identity);
    for (const [name, before] of waiting) {
      if (before !== old) continue;
      waiting.delete(name);
      refused.delete(name);
    }
  };
  return {
    refused,
    admits({ name, home }) {
      const identity = identityOf(home);
      const before = origins.get(identity) ?? name;
      const runner = manager().roster.get(before);
      if (before !== name && runner !== undefined && manager().isLeaving(runner)) {
        waiting.set(name, before);
        refused.set(name, { why: MOVING, incomplete: false });
        return false;
      }
      if (identity !== "") origins.set(identity, name);
      return true;
    },
    take(runner, path, mayRun) {
      const name = runner.spec.loggerOf ?? runner.name;
      const holder = holderOf(path);
      // Its directory was renamed: it comes back when the service of the old name has gone.
      const isMoving = holder === US && [...manager().roster.all()].some(manager().isLeaving);
      const remedy = holder === US ? "remove one of the two" : "end that";
      const why = isMoving ? MOVING : `${path} is supervised by ${holder}; ${remedy}, then upkeep apply`;
      holders.add(holder);
      refused.set(name, { why, incomplete: false });
      if (!mayRun) manager().refuse(runner);
      // The service itself may run by now, if this is its logger.
      if (mayRun || runner.name !== name) manager().remove(name);
      if (isSettled && !isMoving) tell(name, why);
    },
    happened({ event, runner }) {
      if (event === "removed") forget(runner.name);
      if (event === "state" && !manager().isLeaving(runner)) refused.delete(runner.name);
    },
    settle(isFirst, scans) {
      isSettled = true;
      manager().begin();
      const isAll = refused.size > 0 && manager().roster.services().length === 0;
      // Without the command after `--`, which is in no directory.
      const count = manager().roster.fromDirectories().length;
      const services = count === 1 ? "1 service" : `${count} services`;
      const [holder = ""] = holders;
      if (isAll && holders.size === 1)
        return `cannot supervise ${scanDir}: ${refused.size === 1 ? "its service is" : `its ${refused.size} services are`} supervised by ${holder}`;
      for (const [name, { why }] of refused) tell(name, why);
      if (!isFirst) voice.info(`a new manager has taken over ${services}; none was restarted`);
      // A short command may have ended already, and everything with it.
      else if (!manager().isStopping()) voice.info(`supervising ${services}${scans ? ` in ${scanDir}` : ""}`);
      return isAll ? `cannot supervise ${scanDir}: all its services are supervised by others` : null;
    },
  };
}
