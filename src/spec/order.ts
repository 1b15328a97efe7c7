// Who starts after whom. Pure; a thousand services take a few milliseconds.

/** What order needs to know of a service. */
export interface Ordered {
  readonly name: string;
  readonly after: readonly string[];
  readonly requires: readonly string[];
  readonly wants: readonly string[];
}

/** The keys that put a service after others. */
export const orderKeys = ["requires", "after", "wants"] as const;

export interface Order {
  /** Names by level: each level waits for those before it only. Members of cycles are in none. */
  readonly levels: readonly (readonly string[])[];
  /** Each cycle once, as its path: `a` is after `b` is after `a`, without the repeated first. */
  readonly cycles: readonly (readonly string[])[];
  /** Names that no service of the set has, and who mentions them by which key. */
  readonly unknown: readonly {
    readonly service: string;
    readonly key: (typeof orderKeys)[number];
    readonly name: string;
  }[];
}

/** Start levels, cycles and unknown names of a set of services; names within a level are in the set's order. */
export function startOrder(services: Iterable<Ordered>): Order {
  const before = new Map<string, ReadonlySet<string>>();
  const all = [...services];
  for (const service of all) before.set(service.name, new Set());
  const unknown: Order["unknown"][number][] = [];
  for (const service of all) {
    const names = new Set<string>();
    for (const key of orderKeys) {
      for (const name of service[key]) {
        if (before.has(name)) names.add(name);
        else unknown.push({ service: service.name, key, name });
      }
    }
    before.set(service.name, names);
  }
  const groups = components(before).filter(
    (group) => group.length > 1 || (group[0] !== undefined && before.get(group[0])?.has(group[0])),
  );
  return {
    levels: levelsOf(before, new Set(groups.flat())),
    cycles: groups.flatMap((group) => paths(before, group)),
    unknown,
  };
}

/** The reverse of start levels: the first is stopped first. */
export function stopLevels(levels: Order["levels"]): Order["levels"] {
  return levels.toReversed();
}

/** How a cycle is told: `a -> b -> a`, a long one shortened in its middle. */
export function cycleText(cycle: readonly string[], from = cycle[0] ?? ""): string {
  const start = Math.max(0, cycle.indexOf(from));
  const path = [...cycle.slice(start), ...cycle.slice(0, start), from];
  const shown = path.length <= 12 ? path : [...path.slice(0, 6), `(${path.length - 10} more)`, ...path.slice(-4)];
  return shown.join(" -> ");
}

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Peels off, level by level, those that wait for nothing any more (Kahn). */
function levelsOf(before: Graph, excluded: ReadonlySet<string>): string[][] {
  const waits = new Map<string, number>();
  const followers = new Map<string, string[]>();
  for (const [name, names] of before) {
    if (excluded.has(name)) continue;
    let count = 0;
    for (const other of names) {
      if (excluded.has(other)) continue;
      count++;
      const list = followers.get(other);
      if (list === undefined) followers.set(other, [name]);
      else list.push(name);
    }
    waits.set(name, count);
  }
  const place = new Map([...before.keys()].map((name, index) => [name, index]));
  const levels: string[][] = [];
  let level = [...waits].filter(([, count]) => count === 0).map(([name]) => name);
  while (level.length > 0) {
    levels.push(level);
    const next: string[] = [];
    for (const name of level) {
      for (const follower of followers.get(name) ?? []) {
        const left = (waits.get(follower) ?? 0) - 1;
        waits.set(follower, left);
        if (left === 0) next.push(follower);
      }
    }
    level = next.sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
  }
  return levels;
}

/** Strongly connected components (Tarjan), with a stack of our own: a chain of any length must not overflow the engine's. */
function components(graph: Graph): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  const found: string[][] = [];
  const enter = (name: string) => {
    low.set(name, index.size);
    index.set(name, index.size);
    open.push(name);
    isOpen.add(name);
    return { name, rest: (graph.get(name) ?? new Set<string>()).values() };
  };
  const lower = (name: string, value: number) => low.set(name, Math.min(low.get(name) ?? value, value));
  for (const root of graph.keys()) {
    if (index.has(root)) continue;
    const visits = [enter(root)];
    for (let visit = visits.at(-1); visit !== undefined; visit = visits.at(-1)) {
      const next = visit.rest.next();
      if (!next.done) {
        if (!index.has(next.value)) visits.push(enter(next.value));
        else if (isOpen.has(next.value)) lower(visit.name, index.get(next.value) ?? 0);
        continue;
      }
      visits.pop();
      const parent = visits.at(-1);
      if (parent !== undefined) lower(parent.name, low.get(visit.name) ?? 0);
      if (low.get(visit.name) !== index.get(visit.name)) continue;
      const group = open.splice(open.lastIndexOf(visit.name));
      for (const name of group) isOpen.delete(name);
      found.push(group);
    }
  }
  return found;
}

/** Short cycles that together pass every member of a component. */
function paths(graph: Graph, group: readonly string[]): string[][] {
  const members = new Set(group);
  const covered = new Set<string>();
  const cycles: string[][] = [];
  for (const start of group) {
    if (covered.has(start)) continue;
    const cycle = shortest(graph, members, start);
    for (const name of cycle) covered.add(name);
    cycles.push(cycle);
  }
  return cycles;
}

/** The shortest way from `start` back to itself within its component; there always is one. */
function shortest(graph: Graph, members: ReadonlySet<string>, start: string): string[] {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const name of queue) {
    for (const next of graph.get(name) ?? []) {
      if (next === start) {
        const path = [name];
        for (let at = name; at !== start; ) {
          at = cameFrom.get(at) ?? start;
          path.push(at);
        }
        return path.reverse();
      }
      if (!members.has(next) || cameFrom.has(next)) continue;
      cameFrom.set(next, name);
      queue.push(next);
    }
  }
  return [start];
}
