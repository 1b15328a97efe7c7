// What is known of one supervise directory, and what an errno tells of it.
import type { Ms } from "../base/clock.ts";
import type { Runner } from "./runner.ts";
import type { Sight } from "./sight.ts";

/** The place is to blame: another one may do. */
export const UNWRITABLE: ReadonlySet<string> = new Set([
  ...["EROFS", "EACCES", "EPERM"],
  // A file system that knows no fifos, or no locks.
  ...["ENOSYS", "EOPNOTSUPP", "ENOTSUP", "ENOLCK"],
]);
/** Our own descriptors or memory. */
export const SCARCE: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOMEM"]);
/** The directory itself is gone or going. */
export const GONE: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ESTALE"]);

/** The supervise directory of one service or logger. */
export interface Entry {
  readonly runner: Runner;
  path: string;
  isFallback: boolean;
  /** `absent`: there is no lock yet, and so nobody has it. `silent`: nobody knows, for nothing answers there. */
  stage: "asked" | "absent" | "silent" | "locked" | "offered" | "none";
  /** It may have been started before it is known whether somebody else has the lock. */
  mayRun: boolean;
  /** The writer waits until there is a directory. */
  ready: (() => void) | null;
  readonly sight: Sight;
  isLeaving: boolean;
  hasComplained: boolean;
  pause: Ms;
  /** A write that failed will be tried again. */
  isPausing: boolean;
  /** Its file system did not answer: until then nothing is asked of it. */
  isSilent: boolean;
}

/** What failed is tried again after this, and after twice as long each further time. */
export const AGAIN: Ms = 1000;

/** Where it is, unless that cannot be written to. */
export const pathOf = ({ spec }: Runner): string => `${spec.home}/supervise`;

/** How many of the last names of its path may be links: a service's directory has none on its way, but its `log` may be one. */
export const linksIn = ({ runner, isFallback }: Entry): number =>
  isFallback ? Number.POSITIVE_INFINITY : runner.spec.loggerOf === null ? 1 : 2;

export const createEntry = (runner: Runner, sight: Sight): Entry => ({
  runner,
  sight,
  path: pathOf(runner),
  isFallback: false,
  stage: "none",
  mayRun: "child" in runner.state,
  ready: null,
  isLeaving: false,
  hasComplained: false,
  pause: AGAIN,
  isPausing: false,
  isSilent: false,
});
