// Which file systems never hang, by the kernel's table of mounts: to ask the file system itself would be to wait for it.
import { readFileSync } from "node:fs";
import type { Clock, Ms } from "../base/clock.ts";

/** Those that need nobody else to answer: a disk of this machine, or its memory. */
const LOCAL: ReadonlySet<string> = new Set([
  ...["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs", "vfat", "iso9660", "squashfs", "erofs"],
  ...["tmpfs", "ramfs", "rootfs", "overlay", "aufs"],
]);
/** What was read is taken for true so long. */
const FRESH: Ms = 10;
/** A host with so many mounts (bytes of the table) is long to read: none of it counts as local, and it is read rarely. */
const TABLE_MAX = 64 * 1024;
const FRESH_LONG: Ms = 10_000;

const TABLE = "/proc/self/mountinfo";

/** The file system types of a table of mounts, by mount point; of two at one point the later one is seen. */
export function mountsIn(table: string): ReadonlyMap<string, string> {
  const mounts = new Map<string, string>();
  for (const line of table.split("\n")) {
    // ID PARENT DEVICE ROOT POINT OPTIONS FIELDS... - TYPE SOURCE OPTIONS, with \ooo for blanks (proc_pid_mountinfo(5)).
    const [before = "", after = ""] = line.split(" - ");
    const point = before.split(" ")[4];
    const type = after.split(" ")[0];
    if (point === undefined || !type) continue;
    mounts.set(
      point.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8))),
      type,
    );
  }
  return mounts;
}

/** True if a path without links is on a local file system; false where that cannot be told. */
export function isLocalIn(mounts: ReadonlyMap<string, string>, path: string): boolean {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf("/")) || "/") {
    const type = mounts.get(at);
    if (type !== undefined) return LOCAL.has(type);
    if (at === "/" || !at.startsWith("/")) return false;
  }
}

/** `isSure`: by the table as it is; else as it was a moment ago, which costs no time. */
export type IsLocal = (path: string, isSure?: boolean) => boolean;

/**
 * The same, as a rule by the table as it was a moment ago: who asks is answered at once, and the table is read anew behind
 * him, so that a start does not wait for it. What is mounted in between is taken for what was there before. `read` gives it,
 * or throws; `later` is for the tests.
 */
export function createIsLocal(
  clock: Clock,
  read = () => readFileSync(TABLE, "latin1"),
  later: (work: () => void) => void = setImmediate,
): IsLocal {
  let mounts: ReadonlyMap<string, string> | null = null;
  let staleAt: Ms = 0;
  let isDue = false;
  const take = (): ReadonlyMap<string, string> => {
    isDue = false;
    staleAt = clock.now() + FRESH;
    try {
      const table = read();
      const isLong = table.length > TABLE_MAX;
      mounts = isLong ? new Map() : mountsIn(table);
      if (isLong) staleAt = clock.now() + FRESH_LONG;
    } catch {
      // No /proc: nothing is known, and so nothing is local.
      mounts = new Map();
    }
    return mounts;
  };
  return (path, isSure = false) => {
    const isStale = mounts !== null && clock.now() >= staleAt;
    if (isStale && isSure) take();
    else if (isStale && !isDue) {
      isDue = true;
      later(take);
    }
    return isLocalIn(mounts ?? take(), path);
  };
}
