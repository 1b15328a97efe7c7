// supervise/ of each service and logger: asks the core for the lock before anything of it is started, has the state
// written, then has the fifos opened, so that whoever finds them finds the truth beside them.
import { existsSync } from "node:fs";
import type { Clock, Ms } from "../base/clock.ts";
import type { Core, Hello } from "../channel/core.ts";
import type { Say } from "../log/voice.ts";
import { errnoName } from "../process/spawn.ts";
import type { Outside } from "../service/view.ts";
import type { Runner } from "./runner.ts";
import { createSights, filesOf, keepStamp } from "./sight.ts";
import { createStatusFiles, readIfThere } from "./status-files.ts";
import { type Entry, GONE, pathOf, SCARCE, UNWRITABLE } from "./supervise-entry.ts";

export interface SuperviseParts {
  readonly core: Core;
  readonly clock: Clock;
  readonly hello: Hello;
  readonly say: Say;
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

/** A write that failed is tried again after this, and after twice as long each further time. */
const AGAIN: Ms = 1000;
const AGAIN_MAX: Ms = 60_000;
/** But where the file system does not answer each try keeps all others waiting for a second. */
const AGAIN_SILENT: Ms = 15_000;
/** What is not offered for want of descriptors is counted for this long, and said once. */
const COUNT_FOR: Ms = 1000;
/** The supervise directories of one manager's services. */
export function createSupervise(parts: SuperviseParts): Supervise {
  const { core, clock, say } = parts;
  const held = new Map(parts.hello.directories.map((directory) => [directory.number, directory]));
  const entries = new Map<number, Entry>();
  const sights = createSights(clock, parts.outside);
  const files = createStatusFiles<Entry>({
    isPrepared: ({ stage }) => stage !== "absent",
    prepare(entry, ready) {
      entry.ready = ready;
      core.supervise(entry.runner.number, entry.path, { makes: true, mayHang: false });
    },
    inscribe: ({ runner, path, sight }) => core.inscribe(runner.number, path, filesOf(sight)),
    done: (entry, fault, isLast) => written(entry, fault, isLast),
  });
  const waiters: (() => void)[] = [];
  // Those for which the core has not answered the first question.
  const early = new Set<number>();
  let scarce = 0;

  const ask = (entry: Entry) => {
    // Nobody can hold what is not there.
    if (!existsSync(entry.path)) return make(entry);
    entry.stage = "asked";
    early.add(entry.runner.number);
    core.supervise(entry.runner.number, entry.path, { makes: false, mayHang: false });
  };
  /** It is made before its first write, when its turn comes: a thousand of them would be a long wait for the core. */
  const make = (entry: Entry) => {
    entry.stage = "absent";
    files.write(entry, false);
  };
  const answer = () => {
    if (early.size === 0) for (const waiter of waiters.splice(0)) waiter();
  };
  const giveUp = (entry: Entry) => {
    entry.stage = "none";
    entry.ready = null;
    files.forget(entry);
  };
  const complain = (entry: Entry, text: string) => {
    if (entry.hasComplained) return;
    entry.hasComplained = true;
    say("warn", `cannot offer ${entry.runner.name} in ${entry.path}: ${text}; sv does not reach it`);
  };
  const missing = (entry: Entry) => {
    giveUp(entry);
    if (scarce++ > 0) return;
    clock.at(clock.now() + COUNT_FOR, () =>
      say(
        "warn",
        `${scarce === 1 ? "1 service or logger is" : `${scarce} services and loggers are`} not offered in supervise/: too few descriptors; raise the limit nofile of upkeep itself`,
      ),
    );
  };
  const letGo = (entry: Entry) => {
    files.forget(entry);
    if (entries.get(entry.runner.number) === entry) entries.delete(entry.runner.number);
    core.release(entry.runner.number);
  };
  /** Its supervise/ was removed under us; or all of it, and then there is nothing to be made. */
  const again = (entry: Entry) => {
    if (entry.stage !== "offered" || !existsSync(entry.runner.spec.home)) return;
    core.release(entry.runner.number);
    entry.path = pathOf(entry.runner);
    entry.isFallback = false;
    make(entry);
  };
  const written = (entry: Entry, fault: string | null, isLast: boolean) => {
    if (entries.get(entry.runner.number) !== entry) return;
    // What was being written as it left is not its last state.
    if (entry.isLeaving) return isLast ? letGo(entry) : undefined;
    entry.isSilent = fault === "ETIMEDOUT";
    if (entry.isSilent) entry.pause = Math.max(entry.pause, AGAIN_SILENT);
    if (fault === null) {
      entry.pause = AGAIN;
      entry.hasComplained = false;
      if (entry.stage !== "locked") return;
      entry.stage = "offered";
      return core.offer(entry.runner.number, false);
    }
    if (GONE.has(fault)) return again(entry);
    complain(entry, fault);
    // Each change of its state comes here while the disk is full.
    if (entry.isPausing) return;
    entry.isPausing = true;
    clock.at(clock.now() + entry.pause, () => {
      entry.isPausing = false;
      if (entries.get(entry.runner.number) === entry && entry.stage !== "none") files.write(entry, false);
    });
    entry.pause = Math.min(entry.pause * 2, AGAIN_MAX);
  };
  const locked = (entry: Entry) => {
    const { ready } = entry;
    entry.stage = "locked";
    entry.ready = null;
    if (entry.isLeaving) return letGo(entry);
    if (ready === null) files.write(entry, false);
    else ready();
  };
  const create = (runner: Runner): Entry => ({
    runner,
    sight: sights.begin(runner),
    path: pathOf(runner),
    isFallback: false,
    stage: "none",
    ready: null,
    isLeaving: false,
    hasComplained: false,
    pause: AGAIN,
    isPausing: false,
    isSilent: false,
  });
  /** It has the lock already. */
  const takeOver = (entry: Entry) => {
    entry.stage = "locked";
    readIfThere(`${entry.path}/status`, (bytes) => {
      if (entries.get(entry.runner.number) !== entry) return;
      if (bytes !== null) keepStamp(entry.sight, bytes);
      locked(entry);
    });
  };
  const refuse = (entry: Entry, step: string, errno: number) => {
    const name = errnoName(errno);
    if (name === "EAGAIN" && step === "lock" && !entry.isFallback) {
      const mayRun = entry.stage === "absent";
      giveUp(entry);
      entries.delete(entry.runner.number);
      parts.refused(entry.runner, entry.path, mayRun);
      return core.release(entry.runner.number);
    }
    if (SCARCE.has(name)) return missing(entry);
    if (entry.stage === "asked" && GONE.has(name)) return make(entry);
    const other =
      UNWRITABLE.has(name) && !entry.isFallback ? parts.fallback(entry.runner.name, entry.runner.spec.home) : null;
    if (other === null) {
      // A link without the directory above its target, or a file in its place.
      const isWrong = entry.stage === "absent" && existsSync(entry.runner.spec.home);
      giveUp(entry);
      core.release(entry.runner.number);
      if (!GONE.has(name) || isWrong) complain(entry, `${step}: ${name}`);
      return;
    }
    entry.path = other;
    entry.isFallback = true;
    core.release(entry.runner.number);
    if (entry.ready === null) make(entry);
    else core.supervise(entry.runner.number, other, { makes: true, mayHang: false });
  };

  return {
    enter(runner) {
      if (runner.spec.fixed) return;
      const entry = create(runner);
      // Of the directory that was there before under this name.
      for (const other of entries.values()) if (other.isLeaving && other.path === entry.path) letGo(other);
      entries.set(runner.number, entry);
      const known = held.get(runner.number);
      if (known === undefined) return ask(entry);
      entry.isFallback = known.path !== entry.path;
      entry.path = known.path;
      takeOver(entry);
    },
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
      if (entry !== undefined) {
        if (what === "yield") missing(entry);
        else if (errno !== 0) refuse(entry, step, errno);
        else if (what === "lock") locked(entry);
      }
      if (what === "lock" && early.delete(number)) answer();
    },
    inscribed(number, errno) {
      const entry = entries.get(number);
      if (entry !== undefined) files.inscribed(entry, errno === 0 ? null : errnoName(errno));
    },
    begin: () => files.begin(),
    answered: () => (early.size === 0 ? Promise.resolve() : new Promise((resolve) => void waiters.push(resolve))),
    settled() {
      files.begin();
      return files.settled();
    },
  };
}
