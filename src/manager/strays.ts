// Processes that are no service's: a `docker exec` shell, what others started in our PID namespace.
import type { Core, Hello } from "../channel/core.ts";
import { worksForCore } from "../process/census.ts";
import { allPids, isOwnProc, type Process, processOf } from "../process/proc.ts";
import type { Leftovers } from "./leftovers.ts";

const SIGHUP = 1;

/** The kernel's own thread of threads, on a host whose init we are; in a container another process has its number. */
function isKernelThread({ pid, ppid, comm }: Process): boolean {
  if (pid !== 2 && ppid !== 2) return false;
  const first = pid === 2 ? { comm, ppid } : processOf(2);
  return first?.comm === "kthreadd" && first.ppid === 0;
}

/**
 * Signals everything that is still alive besides the core and us, and answers how many there are. As PID 1 that is the
 * whole namespace; elsewhere it is what the core has adopted, for the rest is none of our business. With `hasDaemons` what
 * the core has adopted gets no HUP: a shell of `docker exec` needs it, but a daemon would die of it before it has obeyed
 * the TERM.
 */
export function createStrays(
  core: Core,
  hello: Hello,
  managerPid: number,
  leftovers: Leftovers,
  hasDaemons: boolean,
): (signals: readonly number[]) => number {
  const isStray = (process: Process) =>
    !process.isOver &&
    process.pid !== hello.corePid &&
    process.pid !== managerPid &&
    process.ppid !== managerPid &&
    !isKernelThread(process) &&
    !worksForCore(process.pid, hello.instance);
  const find = (): readonly Process[] => {
    if (!isOwnProc(managerPid, hello.corePid)) return [];
    if (hello.isPid1)
      return allPids()
        .flatMap((pid) => processOf(pid) ?? [])
        .filter(isStray);
    leftovers.stale();
    return leftovers.all().map((stray) => stray.process);
  };
  return (signals) => {
    const found = find();
    const daemons = new Set<number>();
    if (hasDaemons && signals.includes(SIGHUP)) {
      leftovers.stale();
      for (const { process } of leftovers.all()) daemons.add(process.pid);
    }
    for (const { pid, start } of found)
      for (const signal of signals) if (signal !== SIGHUP || !daemons.has(pid)) core.stray(pid, start, signal);
    return found.length;
  };
}
