// Which file systems never hang, by the kernel's table of mounts: to ask the file system itself would be to wait for it.
import { openSync, readSync } from "node:fs";
import type { Clock, Ms } from "../base/clock.ts";

/** Those that need nobody else to answer: a disk of this machine, its memory, or what the kernel itself shows. */
const LOCAL: ReadonlySet<string> = new Set([
  ...["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs", "vfat", "iso9660", "squashfs", "erofs"],
  ...["tmpfs", "ramfs", "rootfs", "overlay", "aufs"],
  ...["proc", "sysfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "nsfs"],
  ...["bpf", "configfs", "debugfs", "efivarfs", "fusectl", "pstore", "securityfs", "selinuxfs", "tracefs"],
]);
/** A host with so many mounts (bytes of the table) is long to read: it is read rarely. */
const TABLE_MAX = 64 * 1024;
const LONG_FRESH: Ms = 1000;
/** A container's table fits in there, as a rule. */
const READ_ROOM = 8 * 1024;

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
  /** By the table as it is now; of a very long one nothing counts as local. */
  isLocal(path: string): boolean;
  /** By the same table where a path is mounted; itself where that cannot be told. */
  pointOf(path: string): string;
  /** As it is now; empty where it cannot be read. */
  now(): MountTable;
}

/**
 * The table is read once for all that one callback of the loop asks: whoever mounts something first and gives an order then
 * finds that it is known. `read` gives the table, or throws; `afterwards` calls back once the callback has ended.
 */
export function createMounts(
  clock: Clock,
  read: () => string = tableReader(),
  afterwards: (work: () => void) => void = queueMicrotask,
): Mounts {
  let text: string | null = null;
  let mounts: MountTable = new Map();
  let isFresh = false;
  let isLong = false;
  let readAt: Ms = 0;
  const age = () => {
    isFresh = false;
  };
  const take = () => {
    const table = textOf(read);
    if (table !== text) mounts = mountsIn(table);
    text = table;
    isLong = table.length > TABLE_MAX;
    readAt = clock.now();
    isFresh = true;
    afterwards(age);
  };
  const now = (): MountTable => {
    const isRecent = isLong && clock.now() < readAt + LONG_FRESH;
    if (!isFresh && !isRecent) take();
    return mounts;
  };
  return {
    isLocal: (path) => isLocalIn(now(), path) && !isLong,
    pointOf: (path) => mountPointIn(now(), path) ?? path,
    now,
  };
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return ""; // no /proc: nothing is known, and so nothing is local
  }
}

/** Reads the kernel's table; one that stays open costs two thirds of one that is opened each time. */
function tableReader(): () => string {
  let fd: number | null = null;
  let bytes = Buffer.allocUnsafeSlow(READ_ROOM);
  return () => {
    fd ??= openSync(TABLE, "r");
    let end = 0;
    // The kernel gives some lines at a time.
    for (let length = -1; length !== 0; end += length) {
      if (end === bytes.length) bytes = Buffer.concat([bytes], 2 * end);
      length = readSync(fd, bytes, end, bytes.length - end, end);
    }
    return bytes.toString("latin1", 0, end);
  };
}
