// supervise/ of each service and logger: asks the core for the lock before anything of it is started, has the state
// written, then has the fifos opened, so that whoever finds them finds the truth beside them.
import type { Clock } from "../base/clock.ts";
import type { Core, Hello } from "../channel/core.ts";
import type { Say } from "../log/voice.ts";
import { errnoName } from "../process/spawn.ts";
import type { Found } from "../process/whereabouts.ts";
import type { Outside } from "../service/view.ts";
import { createFirstAnswers } from "./first-answers.ts";
import type { Looks } from "./looks.ts";
import type { Runner } from "./runner.ts";
import { createSights, filesOf, keepStamp } from "./sight.ts";
import { createStatusFiles, readIfThere } from "./status-files.ts";
import { createEntry, type Entry, GONE, linksIn, pathOf, SCARCE, UNWRITABLE } from "./supervise-entry.ts";
import { createFaults } from "./supervise-faults.ts";
import { createRetries } from "./supervise-retries.ts";

export interface SuperviseParts {
  readonly core: Core;
  readonly clock: Clock;
  readonly hello: Hello;
  readonly say: Say;
  readonly looks: Looks;
  /** What is at a path that has links only among its last `names` names. */
  readonly find: (path: string, names: number) => Found;
  /** What the machine does not know of the service. */
  readonly outside: (runner: Runner) => Outside;
  /** Where the directory `home` cannot be written to; makes it, and null is that there is no such place. */
  readonly fallback: (name: string, home: string) => string | null;
  /** Somebody else supervises it: the lock at `path` is taken. `mayRun`: it was started before that was known. */
  readonly refused: (runner: Runner, path: string, mayRun: boolean) => void;
}

export interface Supervise {
  /** To be called before its first start, and for each service that a new manager takes over. */
  enter(runner: Runner): void;
  /** True if `start` is called later, for it may not be known yet whether somebody else supervises the directory. */
  defers(runner: Runner, child: number, start: () => void): boolean;
  /** Its state has changed; `ordered`: somebody waits to see it. */
  changed(runner: Runner, ordered: boolean): void;
  /** It is forgotten: its last state is written, then its lock and fifos are let go. */
  leave(runner: Runner): void;
  /** The core's answer. */
  supervised(number: number, asked: string, step: string, errno: number): void;
  /** The core's answer about the files. */
  inscribed(number: number, errno: number): void;
  /** Until now only the locks were asked for: writing has time until all that boots is started. */
  begin(): void;
  /** Resolves once the core has answered for all that have entered. */
  answered(): Promise<void>;
  /** Resolves once nothing is left to be written. */
  settled(): Promise<void>;
}

