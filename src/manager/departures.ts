// How a service goes: it is stopped and forgotten, with its logger after it.
import type { Core } from "../channel/core.ts";
import type { Doctor } from "./doctor.ts";
import type { Unready } from "./intake.ts";
import type { Outputs } from "./outputs.ts";
import { letGoKey, specKey } from "./remembered.ts";
import { isAtRest, type Roster } from "./roster.ts";
import { type Runner, stateKey } from "./runner.ts";

export interface DepartureParts {
  readonly core: Core;
  readonly roster: Roster;
  readonly outputs: Outputs;
  readonly doctor: Doctor;
  readonly rememberSpec: (runner: Runner) => void;
  /** It is forgotten by all others, too. */
  readonly forgotten: (runner: Runner) => void;
  /** People are told that it is gone. */
  readonly removed: (runner: Runner) => void;
  /** Those that an earlier manager let go. */
  readonly letGo: Iterable<string>;
}

export interface Departures {
  /** Stops it and forgets it; `eof` closes a logger's input instead. */
  dismiss(runner: Runner, eof: boolean, patient?: boolean): void;
  /** The same as runit's `exit`: whatever its directory says, it comes back only when it is asked for. */
  letGo(runner: Runner): void;
  /** Keeps one that was let go and has not ended yet; false if it goes for another reason. */
  keep(runner: Runner): boolean;
  /** Nothing of it runs, nor will: forgets it without a word, and its logger. */
  refuse(runner: Runner): void;
  /** It has come to rest: forgets it, if that is what was waited for. */
  settled(runner: Runner): boolean;
  isLeaving(runner: Runner): boolean;
  /** It was so already when an earlier manager had it. */
  wasLeaving(runner: Runner): void;
  leaving(): readonly Runner[];
  isLetGo(name: string): boolean;
  /** What is to be said of them, by name. */
  letGoes(): ReadonlyMap<string, Unready>;
  /** It is wanted again, or has nothing any more to come back to. */
  recall(name: string): void;
}

const LET_GO: Unready = {
  why: "it was told to exit; upkeep start or apply brings it back",
  incomplete: false,
  isLetGo: true,
};

/** The departures of one manager's services. */
export function createDepartures(parts: DepartureParts): Departures {
  const { core, roster } = parts;
  const leaving = new Set<Runner>();
  const letGo = new Set(parts.letGo);

  const recall = (name: string) => {
    if (letGo.delete(name)) core.forget(letGoKey(name));
  };
  const loggerOf = (runner: Runner) => roster.get(`${runner.name}/log`);
  const drop = (runner: Runner) => {
    leaving.delete(runner);
    runner.dispose();
    roster.remove(runner.name);
    parts.doctor.forget(runner);
    core.forget(stateKey(runner.name));
    core.forget(specKey(runner.name));
    parts.outputs.removed(runner);
    parts.forgotten(runner);
  };
  const forget = (runner: Runner) => {
    const logger = loggerOf(runner);
    drop(runner);
    parts.removed(runner);
    if (logger !== undefined) dismiss(logger, true);
  };
  const dismiss = (runner: Runner, eof: boolean, patient = false) => {
    leaving.add(runner);
    if (isAtRest(runner.state) && runner.state.phase !== "backoff") return forget(runner);
    parts.rememberSpec(runner);
    roster.end(runner, { type: "stop", cause: "removed", grace: null, eof, patient });
  };
  return {
    dismiss,
    letGo(runner) {
      letGo.add(runner.name);
      core.remember(letGoKey(runner.name), "1");
      dismiss(runner, false, true);
    },
    keep(runner) {
      if (roster.get(runner.name) !== runner || !leaving.has(runner) || !letGo.has(runner.name)) return false;
      recall(runner.name);
      leaving.delete(runner);
      parts.rememberSpec(runner);
      return true;
    },
    refuse(runner) {
      const logger = loggerOf(runner);
      drop(runner);
      if (logger !== undefined) dismiss(logger, true);
    },
    settled(runner) {
      const isWaitedFor = leaving.has(runner);
      if (isWaitedFor) forget(runner);
      return isWaitedFor;
    },
    isLeaving: (runner) => leaving.has(runner),
    wasLeaving: (runner) => void leaving.add(runner),
    leaving: () => [...leaving],
    isLetGo: (name) => letGo.has(name),
    letGoes: () => new Map([...letGo].map((name) => [name, LET_GO])),
    recall,
  };
}
