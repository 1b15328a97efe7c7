// A service's life as one table of phase and event. It must never throw, read a clock or do anything itself.
// docs/states.md is this table played through; a cell is one function, an absent cell changes nothing.
import type { Ms } from "../base/clock.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { ended, neverRan, stopped, unspawned } from "./end.ts";
import type { Event, In, Phase, State, Step } from "./model.ts";
import type { Moment, Told } from "./moment.ts";
import { begin, beginAgain, hurry, retry, want } from "./rest.ts";
import { noCrashes } from "./restart.ts";
import { finished, finishOverdue, sweepNow, sweepOverdue, swept, unfinished } from "./retreat.ts";
import { launch, learnPid, prepared, ready, settledOrLate, started, startedBelatedly } from "./start.ts";
import * as asked from "./stop.ts";

/** What a phase makes of each event. */
type Row<P extends Phase> = {
  readonly [T in Event["type"]]?: (moment: Moment<In<P>>, event: Told<T>) => Step;
};

// biome-ignore format: a table
const life: { readonly [P in Phase]: Row<P> } = {
  down:      { start: begin, restart: beginAgain, stop: asked.stopIdle },
  waiting:   { start: want, stop: asked.stopIdle, clear: launch },
  preparing: { start: want, stop: asked.stop, restart: asked.restart,
               spawned: learnPid, unspawned, exited: prepared, timeout: asked.stopLate },
  starting:  { start: want, stop: asked.stop, restart: asked.restart, pause: asked.pause, cont: asked.proceed,
               spawned: started, unspawned, ready, exited: ended, timeout: settledOrLate },
  up:        { start: want, stop: asked.stop, restart: asked.restart, pause: asked.pause, cont: asked.proceed,
               spawned: startedBelatedly, unspawned, exited: ended },
  stopping:  { start: asked.startAfterwards, stop: asked.stopSooner, restart: asked.restartAfterwards,
               kill: asked.stopNow, timeout: asked.stopNow,
               spawned: startedBelatedly, unspawned: neverRan, exited: stopped },
  sweeping:  { start: asked.startNext, stop: asked.stopRetreat, restart: asked.restartNext,
               kill: sweepNow, timeout: sweepOverdue, swept },
  finishing: { start: asked.startNext, stop: asked.stopRetreat, restart: asked.restartNext,
               kill: finishOverdue, timeout: finishOverdue,
               spawned: learnPid, unspawned: unfinished, exited: finished },
  backoff:   { start: hurry, restart: retry, stop: asked.stopIdle, timeout: retry },
  failed:    { start: begin, restart: beginAgain, stop: asked.stopIdle },
  done:      { start: begin, restart: asked.redo, stop: asked.stopIdle },
};

/** Any row, as seen by one who does not know the phase: a row is only ever asked about its own. */
type AnyRow = { readonly [T in Event["type"]]?: (moment: Moment, event: Event) => Step };

/**
 * Advances one service by one event. Pure and total: time comes in as `now`, work goes out as effects; an event that
 * has no meaning in the phase, or tells of a process or a deadline that is past, changes nothing.
 */
export function step(spec: ServiceSpec, state: State, event: Event, now: Ms): Step {
  if (isStale(state, event, now)) return [state, []];
  const act = (life[state.phase] as AnyRow)[event.type];
  return act === undefined ? [state, []] : act({ spec, state, now }, event);
}

/** True for what is told of another process than the present one, twice, or before its time. */
function isStale(state: State, event: Event, now: Ms): boolean {
  if (event.type === "timeout") return now < deadlineOf(state);
  if (!("child" in event)) return false;
  if (!("child" in state) || event.child !== state.child) return true;
  return event.type === "spawned" && state.pid !== 0;
}

/** A service that nobody has asked for yet. `seed` is any whole number; another one per service keeps retries apart. */
export function initial(now: Ms, seed: number): State {
  return {
    phase: "down",
    want: "down",
    since: now,
    sequence: 0,
    starts: 0,
    streak: 0,
    crashes: noCrashes,
    last: null,
    seed,
  };
}

/** When `timeout` is due; `Infinity` where nothing is. The runner arms one timer for it after each step. */
export function deadlineOf(state: State): Ms {
  return "until" in state ? state.until : Number.POSITIVE_INFINITY;
}
