import { constants } from "node:os";
import type { ServiceSpec } from "../spec/spec.ts";
import type { Effect, State } from "./model.ts";
import { watches } from "./readiness.ts";

const { SIGTERM, SIGKILL } = constants.signals;

/**
 * What a new manager asks for again after it has taken over a state, since its predecessor may have died between
 * remembering the state and carrying out the effects; all of it may be asked twice without harm. `alive` tells whether
 * the core has a child of that number; its pid then follows as `spawned`.
 */
export function resume(spec: ServiceSpec, state: State, alive: (child: number) => boolean): readonly Effect[] {
  switch (state.phase) {
    case "waiting":
      return [{ type: "gate" }];
    case "preparing":
      return alive(state.child) ? [] : [{ type: "spawn", role: "pre", child: state.child }];
    case "starting":
      if (!alive(state.child)) return [{ type: "spawn", role: "main", child: state.child }];
      return state.pid !== 0 && watches(spec) ? [{ type: "watch-ready", on: true }] : [];
    case "stopping":
      // The stop signal is not sent twice: many programs take a second one for haste. KILL comes when its time is up.
      if (!state.killed) return [];
      return [{ type: "kill", child: state.child, signal: SIGKILL, group: spec.stopScope !== "process" }];
    case "sweeping":
      return [{ type: "sweep", signal: state.killed ? SIGKILL : SIGTERM }];
    case "finishing":
      if (alive(state.child) || state.last?.exit == null) return [];
      return [{ type: "spawn-finish", child: state.child, exit: state.last.exit }];
    default:
      return [];
  }
}
