// The ordered stop: services level by level in reverse, then their loggers, then whoever is left, within one budget.
import type { Clock, Ms } from "../base/clock.ts";
import { startOrder, stopLevels } from "../spec/order.ts";
import { isAtRest } from "./roster.ts";
import type { Runner } from "./runner.ts";
import type { Ending } from "./stop-report.ts";

/** Kept back at the end of the budget, for the last KILL to take effect and the report to be written. */
export const RESERVE: Ms = 500;
/** What a level that is still to come is left at least, if the budget allows. */
const LEVEL_RESERVE: Ms = 500;
/** For processes that are no service's. */
const STRAY_GRACE: Ms = 500;
/** Between two looks for them. */
const STRAY_LOOK: Ms = 20;

/**
 * The grace of one service in the present level. Pure: its own grace, clipped to what is left of the budget, less a
 * reserve for each level to come (together at most half of what is left).
 */
export function clipGrace(own: Ms, left: Ms, levelsToCome: number): Ms {
  const reserve = Math.min(levelsToCome * LEVEL_RESERVE, left / 2);
  return Math.max(0, Math.min(own, left - reserve));
}

/** Something else that is done between two levels. */
export interface Interlude {
  /** Begins it; `done` is called once, at its end or when `share` is over. */
  begin(share: Ms, done: () => void): void;
  /** Its time is over. */
  hurry(): void;
}

type Level = readonly Runner[] | Interlude;

export interface ShutdownParts {
  readonly clock: Clock;
  readonly budget: Ms;
  readonly runners: () => Iterable<Runner>;
  /** TERM and HUP to everything that is no service's; answers how many there are. */
  readonly strays: (signals: readonly number[]) => number;
  /** From their TERM to KILL, in milliseconds. Default 500. */
  readonly strayGrace?: Ms | undefined;
  /** What comes between the command after `--` and the services, and after the loggers. */
  readonly before?: Interlude | undefined;
  readonly after?: Interlude | undefined;
  readonly reactionOf: (pid: number, signal: number) => string | null;
  /** All is stopped, or the budget is over. */
  readonly done: (
    endings: readonly Ending[],
    strays: { readonly found: number; readonly killed: number },
    took: Ms,
  ) => void;
}

export interface Shutdown {
  /** A runner's state has changed, or (null) an adopted process has gone. */
  progress(runner: Runner | null): void;
  /** No more grace for anybody. */
  hurry(): void;
}

interface Watched {
  readonly runner: Runner;
  readonly startedAt: Ms;
  /** Its main process had ended already. */
  readonly isOver: boolean;
  finishingSince: Ms | null;
  killed: boolean;
  reaction: string | null;
}

