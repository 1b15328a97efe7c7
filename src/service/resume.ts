import { constants } from "node:os";
import type { ServiceSpec } from "../spec/spec.ts";
import type { Effect, State } from "./model.ts";
import { watches } from "./readiness.ts";
import { finisher } from "./retreat.ts";

const { SIGTERM, SIGKILL } = constants.signals;

/**
 * What a new manager asks for again after it has taken over a state, since its predecessor may have died between
 * remembering the state and carrying out the effects; all of it may be asked twice without harm. `known` tells whether
 * the core has a child of that number, or news of it that nobody has acknowledged; both then follow as facts.
 */
export function resume(spec: ServiceSpec, state: State, known: (child: number) => boolean): readonly Effect[] {
  const isLost = ({ child, pid }: { readonly child: number; readonly pid: number }) => pid === 0 && !known(child);
  switch (state.phase) {
    case "waiting":
      return [{ type: "gate" }];
    case "preparing":
      return isLost(state) ? [{ type: "spawn", role: "pre", child: state.child }] : [];
    case "starting":
      if (isLost(state)) return [{ type: "spawn", role: "main", child: state.child }];
      return state.pid !== 0 && watches(spec) ? [{ type: "watch-ready", on: true }] : [];
    case "stopping":
      // The stop signal is not sent twice: many programs take a second one for haste. KILL comes when its time is up.
      if (!state.killed) return [];
      return [{ type: "kill", child: state.child, signal: SIGKILL, group: spec.stopScope !== "process" }];
    case "sweeping":
      return [{ type: "sweep", signal: state.killed ? SIGKILL : SIGTERM }];
    case "finishing":
      if (!isLost(state)) return [];
      if (finisher(spec) === "undo") return [{ type: "spawn-undo", child: state.child }];
      if (state.last?.exit == null) return [];
      return [{ type: "spawn-finish", child: state.child, exit: state.last.exit }];
    default:
      return [];
  }
}
