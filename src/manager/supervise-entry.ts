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
  /** `absent`: there is no lock yet, and so nobody has it. */
  stage: "asked" | "absent" | "locked" | "offered" | "none";
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

/** Where it is, unless that cannot be written to. */
export const pathOf = ({ spec }: Runner): string => `${spec.home}/supervise`;
