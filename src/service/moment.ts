// Where a service stands when an event finds it, and how a step is put together.
import type { Ms } from "../base/clock.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import type { Common, Effect, Event, Report, State, Step } from "./model.ts";

/** All that a decision may look at besides the event: there is no other clock and no other memory. */
export interface Moment<S extends State = State> {
  readonly spec: ServiceSpec;
  readonly state: S;
  readonly now: Ms;
}

/** The event of one type. */
export type Told<T extends Event["type"]> = Extract<Event, { readonly type: T }>;

/**
 * What is carried into a new phase: the common fields, `since` now, with `change` applied. It is spread last into the
 * state: V8 gives what is spread first, with more after it, a hidden class of its own each time, at ten times the cost.
 */
export function carry({ state, now }: Moment, change: Partial<Common> = {}): Common {
  const { want, sequence, starts, streak, crashes, last, seed } = state;
  return { want, since: now, sequence, starts, streak, crashes, last, seed, ...change };
}

/** The same moment with some of what is true in every phase changed. */
export function amend<S extends State>(moment: Moment<S>, change: Partial<Common>): Moment<S> {
  return { ...moment, state: { ...moment.state, ...change } };
}

/** Nothing changes, nothing is done. */
export function unmoved(moment: Moment): Step {
  return [moment.state, []];
}

/** `effects`, then the step. */
export function first(effects: readonly Effect[], [state, rest]: Step): Step {
  return [state, [...effects, ...rest]];
}

/** Tells people. */
export function tell(report: Report): Effect {
  return { type: "report", report };
}
