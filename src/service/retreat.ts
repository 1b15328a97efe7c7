// The way to rest once a process has ended: leftovers, then finish, then its leftovers, then what is next.
import { constants } from "node:os";
import type { Ms } from "../base/clock.ts";
import { exitText } from "../base/exit.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import type { In, Next, Role, Step } from "./model.ts";
import { carry, first, type Moment, type Told, tell, unmoved } from "./moment.ts";
import { settle } from "./rest.ts";

const { SIGTERM, SIGKILL } = constants.signals;

/** From TERM to KILL for what a crash or `finish` left behind; a shorter stop-grace holds instead. */
const LEFTOVERS_GRACE: Ms = 2_000;
/** From KILL until we go on without those whom even KILL does not end (uninterruptible sleep). */
const KILLED_GRACE: Ms = 2_000;
/** What `finish` of s6 exits with where the service is not to be started again. */
const PERMANENT = 125;

/** How the way to rest is taken. */
export interface Retreat {
  readonly next: Next;
  /** The main process has run, so `finish` follows it. */
  readonly ran: boolean;
  /** For leftovers, from TERM to KILL; 0 is KILL at once. */
  readonly grace: Ms;
  /** A shutdown leaves nobody behind, whatever stop-scope says. */
  readonly shutdown?: boolean;
}

/** Takes the way to rest from its beginning. */
export function retreat(moment: Moment, { next, ran, grace, shutdown = false }: Retreat): Step {
  const sweeps = moment.spec.stopScope !== "process" || shutdown;
  if (sweeps) return sweep(moment, next, grace, !ran);
  return ran ? finish(moment, next, sweeps) : settle(moment, next);
}

/** From TERM to KILL for leftovers that nobody asked to stop. */
export function leftoversGrace({ spec }: Moment): Ms {
  return Math.min(spec.stopGrace, LEFTOVERS_GRACE);
}

/** Begins to end what is left of the service. */
export function sweep(moment: Moment, next: Next, grace: Ms, finished: boolean): Step {
  const killed = grace <= 0;
  const until = moment.now + (killed ? KILLED_GRACE : grace);
  return [
    { phase: "sweeping", until, killed, left: null, finished, next, ...carry(moment) },
    [{ type: "sweep", signal: killed ? SIGKILL : SIGTERM }],
  ];
}

/** The leftovers were counted. Zero goes on; the first that are found are told of once. */
export function swept(moment: Moment<In<"sweeping">>, { left }: Told<"swept">): Step {
  const { state } = moment;
  if (left === 0) return clean(moment);
  const fate = state.killed ? "killed" : "terminated";
  const news = (state.left ?? 0) === 0 ? [tell({ what: "leftovers", count: left, fate })] : [];
  return [{ ...state, left }, news];
}

/** Leftovers have had their time: KILL, and after that we go on without them. */
export function sweepOverdue(moment: Moment<In<"sweeping">>): Step {
  const { state, now } = moment;
  const count = state.left ?? 0;
  const news = (fate: "killed" | "abandoned") => (count === 0 ? [] : [tell({ what: "leftovers", count, fate })]);
  if (state.killed) return first(news("abandoned"), clean(moment));
  return [
    { ...state, killed: true, until: now + KILLED_GRACE },
    [...news("killed"), { type: "sweep", signal: SIGKILL }],
  ];
}

/** The grace of leftovers is over before its time. */
export function sweepNow(moment: Moment<In<"sweeping">>): Step {
  return moment.state.killed ? unmoved(moment) : sweepOverdue(moment);
}

/** Nothing is left of the main process. */
function clean(moment: Moment<In<"sweeping">>): Step {
  const { finished, next } = moment.state;
  return finished ? settle(moment, next) : finish(moment, next, true);
}

/** Runs `finish`, where there is one. */
function finish(moment: Moment, next: Next, sweeps: boolean): Step {
  const { spec, state, now } = moment;
  const exit = state.last?.exit ?? null;
  if (spec.finish === null || exit === null) return settle(moment, next);
  const child = state.sequence + 1;
  return [
    {
      phase: "finishing",
      child,
      pid: 0,
      until: now + spec.finishTimeout,
      killed: false,
      sweeps,
      next,
      ...carry(moment, { sequence: child }),
    },
    [{ type: "spawn-finish", child, exit }],
  ];
}

/** Which program runs in the phase `finishing`: a oneshot that can be undone has no other. */
export function finisher({ undo }: ServiceSpec): Role {
  return undo === null ? "finish" : "undo";
}

/** A oneshot that is done is to be no more, or to be done again: what undoes it runs. */
export function undo(moment: Moment, grace: Ms, next: "down" | "start"): Step {
  const { spec, state, now } = moment;
  const child = state.sequence + 1;
  const until = now + Math.min(spec.finishTimeout, grace);
  const sweeps = spec.stopScope !== "process";
  const running = { child, pid: 0, until, killed: false, sweeps, next } as const;
  return [{ phase: "finishing", ...running, ...carry(moment, { sequence: child }) }, [{ type: "spawn-undo", child }]];
}

/** `finish` takes too long, or its time was cut short. */
export function finishOverdue(moment: Moment<In<"finishing">>): Step {
  const { state, now } = moment;
  if (state.killed) return unmoved(moment);
  return [
    { ...state, killed: true, until: Number.POSITIVE_INFINITY },
    [
      { type: "kill", child: state.child, signal: SIGKILL, group: true },
      tell({ what: "killed", role: finisher(moment.spec), after: now - state.since }),
    ],
  ];
}

/** `finish` has ended. What it left had its share of patience if `finish` itself had to be killed. */
export function finished(moment: Moment<In<"finishing">>, { exit }: Told<"exited">): Step {
  const { next } = moment.state;
  if (finisher(moment.spec) === "undo") {
    const failed = !("code" in exit) || exit.code !== 0;
    const news = failed ? [tell({ what: "unfinished", role: "undo", reason: exitText(exit) })] : [];
    return first(news, rest(moment, next));
  }
  const isPermanent = moment.spec.isS6 && next !== "down" && "code" in exit && exit.code === PERMANENT;
  if (!isPermanent) return rest(moment, next);
  return first([tell({ what: "permanent" })], rest(moment, "failed"));
}

function rest(moment: Moment<In<"finishing">>, next: Next): Step {
  const { sweeps, killed } = moment.state;
  return sweeps ? sweep(moment, next, killed ? 0 : leftoversGrace(moment), true) : settle(moment, next);
}

/** `finish` could not be run: that keeps nothing from going on. */
export function unfinished(moment: Moment<In<"finishing">>, { reason }: Told<"unspawned">): Step {
  return first([tell({ what: "unfinished", role: finisher(moment.spec), reason })], rest(moment, moment.state.next));
}
