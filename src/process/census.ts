import {
  allChildrenOf,
  childrenByWalk,
  childrenOf,
  environmentOf,
  isOwnProc,
  markOf,
  type Process,
  processOf,
} from "./proc.ts";

/** A process that the core has adopted (or a descendant of one), and the service it came from. */
export interface Stray {
  readonly process: Process;
  /** The service's number; null where nothing tells. */
  readonly owner: number | null;
}

/** The number of no service, in the mark of a child that works for the core itself (src/core/slots.c). */
const NOBODY = 0;
/** Nobody who begets and dies without end keeps us for longer. */
const LOOKS_MAX = 16;

/** True if this child works for the core itself. */
export const worksForCore = (pid: number, instance: number): boolean => markOf(pid) === BigInt(instance) << 32n;

/** What a census needs to know of us. */
export interface Household {
  readonly corePid: number;
  readonly managerPid: number;
  readonly instance: number;
  /** Children that were spawned on purpose: they, and what is below them, are no strays. */
  isKnown(pid: number): boolean;
  /** The service whose process leads, or led, this session; null if none. */
  ownerOfSession(session: number): number | null;
  /** The service of this name; for the mark in the environment. */
  ownerOfName(name: string): number | null;
}

/**
 * Every living process that escaped its parent and came to the core. A process is recognised by its session, else by
 * the number in its soft limit on file locks, else by UPKEEP_SERVICE in its environment; a descendant by what it
 * descends from, unless it carries a sign of its own.
 */
export function takeCensus(house: Household): Stray[] {
  const strays: Stray[] = [];
  if (!isOwnProc(house.managerPid, house.corePid)) return strays;
  const seen = new Set<number>();
  let hasGone = true;
  const gather = (pid: number, inherited: number | null) => {
    if (seen.has(pid)) return;
    seen.add(pid);
    const process = livingOf(pid);
    const owner = process === null ? null : (ownerOf(house, process) ?? inherited);
    if (owner === NOBODY) return;
    // What has gone in between has shown no sign of its owner.
    if (process === null || (owner === null && livingOf(pid) === null)) {
      hasGone = true;
      return;
    }
    strays.push({ process, owner });
    for (const child of allChildrenOf(pid)) gather(child, owner);
  };
  // Who has gone when it is looked at may have left a child to the core since the list was read.
  for (let looks = 0; hasGone && looks < LOOKS_MAX; looks++) {
    hasGone = false;
    const children = childrenOf(house.corePid) ?? childrenByWalk(house.corePid);
    for (const pid of children) if (!house.isKnown(pid)) gather(pid, null);
  }
  return strays;
}

/** A zombie is the core's to reap, or its parent's; it needs no signal. */
function livingOf(pid: number): Process | null {
  const process = processOf(pid);
  return process?.isOver ? null : process;
}

function ownerOf(house: Household, process: Process): number | null {
  const bySession = house.ownerOfSession(process.session);
  if (bySession !== null) return bySession;
  const mark = markOf(process.pid);
  if (mark !== null && mark >> 32n === BigInt(house.instance)) return Number(mark & 0xffffffffn);
  const name = environmentOf(process.pid, "UPKEEP_SERVICE");
  return name === null ? null : house.ownerOfName(name);
}
