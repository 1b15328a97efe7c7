// From a clear way to readiness.
import { unprepared, unwatch } from "./end.ts";
import type { Common, In, Step } from "./model.ts";
import { carry, first, type Moment, type Told, tell, unmoved } from "./moment.ts";
import { settles, watches } from "./readiness.ts";
import { stopLate } from "./stop.ts";

/** All that it requires is ready: start-pre, or the main process at once. */
export function launch(moment: Moment<In<"waiting">>): Step {
  const { spec, state, now } = moment;
  if (spec.startPre === null) return spawnMain(moment);
  const child = state.sequence + 1;
  return [
    { phase: "preparing", child, pid: 0, until: now + spec.startTimeout, ...carry(moment, { sequence: child }) },
    [{ type: "spawn", role: "pre", child }],
  ];
}

function spawnMain(moment: Moment): Step {
  const { spec, state, now } = moment;
  const child = state.sequence + 1;
  // Until it is known to run, start-timeout alone counts: an exec may hang.
  const deadline = now + spec.startTimeout;
  const running = { child, pid: 0, startedAt: now, paused: false };
  return [
    { phase: "starting", ...running, until: deadline, deadline, ...carry(moment, { sequence: child }) },
    [{ type: "spawn", role: "main", child }],
  ];
}

/** start-pre has ended. */
export function prepared(moment: Moment<In<"preparing">>, fact: Told<"exited">): Step {
  const clean = "code" in fact.exit && fact.exit.code === 0;
  return clean ? spawnMain(moment) : unprepared(moment, fact);
}

/** The core tells the pid of start-pre or finish. */
export function learnPid({ state }: Moment<In<"preparing" | "finishing">>, { pid }: Told<"spawned">): Step {
  return [{ ...state, pid }, []];
}

/** The main process runs; settle counts from here. */
export function started(moment: Moment<In<"starting">>, { pid }: Told<"spawned">): Step {
  const { spec, state, now } = moment;
  const until = settles(spec) ? Math.min(state.deadline, now + spec.settle) : state.deadline;
  const running = { ...state, ...counted(state), pid, startedAt: now, until };
  const news = tell({ what: "started", pid });
  // A settle of nothing needs no timer.
  if (settles(spec) && spec.settle === 0) return first([news], rise({ ...moment, state: running }));
  return [running, watches(spec) ? [news, { type: "watch-ready", on: true }] : [news]];
}

/** The main process runs, and something else came first: readiness, or the wish that it stop. */
export function startedBelatedly({ state, now }: Moment<In<"up" | "stopping">>, { pid }: Told<"spawned">): Step {
  if (state.phase === "stopping" && state.preparing) return [{ ...state, pid }, []];
  return [{ ...state, ...counted(state), pid, startedAt: now }, [tell({ what: "started", pid })]];
}

function counted({ starts }: Common): Pick<Common, "starts"> {
  return { starts: starts + 1 };
}

/** It says that it is ready; of a oneshot only its exit says so. */
export function ready(moment: Moment<In<"starting">>): Step {
  return moment.spec.type === "oneshot" ? unmoved(moment) : rise(moment);
}

function rise(moment: Moment<In<"starting">>): Step {
  const { state, now } = moment;
  const { child, pid, startedAt, paused } = state;
  return [
    { phase: "up", child, pid, startedAt, paused, ...carry(moment) },
    [...unwatch(moment), tell({ what: "ready", after: now - startedAt })],
  ];
}

/** It has stayed alive for long enough, or has taken too long. */
export function settledOrLate(moment: Moment<In<"starting">>): Step {
  const { spec, state, now } = moment;
  const settled = settles(spec) && state.pid !== 0 && now - state.startedAt >= spec.settle;
  return settled ? rise(moment) : stopLate(moment);
}
