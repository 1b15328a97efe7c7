// What is at a path, without asking a file system that may never answer: a directory is looked into only once it is known to
// be on a local one, and links are followed step by step.
import { lstatSync, readlinkSync } from "node:fs";

/** "far": it is, or may be, on a file system that needs somebody else to answer. */
export type Found = "there" | "absent" | "far";

/** An entry of a directory: where it leads, if it is a link; true is anything else, and null is none. */
type Entry = string | true | null;

/** As many as the kernel follows. */
const LINKS_MAX = 40;

/**
 * Looks at an absolute path; all but the last `names` names of it are known to be no links. `isLocal` is asked about paths
 * without links; `peek` is for the tests.
 */
export function whereabouts(
  path: string,
  names: number,
  isLocal: (path: string) => boolean,
  peek: (path: string) => Entry = entryAt,
): Found {
  let end = path.length;
  for (let left = names; left > 0 && end > 0; left--) end = path.lastIndexOf("/", end - 1);
  const rest = namesIn(path.slice(end));
  let links = 0;
  let done = path.slice(0, end);
  if (!isLocal(done || "/")) return "far";
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (part === "..") done = done.slice(0, Math.max(done.lastIndexOf("/"), 0));
    if (part === ".." || part === ".") continue;
    const at = `${done}/${part}`;
    if (!isLocal(at)) return "far";
    const entry = peek(at);
    if (entry === null) return "absent";
    if (entry === true) {
      done = at;
      continue;
    }
    // ELOOP: whoever opens it finds out.
    if (++links > LINKS_MAX) return "absent";
    if (entry.startsWith("/")) done = "";
    rest.unshift(...namesIn(entry));
  }
  return "there";
}

const namesIn = (path: string): string[] => path.split("/").filter(Boolean);

function entryAt(path: string): Entry {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return null;
    return stats.isSymbolicLink() ? readlinkSync(path) : true;
  } catch {
    return null; // EACCES, ENOTDIR: nothing can be seen
  }
}
