// Which file systems never hang, by the kernel's table of mounts: to ask the file system itself would be to wait for it.
import { readFileSync } from "node:fs";
import type { Clock, Ms } from "../base/clock.ts";

/** Those that need nobody else to answer: a disk of this machine, its memory, or what the kernel itself shows. */
const LOCAL: ReadonlySet<string> = new Set([
  ...["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs", "vfat", "iso9660", "squashfs", "erofs"],
  ...["tmpfs", "ramfs", "rootfs", "overlay", "aufs"],
  ...["proc", "sysfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "nsfs"],
  ...["bpf", "configfs", "debugfs", "efivarfs", "fusectl", "pstore", "securityfs", "selinuxfs", "tracefs"],
]);
/** What was read is taken for true so long. */
const FRESH: Ms = 10;
/** A host with so many mounts (bytes of the table) is long to read: none of it counts as local, and it is read rarely. */
const TABLE_MAX = 64 * 1024;
const FRESH_LONG: Ms = 10_000;
/** Even so for who must know what is true now. */
const FRESH_LONG_NOW: Ms = 1000;

const TABLE = "/proc/self/mountinfo";

/** The types of file systems by their mount points; of two at one point the later one is seen. */
export type MountTable = ReadonlyMap<string, string>;

/** The mounts of a table of mounts. */
export function mountsIn(table: string): MountTable {
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

/** Where the file system of a path without links is mounted; null where that cannot be told. */
export function mountPointIn(mounts: MountTable, path: string): string | null {
  for (let at = path; at.startsWith("/"); at = at.slice(0, at.lastIndexOf("/")) || "/") {
    if (mounts.has(at)) return at;
    if (at === "/") return null;
  }
  return null;
}

/** True if a path without links is on a local file system; false where that cannot be told. */
export function isLocalIn(mounts: MountTable, path: string): boolean {
  const point = mountPointIn(mounts, path);
  return point !== null && LOCAL.has(mounts.get(point) ?? "");
}

/** True if every path is. */
export function areAllLocalIn(mounts: MountTable): boolean {
  return mounts.has("/") && [...mounts.values()].every((type) => LOCAL.has(type));
}

/** The table of mounts as one manager knows it. */
export interface Mounts {
  /**
   * By the table as it was a moment ago: who asks is answered at once, and the table is read anew behind him, so that a
   * start does not wait for it. What is mounted in between is taken for what was there before. `isSure`: as it is now.
   */
  isLocal(path: string, isSure?: boolean): boolean;
  /** By the same table where a path is mounted; itself where that cannot be told. */
  pointOf(path: string): string;
  /** As it is now; empty where it cannot be read. */
  now(): MountTable;
}

/** `read` gives the table, or throws; `later` is for the tests. */
export function createMounts(
  clock: Clock,
  read = () => readFileSync(TABLE, "latin1"),
  later: (work: () => void) => void = setImmediate,
): Mounts {
  let mounts: MountTable | null = null;
  let isLong = false;
  let readAt: Ms = 0;
  let isDue = false;
  const take = (): MountTable => {
    isDue = false;
    readAt = clock.now();
    try {
      const table = read();
      isLong = table.length > TABLE_MAX;
      mounts = mountsIn(table);
    } catch {
      // No /proc: nothing is known, and so nothing is local.
      isLong = false;
      mounts = new Map();
    }
    return mounts;
  };
  const isOlder = (than: Ms) => clock.now() >= readAt + than;
  const now = () => (mounts === null || isOlder(isLong ? FRESH_LONG_NOW : FRESH) ? take() : mounts);
  return {
    isLocal(path, isSure = false) {
      if (isSure) now();
      else if (mounts !== null && !isDue && isOlder(isLong ? FRESH_LONG : FRESH)) {
        isDue = true;
        later(take);
      }
      const known = mounts ?? take();
      return !isLong && isLocalIn(known, path);
    },
    pointOf: (path) => mountPointIn(mounts ?? take(), path) ?? path,
    now,
  };
}
