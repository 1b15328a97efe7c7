import type { Ms } from "../base/clock.ts";
import { exitText } from "../base/exit.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import type { Phase, State } from "./model.ts";
import type { ServiceStatus, StatusWord } from "./status.ts";

/** What the machine does not know of a service. */
export interface StatusFacts {
  /** Why it waits, or what the doctor found; null leaves it to the machine's own memory. */
  readonly why: string | null;
  /** The status of its logger. */
  readonly log: ServiceStatus | null;
}

/** Leftovers are the tail of a stop, whoever began it. */
const words: { readonly [P in Phase]: StatusWord } = {
  down: "down",
  waiting: "waiting",
  preparing: "preparing",
  starting: "starting",
  up: "up",
  stopping: "stopping",
  sweeping: "stopping",
  finishing: "finishing",
  backoff: "backoff",
  failed: "failed",
  done: "done",
};

const clauses: Readonly<Record<StatusWord, string>> = {
  down: "is down",
  waiting: "is waiting",
  preparing: "runs its start-pre",
  starting: "is starting",
  up: "is up",
  paused: "is paused",
  stopping: "is stopping",
  finishing: "runs its finish",
  backoff: "waits for its next try",
  failed: "has failed",
  done: "is done",
  incomplete: "cannot be run yet",
};

/** A state as the end of a sentence that begins with the service's name: `is up`, `has failed`. */
export const clauseOf = (state: State): string => clauses[wordOf(state)];

const wordOf = (state: State): StatusWord => ("paused" in state && state.paused ? "paused" : words[state.phase]);

/** What the faces are told of a service. `now` is monotonic; `wallNow` is the same moment, for the stamp. */
export function statusOf(spec: ServiceSpec, state: State, facts: StatusFacts, now: Ms, wallNow: Date): ServiceStatus {
  const age = Math.max(0, now - (state.phase === "up" ? state.startedAt : state.since));
  return {
    name: spec.name,
    state: wordOf(state),
    want: state.want,
    type: spec.type,
    ready: isReady(spec, state),
    pid: "pid" in state && state.pid !== 0 ? state.pid : null,
    seconds: seconds(age),
    since: new Date(wallNow.getTime() - age).toISOString(),
    restarts: Math.max(0, state.starts - 1),
    lastExit: state.last?.exit ?? null,
    retryIn: state.phase === "backoff" ? seconds(Math.max(0, state.until - now)) : null,
    why: facts.why ?? trouble(state),
    normallyDown: spec.down,
    critical: spec.critical,
    log: facts.log,
  };
}

/** True when those that require it may start: it is up, or a oneshot that has ended well. */
export function isReady(spec: ServiceSpec, state: State): boolean {
  return state.phase === "up" || (state.phase === "done" && spec.type === "oneshot");
}

/** Why it does not run, as far as its last end tells. */
function trouble({ phase, last }: State): string | null {
  if (last === null || (phase !== "backoff" && phase !== "failed")) return null;
  return last.reason ?? (last.exit === null ? null : exitText(last.exit));
}

function seconds(ms: Ms): number {
  return Math.round(ms) / 1000;
}
