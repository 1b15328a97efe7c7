// Who holds a lock, as far as the kernel tells.
import { readFileSync, statSync } from "node:fs";

/** The pid that holds flock(2)'s lock on this file; null where that cannot be known (another container's process). */
export function lockHolder(path: string): number | null {
  try {
    const { ino, dev } = statSync(path);
    return holderIn(readFileSync("/proc/locks", "latin1"), ino, dev);
  } catch {
    return null; // the file is gone, or there is no /proc
  }
}

/** Finds it in the text of /proc/locks. A file system of layers may name another device there than stat(2) does. */
export function holderIn(locks: string, ino: number, dev: number): number | null {
  const device = `${hex(Math.floor(dev / 256) & 0xfff)}:${hex((dev & 0xff) | (Math.floor(dev / 4096) & 0xfff00))}`;
  const found = [...locks.matchAll(/^\d+: FLOCK +\w+ +\w+ +(-?\d+) ([0-9a-f]+:[0-9a-f]+):(\d+) /gm)]
    .filter(([, , , inode]) => inode === String(ino))
    .sort(([, , one], [, , other]) => Number(other === device) - Number(one === device));
  const pid = Number(found[0]?.[1] ?? 0);
  return pid > 0 ? pid : null;
}

const hex = (number: number) => number.toString(16).padStart(2, "0");
