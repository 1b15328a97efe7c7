// What a look at a directory from outside tells: whether it is still the same one, and whether it still grows.
import { type Stats, statSync } from "node:fs";

/**
 * Names the directory for as long as it lives; another one by the same path has another. Empty if there is none. In a layered
 * file system the first write to a directory of the image makes it another one: only those of one time are comparable.
 */
export function identityOf(home: string): string {
  const stats = look(home);
  // A number alone is soon given to a new directory.
  return stats === null ? "" : `${stats.dev}:${stats.ino}:${stats.birthtimeMs}`;
}

/** True of a directory, and of a link to one. */
export const isDirectory = (path: string): boolean => look(path)?.isDirectory() ?? false;

/** Stays the same while nobody writes: two that are equal, a moment apart, say that a copy has come to its end. */
export function footprintOf(home: string): string {
  const files = ["run", "service.ini"].map((name) => look(`${home}/${name}`));
  const times = files.map((stats) => (stats === null ? "-" : `${stats.ctimeMs} ${stats.size}`));
  return [identityOf(home), look(home)?.mtimeMs, ...times].join("; ");
}

function look(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null; // ENOENT, EACCES, ELOOP: nothing to be seen is something to compare, too
  }
}
