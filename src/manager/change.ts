// A service whose definition is another one from now on.
import { watches } from "../service/readiness.ts";
import { type Differences, differences } from "../spec/differences.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import type { Outputs } from "./outputs.ts";
import { isAtRest, type Roster } from "./roster.ts";
import type { Runner } from "./runner.ts";

export interface ChangeParts {
  readonly roster: Roster;
  readonly outputs: Outputs;
  readonly watchReady: (runner: Runner, on: boolean) => void;
  readonly rememberSpec: (runner: Runner) => void;
  readonly addOne: (spec: ServiceSpec, starts: boolean) => void;
  readonly dismiss: (runner: Runner, eof: boolean) => void;
  readonly publish: (runner: Runner, event: string, text: string) => void;
}

/** Gives a service its new definition, and its logger; answers what differs. */
export type ChangeService = (runner: Runner, spec: ServiceSpec, restarts: boolean) => Differences;

/** How services of one manager change. */
export function createChange(parts: ChangeParts): ChangeService {
  const { roster, outputs } = parts;
  const changeLogger = (runner: Runner, spec: ServiceSpec, restarts: boolean) => {
    const logger = roster.get(`${runner.name}/log`);
    if (spec.logger === null && logger !== undefined) parts.dismiss(logger, true);
    if (spec.logger !== null && logger === undefined) parts.addOne(spec.logger, true);
    if (spec.logger !== null && logger !== undefined) change(logger, spec.logger, restarts);
  };
  const change: ChangeService = (runner, spec, restarts) => {
    const found = differences(runner.spec, spec);
    const { keys, needsRestart } = found;
    changeLogger(runner, spec, restarts);
    if (keys.length === 0) return found;
    runner.spec = spec;
    parts.rememberSpec(runner);
    roster.reindex();
    outputs.changed(runner);
    if (restarts && needsRestart && !isAtRest(runner.state)) roster.end(runner, { type: "restart", cause: "changed" });
    // What it waited for may be another thing now.
    else if (runner.state.phase === "waiting" && roster.blocked(runner) === null) runner.send({ type: "clear" });
    // The watch that was begun is for another check, or for none.
    else if (runner.state.phase === "starting" && runner.state.pid !== 0 && keys.includes("check"))
      parts.watchReady(runner, watches(spec));
    parts.publish(runner, "state", "");
    return found;
  };
  return change;
}
