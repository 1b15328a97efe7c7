// Asking a process to end, and having it end.
import { constants } from "node:os";
import type { Ms } from "../base/clock.ts";
import { forget, unwatch } from "./end.ts";
import type { Cause, Effect, In, Step } from "./model.ts";
import { amend, carry, type Moment, type Told, tell, unmoved } from "./moment.ts";
import { beginAgain, type Idle, wanted, wantedAgain } from "./rest.ts";
import { sweep, undo } from "./retreat.ts";

const { SIGTERM, SIGKILL, SIGSTOP, SIGCONT } = constants.signals;

/** Running and not yet asked to end. */
type Running = "preparing" | "starting" | "up";
/** Between the end of the main process and rest. */
type Retreating = "sweeping" | "finishing";

interface Asking {
  readonly cause: Cause | "start-timeout";
  readonly again: boolean;
  readonly grace: Ms | null;
  readonly eof: boolean;
  readonly patient?: boolean | undefined;
}

/** The stop signal, or the end of its input, and a CONT for a process that is stopped; then the grace runs. */
function ask(moment: Moment<In<Running>>, { cause, again, grace, eof, patient = false }: Asking): Step {
  const { spec, state, now } = moment;
  const { child, pid } = state;
  const preparing = state.phase === "preparing";
  // start-pre is another program: it need not know the stop signal of the main one, but TERM ends anyone.
  const signal = preparing ? SIGTERM : eof ? null : spec.stopSignal;
  const group = spec.stopScope === "group";
  const push: Effect = signal === null ? { type: "close-input" } : { type: "kill", child, signal, group };
  return [
    {
      phase: "stopping",
      child,
      pid,
      until: patient ? Number.POSITIVE_INFINITY : now + allowance(moment, grace),
      startedAt: preparing ? state.since : state.startedAt,
      killed: false,
      again,
      cause,
      preparing,
      ...carry(moment, forget(moment)),
    },
    [
      ...unwatch(moment),
      push,
      { type: "kill", child, signal: SIGCONT, group },
      tell({ what: "stopping", cause, signal }),
    ],
  ];
}

/** The grace of a stop: the spec's, or a shorter one. */
function allowance({ spec }: Moment, grace: Ms | null): Ms {
  return Math.max(0, Math.min(spec.stopGrace, grace ?? spec.stopGrace));
}

/** A stop of what runs. One that a dependency causes leaves the wish alone: it starts again once that is ready. */
export function stop(moment: Moment<In<Running>>, { cause, grace, eof, patient }: Told<"stop">): Step {
  const again = cause === "dependency";
  return ask(again ? moment : amend(moment, { want: "down" }), { cause, again, grace, eof, patient });
}

/** A restart of what runs. */
export function restart(moment: Moment<In<Running>>, { cause, patient }: Told<"restart">): Step {
  return ask(moment, { cause, again: true, grace: null, eof: false, patient });
}

/** start-timeout is over: a failed start, once the process has ended. */
export function stopLate(moment: Moment<In<Running>>): Step {
  return ask(moment, { cause: "start-timeout", again: false, grace: null, eof: false });
}

/** A further stop: the shorter grace wins; nothing is sent twice, for many programs take a second TERM for haste. */
export function stopSooner(moment: Moment<In<"stopping">>, { cause, grace, patient = false }: Told<"stop">): Step {
  const { state, now } = moment;
  const until = state.killed || patient ? state.until : Math.min(state.until, now + allowance(moment, grace));
  if (cause === "dependency") return [{ ...state, until }, []];
  // A shutdown stays one: it leaves no survivors, which a request may.
  const weightier = state.cause === "shutdown" ? state.cause : cause;
  return [{ ...state, until, want: "down", again: false, cause: weightier }, []];
}

/** A stop on the way to rest: the way is the same, but it ends at `down`. */
export function stopRetreat(moment: Moment<In<Retreating>>, { cause, grace }: Told<"stop">): Step {
  const { state, now } = moment;
  const until = state.killed || grace === null ? state.until : Math.min(state.until, now + grace);
  if (cause === "dependency") return [{ ...state, until }, []];
  const stopped = { until, want: "down", next: "down" } as const;
  if (state.phase === "sweeping") return [{ ...state, ...stopped }, []];
  return [{ ...state, ...stopped, sweeps: state.sweeps || cause === "shutdown" }, []];
}

/**
 * A stop where nothing runs. A dependency that went has nothing to take along: what is done stays done. A shutdown
 * looks for those whom an earlier stop of the process alone has spared.
 */
export function stopIdle(moment: Moment<In<Idle>>, { cause, grace }: Told<"stop">): Step {
  const { spec, state } = moment;
  if (cause === "dependency") return unmoved(moment);
  if (state.phase === "done" && spec.undo !== null) {
    return undo(amend(moment, { want: "down" }), grace ?? Number.POSITIVE_INFINITY, "down");
  }
  const spared = cause === "shutdown" && spec.stopScope === "process";
  if (spared) return sweep(amend(moment, { want: "down" }), "down", allowance(moment, grace), true);
  if (state.phase === "down") return unmoved(moment);
  return [{ phase: "down", ...carry(moment, { want: "down" }) }, []];
}

/** A restart of what is done: it is undone first. */
export function redo(moment: Moment<In<"done">>): Step {
  if (moment.spec.undo === null) return beginAgain(moment);
  return undo(amend(moment, { want: wantedAgain(moment.state) }), Number.POSITIVE_INFINITY, "start");
}

/** The grace is over. There is no second deadline: only the kernel can help now. */
export function stopNow(moment: Moment<In<"stopping">>): Step {
  const { spec, state, now } = moment;
  if (state.killed) return unmoved(moment);
  return [
    { ...state, killed: true, until: Number.POSITIVE_INFINITY },
    [
      { type: "kill", child: state.child, signal: SIGKILL, group: spec.stopScope !== "process" },
      tell({ what: "killed", role: state.preparing ? "pre" : "main", after: now - state.since }),
    ],
  ];
}

/** A start while it stops: up again afterwards. */
export function startAfterwards({ state }: Moment<In<"stopping">>, order: Told<"start">): Step {
  return [{ ...state, want: wanted(order), again: true }, []];
}

/** A restart while it stops. */
export function restartAfterwards({ state }: Moment<In<"stopping">>): Step {
  return [{ ...state, want: wantedAgain(state), again: true }, []];
}

/** A start on the way to rest: up again at its end, without a delay. */
export function startNext({ state }: Moment<In<Retreating>>, order: Told<"start">): Step {
  return [{ ...state, want: wanted(order), next: "start" }, []];
}

/** A restart on the way to rest. */
export function restartNext({ state }: Moment<In<Retreating>>): Step {
  return [{ ...state, want: wantedAgain(state), next: "start" }, []];
}

/** Halts the main process. */
export function pause({ state }: Moment<In<"starting" | "up">>): Step {
  return [{ ...state, paused: true }, [{ type: "kill", child: state.child, signal: SIGSTOP, group: false }]];
}

/** Lets it go on. */
export function proceed({ state }: Moment<In<"starting" | "up">>): Step {
  return [{ ...state, paused: false }, [{ type: "kill", child: state.child, signal: SIGCONT, group: false }]];
}
