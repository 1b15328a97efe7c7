// Who waits for whom, and who goes down with whom. The order of a whole shutdown is shutdown.ts's.
import type { Event, State } from "../service/model.ts";
import { clauseOf, isReady } from "../service/status-of.ts";
import type { Runner } from "./runner.ts";

/** All services that are known, loggers included, by name. */
export interface Roster {
  get(name: string): Runner | undefined;
  all(): Iterable<Runner>;
  /** Without the loggers. */
  services(): readonly Runner[];
  /** Those that stand for a directory. */
  fromDirectories(): readonly Runner[];
  /** The command after `--`. */
  foreground(): Runner | null;
  /** The length of the longest name. */
  nameWidth(): number;
  add(runner: Runner): void;
  remove(name: string): void;
  /** The spec of this runner has changed. */
  reindex(): void;
  /** Why it cannot start yet, as one sentence; null if it can. */
  blocked(runner: Runner): string | null;
  /** Starts it, and first what it requires or wants and nobody asked for. */
  start(runner: Runner, once: boolean): void;
  /** Stops or restarts it once everything that requires it is down. */
  end(runner: Runner, event: Event): void;
  /** What an earlier manager had put off until everything that requires this is down. */
  putOff(runner: Runner, event: Event): void;
  /** True if it is to stop once everything that requires it is down. */
  ends(runner: Runner): boolean;
  /** Lets go what was put off and waits for nobody any more. */
  release(): void;
  /** A state has changed: lets go whoever waited for it, and takes down whoever cannot be without it. */
  changed(runner: Runner, before: State): void;
  /** From now on nobody is taken down or let go: the shutdown has its own order. */
  freeze(): void;
}

const resting: ReadonlySet<State["phase"]> = new Set(["down", "waiting", "backoff", "failed", "done"]);
const coming: ReadonlySet<State["phase"]> = new Set([
  "waiting",
  "preparing",
  "starting",
  "stopping",
  "sweeping",
  "finishing",
]);

/** Down, and with nothing of it running. */
export const isAtRest = (state: State): boolean => resting.has(state.phase);

/** On its way up, so that whoever comes after it does well to wait. */
const isComing = ({ spec, state }: Runner): boolean =>
  state.want !== "down" && coming.has(state.phase) && !isReady(spec, state);

interface Index {
  readonly requirers: Map<string, Runner[]>;
  readonly followers: Map<string, Runner[]>;
}

function push(map: Map<string, Runner[]>, name: string, runner: Runner): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [runner]);
  else list.push(runner);
}

/** An empty roster. `onPutOff` is told of each end that has to wait for others, and with null that it waits no more. */
export function createRoster(onPutOff: (name: string, event: Event | null) => void): Roster {
  const runners = new Map<string, Runner>();
  // By a service's name: who requires it, and who comes after it in any way. Made anew when it is needed after a change.
  let index: Index | null = null;
  const ending = new Map<Runner, Event>();
  let isFrozen = false;
  let nameWidth = 0;

  const note = (index: Index, runner: Runner) => {
    const { requires, wants, after } = runner.spec;
    for (const name of requires) push(index.requirers, name, runner);
    for (const name of new Set([...requires, ...wants, ...after])) push(index.followers, name, runner);
  };
  const indexed = (): Index => {
    if (index !== null) return index;
    index = { requirers: new Map(), followers: new Map() };
    for (const runner of runners.values()) note(index, runner);
    return index;
  };
  const requirersOf = (name: string) => indexed().requirers.get(name) ?? [];
  const running = (name: string) => requirersOf(name).filter((other) => !isAtRest(other.state));

  const blocked = (runner: Runner): string | null => {
    const { requires, wants, after } = runner.spec;
    for (const name of requires) {
      const other = runners.get(name);
      if (other === undefined) return `waits for ${name}, which does not exist`;
      if (ending.has(other)) return `waits for ${name}, which is about to stop`;
      if (!isReady(other.spec, other.state)) return `waits for ${name}, which ${clauseOf(other.state)}`;
    }
    for (const name of [...wants, ...after]) {
      const other = runners.get(name);
      if (other !== undefined && isComing(other)) return `waits for ${name}, which ${clauseOf(other.state)}`;
    }
    return null;
  };

  const putOff = (runner: Runner, event: Event): void => {
    ending.set(runner, event);
    onPutOff(runner.name, event);
  };
  const forgetEnd = (runner: Runner): void => {
    if (ending.delete(runner)) onPutOff(runner.name, null);
  };

  // `asked`: a definition that was changed since the set was checked may close a circle.
  const start = (runner: Runner, once: boolean, asked = new Set<Runner>()): void => {
    asked.add(runner);
    forgetEnd(runner);
    for (const name of [...runner.spec.requires, ...runner.spec.wants]) {
      const other = runners.get(name);
      if (other !== undefined && other.state.want === "down" && !asked.has(other)) start(other, false, asked);
    }
    runner.send({ type: "start", once });
  };

  const end = (runner: Runner, event: Event): void => {
    const others = running(runner.name);
    if (others.length === 0) {
      forgetEnd(runner);
      runner.send(event);
      return;
    }
    putOff(runner, event);
    takeDown(others);
  };
  /** Whoever is to end anyway keeps the reason for it. */
  const takeDown = (others: readonly Runner[]): void => {
    for (const other of others)
      if (!ending.has(other)) end(other, { type: "stop", cause: "dependency", grace: null, eof: false });
  };
  const release = (): void => {
    for (const [other, event] of [...ending])
      if (ending.has(other) && running(other.name).length === 0) {
        forgetEnd(other);
        other.send(event);
      }
  };

  return {
    get: (name) => runners.get(name),
    all: () => runners.values(),
    services: () => [...runners.values()].filter((runner) => runner.spec.loggerOf === null),
    fromDirectories: () => [...runners.values()].filter(({ spec }) => spec.loggerOf === null && !spec.fixed),
    foreground: () => [...runners.values()].find(({ spec }) => spec.foreground) ?? null,
    nameWidth: () => nameWidth,
    add(runner) {
      runners.set(runner.name, runner);
      nameWidth = Math.max(nameWidth, runner.name.length);
      if (index !== null) note(index, runner);
    },
    remove(name) {
      const runner = runners.get(name);
      if (runner !== undefined) forgetEnd(runner);
      runners.delete(name);
      index = null;
    },
    reindex() {
      index = null;
    },
    blocked,
    start: (runner, once) => start(runner, once),
    end,
    ends: (runner) => ending.get(runner)?.type === "stop",
    putOff,
    release,
    changed(runner, before) {
      if (isFrozen) return;
      if (isReady(runner.spec, before) && !isReady(runner.spec, runner.state)) takeDown(running(runner.name));
      release();
      for (const other of indexed().followers.get(runner.name) ?? [])
        if (other.state.phase === "waiting" && blocked(other) === null) other.send({ type: "clear" });
    },
    freeze() {
      isFrozen = true;
      ending.clear();
    },
  };
}
