// The phases in which nothing of the service runs, and how it comes into them and out again.
import { unreachable } from "../base/errors.ts";
import type { Common, In, Next, State, Step, Want } from "./model.ts";
import { carry, type Moment, type Told, unmoved } from "./moment.ts";
import { noCrashes } from "./restart.ts";

/** The phases in which nothing of the service runs and no deadline but a backoff's is set. */
export type Idle = "down" | "waiting" | "backoff" | "failed" | "done";

/** What a start makes of the wish. */
export function wanted(order: Told<"start">): Want {
  return order.once ? "once" : "up";
}

/** What a restart makes of the wish: it brings up what was to be down, and leaves `once` as it is. */
export function wantedAgain(state: State): Want {
  return state.want === "down" ? "up" : state.want;
}

/** Waits until all that it requires is ready. */
export function wait(moment: Moment, change: Partial<Common> = {}): Step {
  return [{ phase: "waiting", ...carry(moment, change) }, [{ type: "gate" }]];
}

/** Goes where `next` points, now that nothing of the service is left. */
export function settle(moment: Moment, next: Next): Step {
  switch (next) {
    case "start":
      return wait(moment);
    case "down":
    case "failed":
    case "done":
      return [{ phase: next, ...carry(moment) }, []];
    default:
      if (typeof next !== "object") return unreachable(next);
      // Leftovers and `finish` may have outlasted the delay.
      if (next.retryAt <= moment.now) return wait(moment);
      return [{ phase: "backoff", until: next.retryAt, ...carry(moment) }, []];
  }
}

/** A start from rest: somebody asked for it, so earlier crashes are forgotten. */
export function begin(moment: Moment<In<Idle>>, order: Told<"start">): Step {
  return wait(moment, { want: wanted(order), streak: 0, crashes: noCrashes });
}

/** A restart of what does not run is a start. */
export function beginAgain(moment: Moment<In<Idle>>): Step {
  return wait(moment, { want: wantedAgain(moment.state), streak: 0, crashes: noCrashes });
}

/** A start in backoff: no more waiting, but the crashes stand. */
export function hurry(moment: Moment<In<"backoff">>, order: Told<"start">): Step {
  return wait(moment, { want: wanted(order) });
}

/** The delay is over, by itself or by a restart. */
export function retry(moment: Moment<In<"backoff">>): Step {
  return wait(moment);
}

/** A start of what is wanted already may still change `up` to `once` or back. */
export function want(moment: Moment, order: Told<"start">): Step {
  const want = wanted(order);
  return want === moment.state.want ? unmoved(moment) : [{ ...moment.state, want }, []];
}
