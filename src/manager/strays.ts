// Processes that are no service's: a `docker exec` shell, what others started in our PID namespace.
import type { Core, Hello } from "../channel/core.ts";
import { allPids, type Process, processOf } from "../process/proc.ts";
import type { Leftovers } from "./leftovers.ts";

// The kernel's own thread of threads, on a host whose init we are.
const KTHREADD = 2;

/**
 * Signals everything that is still alive besides the core and us, and answers how many there are. As PID 1 that is the
 * whole namespace; elsewhere it is what the core has adopted, for the rest is none of our business.
 */
export function createStrays(
  core: Core,
  hello: Hello,
  managerPid: number,
  leftovers: Leftovers,
): (signals: readonly number[]) => number {
  const isStray = ({ pid, ppid, state }: Process) =>
    state !== "Z" &&
    pid !== hello.corePid &&
    pid !== managerPid &&
    pid !== KTHREADD &&
    ppid !== KTHREADD &&
    ppid !== managerPid;
  const find = (): readonly Process[] => {
    if (hello.isPid1)
      return allPids()
        .flatMap((pid) => processOf(pid) ?? [])
        .filter(isStray);
    leftovers.stale();
    return leftovers.all().map((stray) => stray.process);
  };
  return (signals) => {
    const found = find();
    for (const { pid, start } of found) for (const signal of signals) core.stray(pid, start, signal);
    return found.length;
  };
}