/** Begins the ordered stop at `since` and drives it to its end; it is told of progress and wakes itself for deadlines. */
export function beginShutdown(
  { clock, budget, runners, strays, strayGrace = STRAY_GRACE, before, after, reactionOf, done }: ShutdownParts,
  since: Ms,
): Shutdown {
  const end = since + Math.max(0, budget - RESERVE);
  const all = [...runners()];
  const names = new Map(all.map((runner) => [runner.name, runner]));
  const services = all.filter(({ spec }) => spec.loggerOf === null && !spec.foreground);
  const order = startOrder(services.map((runner) => runner.spec));
  // Members of a cycle were refused and do not run, but whoever is left over must not be forgotten.
  const ordered = new Set(order.levels.flat());
  const levels: readonly Level[] = [
    all.filter(({ spec }) => spec.foreground),
    before ?? [],
    ...stopLevels(order.levels).map((level) => level.flatMap((name) => names.get(name) ?? [])),
    services.filter((runner) => !ordered.has(runner.name)),
    all.filter((runner) => runner.spec.loggerOf !== null),
    after ?? [],
  ].filter((level) => "begin" in level || level.length > 0);
  // Those of the present level that have not ended yet: each change looks at one service, not at all.
  const open = new Map<Runner, Watched>();
  const endings: Ending[] = [];
  let level = -1;
  let isHurried = false;
  let strayCount = 0;
  let strayKills = 0;
  let stage: "services" | "strays" | "done" = "services";
  let isAdvancing = false;
  let forget = () => {};
  let interlude: Interlude | null = null;

  const present = () => {
    const now = levels[level] ?? [];
    return "begin" in now ? [] : now;
  };
  const observe = (each: Watched) => {
    const { state } = each.runner;
    if (state.phase === "stopping" && state.killed && !each.killed) {
      each.killed = true;
      each.reaction = reactionOf(state.pid, each.runner.spec.stopSignal);
    }
    if (state.phase === "finishing") each.finishingSince ??= clock.now();
    if (!isAtRest(state)) return;
    open.delete(each.runner);
    endings.push({
      name: each.runner.name,
      took: clock.now() - each.startedAt,
      exit: each.isOver ? null : (state.last?.exit ?? null),
      finishing: each.finishingSince === null ? 0 : clock.now() - each.finishingSince,
      killed: each.killed,
      reaction: each.reaction,
    });
  };
  const watch = (runner: Runner, now: Ms): Watched => {
    const { phase } = runner.state;
    const isOver = phase === "finishing" || phase === "sweeping";
    return { runner, startedAt: now, isOver, finishingSince: null, killed: false, reaction: null };
  };
  const stopLevel = () => {
    const now = clock.now();
    const left = isHurried ? 0 : end - now;
    for (const runner of present()) {
      const before = isAtRest(runner.state) ? null : watch(runner, now);
      const grace = clipGrace(runner.spec.stopGrace, left, levels.length - 1 - level);
      runner.send({ type: "stop", cause: "shutdown", grace, eof: runner.spec.loggerOf !== null });
      // What was at rest may have something to undo, or survivors of an earlier stop.
      if (before !== null || !isAtRest(runner.state)) open.set(runner, before ?? watch(runner, now));
    }
  };
  const finish = () => {
    if (stage === "done") return;
    stage = "done";
    forget();
    for (const each of [...open.values()]) observe(each);
    done(endings, { found: strayCount, killed: strayKills }, clock.now() - since);
  };
  const sweepStrays = () => {
    stage = "strays";
    strayCount = strays([1, 15, 18]);
    if (strayCount === 0) return finish();
    const killAt = Math.min(clock.now() + (isHurried ? 0 : strayGrace), Math.max(end, clock.now()));
    const kill = () => {
      strayKills = strays([9]);
      if (strayKills === 0) return finish();
      forget = clock.at(clock.now() + STRAY_GRACE / 2, finish);
    };
    // A shell of `docker exec` is nobody's child in here: its end is told to nobody, so it is looked for.
    const look = () => {
      if (stage !== "strays") return;
      if (strays([]) === 0) return finish();
      if (clock.now() >= killAt) return kill();
      forget = clock.at(Math.min(clock.now() + STRAY_LOOK, killAt), look);
    };
    look();
  };
  const hold = (next: Interlude) => {
    interlude = next;
    // Half of what is left: those that come after it are to have their time too.
    next.begin(isHurried ? 0 : Math.max(0, end - clock.now()) / 2, () => {
      interlude = null;
      progress(null);
    });
  };
  const advance = () => {
    while (open.size === 0 && interlude === null) {
      level++;
      const next = levels[level];
      if (next === undefined) return sweepStrays();
      if ("begin" in next) hold(next);
      else stopLevel();
      // Some end in the very act: a retry that was waited for, a service that does not run.
      for (const each of [...open.values()]) observe(each);
    }
  };
  const progress = (runner: Runner | null) => {
    const each = runner === null ? undefined : open.get(runner);
    if (each !== undefined) observe(each);
    // A stop that ends at once reports progress while it is still being asked for.
    if (isAdvancing) return;
    isAdvancing = true;
    if (stage === "services") advance();
    else if (stage === "strays" && strays([]) === 0) finish();
    isAdvancing = false;
  };
  const overdue = () => {
    // Whatever has not ended by KILL hangs in the kernel: it goes with us.
    if (stage === "services") sweepStrays();
  };
  forget = clock.at(end, () => {
    // No grace outlives the budget: not a service's, not that of its finish script.
    isHurried = true;
    for (const runner of all) if (open.has(runner)) runner.send({ type: "kill" });
    // Who waits for one that does not end is told all the same: what is killed without that would be started again.
    while (stage === "services" && level < levels.length - 1) {
      level++;
      stopLevel();
    }
    interlude?.hurry();
    progress(null);
    forget = clock.at(end + RESERVE / 2, overdue);
  });
  return {
    progress,
    hurry() {
      isHurried = true;
      interlude?.hurry();
      if (stage === "services") for (const runner of present()) runner.send({ type: "kill" });
      else if (stage === "strays") strayKills = strays([9]);
      progress(null);
    },
  };
}