/** The supervise directories of one manager's services. */
export function createSupervise(parts: SuperviseParts): Supervise {
  const { core, clock, looks } = parts;
  const held = new Map(parts.hello.directories.map((directory) => [directory.number, directory]));
  const entries = new Map<number, Entry>();
  const sights = createSights(clock, parts.outside);
  const first = createFirstAnswers(clock, core);
  const faults = createFaults(clock, parts.say);
  const files = createStatusFiles<Entry>({
    isPrepared: ({ stage }) => stage !== "absent",
    prepare(entry, ready) {
      entry.ready = ready;
      lock(entry, true);
    },
    inscribe: ({ runner, path, sight }) => core.inscribe(runner.number, path, filesOf(sight)),
    done: (entry, fault, isLast) => written(entry, fault, isLast),
  });
  const find = (entry: Entry): Found => parts.find(entry.path, linksIn(entry));
  const lock = (entry: Entry, makes: boolean, found = find(entry)) =>
    core.supervise(entry.runner.number, entry.path, { makes, mayHang: found === "far" });
  const ask = (entry: Entry, isFirst: boolean) => {
    const found = find(entry);
    // Nobody can hold what is not there.
    if (found === "absent") return make(entry);
    entry.stage = "asked";
    if (isFirst) first.asked(entry, found === "far");
    lock(entry, false, found);
  };
  /** It is made before its first write, when its turn comes: a thousand of them would be a long wait for the core. */
  const make = (entry: Entry) => {
    entry.stage = "absent";
    entry.mayRun = true;
    files.write(entry, false);
  };
  const giveUp = (entry: Entry) => {
    entry.stage = "none";
    entry.ready = null;
    files.forget(entry);
  };
  const missing = (entry: Entry) => {
    giveUp(entry);
    faults.count();
  };
  const isKnown = (entry: Entry): boolean => entries.get(entry.runner.number) === entry;
  const letGo = (entry: Entry) => {
    files.forget(entry);
    first.forget(entry.runner.number);
    if (isKnown(entry)) entries.delete(entry.runner.number);
    core.release(entry.runner.number);
  };
  /** Its supervise/ was removed under us; or all of it, and then there is nothing to be made. */
  const again = (entry: Entry) =>
    looks.look(entry.runner.spec.home, (home) => {
      if (entry.stage !== "offered" || !isKnown(entry) || home === null || typeof home === "string") return;
      core.release(entry.runner.number);
      entry.path = pathOf(entry.runner);
      entry.isFallback = false;
      make(entry);
    });
  const { later, healed } = createRetries(clock, (entry) => {
    if (!isKnown(entry) || entry.stage === "none") return;
    if (entry.stage === "silent") ask(entry, false);
    else files.write(entry, false);
  });
  const written = (entry: Entry, fault: string | null, isLast: boolean) => {
    if (!isKnown(entry)) return;
    // What was being written as it left is not its last state.
    if (entry.isLeaving) return isLast ? letGo(entry) : undefined;
    entry.isSilent = fault === "ETIMEDOUT";
    if (fault === null) {
      if (entry.stage !== "locked") return healed(entry);
      entry.stage = "offered";
      return core.offer(entry.runner.number, find(entry) === "far");
    }
    if (GONE.has(fault)) return again(entry);
    faults.tell(entry, fault, null);
    later(entry);
  };
  /** Its service runs all the same; nobody can know whether another one does, too. */
  const silent = (entry: Entry, step: string) => {
    if (entry.isLeaving) return letGo(entry);
    files.forget(entry);
    entry.ready = null;
    entry.isSilent = true;
    entry.mayRun = true;
    entry.stage = entry.stage === "offered" ? "locked" : "silent";
    faults.tell(entry, "ETIMEDOUT", step);
    later(entry);
  };
  const locked = (entry: Entry) => {
    const { ready } = entry;
    entry.stage = "locked";
    entry.ready = null;
    entry.isSilent = false;
    if (entry.isLeaving) return letGo(entry);
    if (ready === null) files.write(entry, false);
    else ready();
  };
  /** It has the lock already. */
  const takeOver = (entry: Entry) => {
    entry.stage = "locked";
    readIfThere(looks, `${entry.path}/status`, find(entry) === "far", (bytes) => {
      if (!isKnown(entry)) return;
      if (bytes !== null) keepStamp(entry.sight, bytes);
      locked(entry);
    });
  };
  const refuse = (entry: Entry, step: string, errno: number) => {
    const name = errnoName(errno);
    if (name === "EAGAIN" && step === "lock" && !entry.isFallback) {
      giveUp(entry);
      entries.delete(entry.runner.number);
      parts.refused(entry.runner, entry.path, entry.mayRun);
      return core.release(entry.runner.number);
    }
    if (name === "ETIMEDOUT") return silent(entry, step);
    if (SCARCE.has(name)) return missing(entry);
    if (entry.stage === "asked" && GONE.has(name)) return make(entry);
    const other =
      UNWRITABLE.has(name) && !entry.isFallback ? parts.fallback(entry.runner.name, entry.runner.spec.home) : null;
    if (other === null) {
      // A link without the directory above its target, or a file in its place.
      const mayBeWrong = entry.stage === "absent";
      giveUp(entry);
      core.release(entry.runner.number);
      if (!GONE.has(name)) return faults.tell(entry, name, step);
      if (mayBeWrong) looks.look(entry.runner.spec.home, (home) => home !== null && faults.tell(entry, name, step));
      return;
    }
    entry.path = other;
    entry.isFallback = true;
    core.release(entry.runner.number);
    if (entry.ready === null) make(entry);
    else lock(entry, true);
  };

  return {
    enter(runner) {
      if (runner.spec.fixed) return;
      const entry = createEntry(runner, sights.begin(runner));
      // Of the directory that was there before under this name.
      for (const other of entries.values()) if (other.isLeaving && other.path === entry.path) letGo(other);
      entries.set(runner.number, entry);
      const known = held.get(runner.number);
      if (known === undefined) return ask(entry, true);
      entry.isFallback = known.path !== entry.path;
      entry.path = known.path;
      takeOver(entry);
    },
    defers: first.defers,
    changed(runner, ordered) {
      const entry = entries.get(runner.number);
      if (entry === undefined || !sights.look(entry.sight, runner) || entry.isSilent) return;
      if (entry.stage === "locked" || entry.stage === "offered") files.write(entry, ordered);
    },
    leave(runner) {
      const entry = entries.get(runner.number);
      if (entry === undefined) return;
      sights.look(entry.sight, runner);
      entry.isLeaving = true;
      const isThere = entry.stage === "locked" || entry.stage === "offered";
      if (isThere && !entry.isSilent) files.write(entry, true);
      else letGo(entry);
    },
    supervised(number, what, step, errno) {
      const entry = entries.get(number);
      // Refused it is not started: the core sees to that until the lock is released.
      if (what === "lock") first.came(number);
      if (entry === undefined) return;
      if (what === "yield") missing(entry);
      else if (errno !== 0) refuse(entry, step, errno);
      else if (what === "lock") locked(entry);
      else healed(entry);
    },
    inscribed(number, errno) {
      const entry = entries.get(number);
      if (entry !== undefined) files.inscribed(entry, errno === 0 ? null : errnoName(errno));
    },
    begin: files.begin,
    answered: first.all,
    settled() {
      files.begin();
      return files.settled();
    },
  };
}
