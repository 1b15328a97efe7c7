// The looks at what is left of a service that is on its way to rest.
import type { Doctor } from "./doctor.ts";
import type { Helpers } from "./helpers.ts";
import type { Leftovers } from "./leftovers.ts";
import type { Runner, Surroundings } from "./runner.ts";

export interface Sweeps {
  /** What the runner asks for. */
  readonly sweep: Surroundings["sweep"];
  /** Counts anew what is left of one that waits for it, signals that (0 only counts) and tells it. */
  recount(runner: Runner, signal: number): void;
}

/** The sweeps of one manager's services. */
export function createSweeps(leftovers: Leftovers, helpers: Helpers, doctor: Doctor): Sweeps {
  const sweep: Surroundings["sweep"] = (runner, signal) => {
    if (helpers.awaits(runner.number, () => recount(runner, signal))) return null;
    const strays = leftovers.of(runner);
    if (signal > 0) doctor.saw(runner, strays);
    return { left: strays.length, signal: () => leftovers.signal(strays, signal) };
  };
  const recount = (runner: Runner, signal: number) => {
    const found = runner.state.phase === "sweeping" ? sweep(runner, signal) : null;
    if (found === null) return;
    if (signal > 0) found.signal();
    runner.send({ type: "swept", left: found.left });
  };
  return { sweep, recount };
}
