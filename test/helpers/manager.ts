// The manager process of a core in a namespace, to be killed.
import { eventually } from "./eventually.ts";
import type { Namespace } from "./pid-namespace.ts";
import { argv, children } from "./proc.ts";

/** Its pid on this side; null while there is none. */
export const managerOf = (space: Namespace): number | null =>
  children(space.pid).find((pid) => argv(pid).some((word) => /\/manager\.[cm]?js$/.test(word))) ?? null;

/** Waits until there is one that is not `than`; 0 for the first. */
export const nextManager = (space: Namespace, than: number): Promise<number> =>
  eventually("there is a new manager", () => {
    const pid = managerOf(space);
    return pid !== than ? pid : null;
  });
