// How a process ended, by itself or as asked, or that it never began; and what follows from it.
import type { Ms } from "../base/clock.ts";
import { exitText } from "../base/exit.ts";
import { durationText } from "./duration.ts";
import type { Effect, Ending, In, Step } from "./model.ts";
import { amend, first, type Moment, type Told, tell } from "./moment.ts";
import { watches } from "./readiness.ts";
import { leftoversGrace, retreat } from "./retreat.ts";
import { isSuccess, judge, type Verdict } from "./verdict.ts";

/** The main process ended of itself. */
export function ended(moment: Moment<In<"starting" | "up">>, { exit }: Told<"exited">): Step {
  const { spec, state, now } = moment;
  const failure = !isSuccess(spec, exit);
  const judged = amend(moment, { last: { at: now, exit, reason: null }, ...forget(moment) });
  const verdict = judge(judged, failure);
  const lived = now - state.startedAt;
  const { next, retryIn } = verdict;
  const news =
    next === "done" ? ({ what: "done", exit } as const) : ({ what: "ended", exit, lived, retryIn, failure } as const);
  return first(
    [...unwatch(moment), tell(news), ...surrender(judged, verdict)],
    retreat(amend(judged, verdict.change), { next, ran: true, grace: leftoversGrace(moment) }),
  );
}

/** True once it has been up for `stable`, so that earlier crashes no longer count. */
export function isStable({ spec, state, now }: Moment): boolean {
  return state.phase === "up" && now - state.since >= spec.stable;
}

/** Up for long enough forgets earlier crashes; asked whenever it leaves `up`, so that no timer need wake for it. */
export function forget(moment: Moment): { readonly streak?: 0 } {
  return isStable(moment) ? { streak: 0 } : {};
}

/** Ends the watch for readiness, where one was begun. */
export function unwatch({ spec, state }: Moment): readonly Effect[] {
  return state.phase === "starting" && watches(spec) ? [{ type: "watch-ready", on: false }] : [];
}

/** Tells that it is given up. */
function surrender({ spec, state }: Moment, { gaveUp, change }: Verdict): readonly Effect[] {
  if (!gaveUp || spec.giveUp === null) return [];
  return [tell({ what: "gave-up", crashes: (change.crashes ?? state.crashes).length, within: spec.giveUp.within })];
}

/** A start that came to nothing is judged like a crash. `ending` says how far it came; without an exit, no main ran. */
export function failStart(moment: Moment, ending: Omit<Ending, "at"> & { readonly reason: string }, grace?: Ms): Step {
  const { exit, reason } = ending;
  const judged = amend(moment, { last: { at: moment.now, exit, reason } });
  const verdict = judge(judged, true);
  return first(
    [
      ...unwatch(moment),
      tell({ what: "unstartable", reason, retryIn: verdict.retryIn }),
      ...surrender(judged, verdict),
    ],
    retreat(amend(judged, verdict.change), {
      next: verdict.next,
      ran: exit !== null,
      grace: grace ?? leftoversGrace(moment),
    }),
  );
}

/** It could not be spawned. */
export function unspawned(moment: Moment<In<"preparing" | "starting" | "up">>, { reason }: Told<"unspawned">): Step {
  const where = moment.state.phase === "preparing" ? "start-pre: " : "";
  return failStart(moment, { exit: null, reason: where + reason });
}

/** start-pre failed. */
export function unprepared(moment: Moment<In<"preparing">>, { exit }: Told<"exited">): Step {
  return failStart(moment, { exit: null, reason: `start-pre: ${exitText(exit)}` });
}

/** What is left of the grace of a stop; nothing once it was killed, and no patience for leftovers beyond the spec's. */
function graceLeft({ spec, state: { killed, until }, now }: Moment<In<"stopping">>): Ms {
  return killed ? 0 : Math.max(0, Math.min(until - now, spec.stopGrace));
}

/** The process that was asked to end has ended. */
export function stopped(moment: Moment<In<"stopping">>, { exit }: Told<"exited">): Step {
  const { state, now } = moment;
  const grace = graceLeft(moment);
  const main = state.preparing ? null : exit;
  const reason = state.cause === "start-timeout" ? lateness(moment) : null;
  if (reason !== null && !state.again) return failStart(moment, { exit: main, reason }, grace);
  const last = main === null ? state.last : { at: now, exit: main, reason };
  return first(
    [tell({ what: "stopped", exit, took: now - state.since })],
    retreat(amend(moment, { last }), {
      next: state.again ? "start" : "down",
      ran: main !== null,
      grace,
      shutdown: state.cause === "shutdown",
    }),
  );
}

/** Why a start that took too long has failed. */
function lateness({ spec, state }: Moment<In<"stopping">>): string {
  const what = state.preparing ? "start-pre: not done" : spec.type === "oneshot" ? "not done" : "not ready";
  return `${what} after ${durationText(spec.startTimeout)}`;
}

/** The process that was asked to end turns out never to have begun. */
export function neverRan(moment: Moment<In<"stopping">>, { reason, ended = false }: Told<"unspawned">): Step {
  const { state, now } = moment;
  if (state.cause === "start-timeout" && !state.again)
    return failStart(moment, { exit: null, reason: ended ? lateness(moment) : reason }, 0);
  const news = ended
    ? ({ what: "stopped", exit: null, took: now - state.since } as const)
    : ({ what: "unstartable", reason, retryIn: state.again ? 0 : null } as const);
  return first(
    [tell(news)],
    retreat(ended ? moment : amend(moment, { last: { at: now, exit: null, reason } }), {
      next: state.again ? "start" : "down",
      ran: false,
      grace: graceLeft(moment),
      shutdown: state.cause === "shutdown",
    }),
  );
}
