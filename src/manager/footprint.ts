// What a look at a directory from outside tells: whether it is still the same one, and whether it still grows.
import { type Stats, statSync } from "node:fs";

/**
 * Names the directory for as long as it lives; another one by the same path has another. Empty if there is none. `before`
 * is given back if that is certainly, or as far as can be told, the same.
 */
export function identityOf(home: string, before = ""): string {
  const stats = look(home);
  if (stats === null) return "";
  const number = `${stats.dev}:${stats.ino}:`;
  // Where the kernel does not say when it was born, Node gives the time of its last change, which is new with each one.
  if (stats.birthtimeMs === stats.ctimeMs && before.startsWith(number)) return before;
  // A number alone is soon given to a new directory.
  return number + stats.birthtimeMs;
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
