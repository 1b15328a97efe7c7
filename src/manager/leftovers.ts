// What is left of services whose main process has gone: found by a census, ended by pid and start time.
import type { Core, Hello } from "../channel/core.ts";
import { type Stray, takeCensus } from "../process/census.ts";

/** A service as far as its processes are concerned. */
export interface Householder {
  readonly number: number;
  readonly name: string;
}

export interface Leftovers {
  /** What is left of this service now. */
  of(who: Householder): readonly Stray[];
  signal(strays: readonly Stray[], signal: number): void;
  /** A process of ours was started, or is gone. */
  began(pid: number, owner: number): void;
  ended(pid: number): void;
  /** Adopted processes that no service owns, or all that are adopted. */
  all(): readonly Stray[];
  /** What was found may have changed within this turn: the next question takes a new census. */
  stale(): void;
}

/**
 * The adopted processes of all services. One census answers every question of a turn: a thousand services that end
 * together must not read /proc a thousand times.
 */
export function createLeftovers(
  core: Core,
  hello: Hello,
  managerPid: number,
  numberOf: (name: string) => number | null,
): Leftovers {
  const alive = new Map<number, number>();
  // A session outlives its leader, until a census finds nobody in it: then the kernel may give its number to a stranger.
  const orphaned = new Map<number, number>();
  let census: readonly Stray[] | null = null;
  const house = {
    corePid: hello.corePid,
    managerPid,
    instance: hello.instance,
    isKnown: (pid: number) => pid === managerPid || alive.has(pid),
    ownerOfSession: (session: number) => alive.get(session) ?? orphaned.get(session) ?? null,
    ownerOfName: numberOf,
  };
  const take = () => {
    if (census !== null) return census;
    census = takeCensus(house);
    // Whatever asks is done before microtasks run: no later question is answered with what was true in this turn.
    queueMicrotask(() => {
      census = null;
    });
    const inhabited = new Set(census.map((stray) => stray.process.session));
    for (const session of orphaned.keys()) if (!inhabited.has(session)) orphaned.delete(session);
    return census;
  };
  return {
    of: ({ number }) => take().filter((stray) => stray.owner === number),
    signal(strays, signal) {
      for (const { process } of strays) core.stray(process.pid, process.start, signal);
      census = null;
    },
    began(pid, owner) {
      alive.set(pid, owner);
      orphaned.delete(pid);
    },
    ended(pid) {
      const owner = alive.get(pid);
      if (owner !== undefined) orphaned.set(pid, owner);
      alive.delete(pid);
    },
    all: take,
    stale() {
      census = null;
    },
  };
}
