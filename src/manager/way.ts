// The way to a directory: the links that a path leads over, each of which may be exchanged for another one at any time.
import { lstatSync, readlinkSync, realpathSync, type Stats, watch } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";

/** One entry of a directory that the path depends on. `dir` has no link in it. */
export interface Step {
  readonly dir: string;
  readonly name: string;
  readonly isLink: boolean;
}

/** As the kernel has it. */
const LINKS_MAX = 40;

/**
 * The entries that an absolute path depends on: its links, its last entry, and the first one that is missing. Where
 * there are too many links, those that were found.
 */
export const wayTo = (path: string): readonly Step[] => walk(path, () => true).steps;

/**
 * The first place on the way to an absolute path that is not to be touched; null if there is none. Links are followed only
 * from where it may be touched.
 */
export const doubtOn = (path: string, mayTouch: (path: string) => boolean): string | null => walk(path, mayTouch).doubt;

function walk(
  path: string,
  mayTouch: (path: string) => boolean,
): { readonly steps: readonly Step[]; readonly doubt: string | null } {
  const steps: Step[] = [];
  const rest = path.split("/").filter(Boolean);
  let dir = "/";
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === ".") continue;
    if (name === "..") {
      dir = dirname(dir);
      continue;
    }
    const place = join(dir, name);
    if (!mayTouch(place)) return { steps, doubt: place };
    const stats = look(place);
    const isLink = stats?.isSymbolicLink() ?? false;
    if (isLink || stats === null || rest.length === 0) steps.push({ dir, name, isLink });
    if (stats === null) break;
    if (!isLink) dir = place;
    else {
      if (steps.length > LINKS_MAX) break;
      const target = readLink(place);
      if (isAbsolute(target)) dir = "/";
      rest.unshift(...target.split("/").filter(Boolean));
    }
  }
  return { steps, doubt: null };
}

/**
 * The last link on the way to `path`, as far as that may be touched, with its target as it is written; null if there is
 * none.
 */
export function lastLink(
  path: string,
  mayTouch: (path: string) => boolean,
): (Step & { readonly target: string }) | null {
  const link = walk(path, mayTouch).steps.findLast(({ isLink }) => isLink);
  if (link === undefined) return null;
  return { ...link, target: readLink(join(link.dir, link.name)) };
}

/** Where a path leads, without links; the path itself where it leads nowhere. */
export function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path; // ENOENT, EACCES, ELOOP: whoever uses it finds out
  }
}

/** Calls `changed` when an entry on the way comes, goes or is exchanged, until the returned function is called. */
export function watchWay(path: string, changed: () => void): () => void {
  const names = new Map<string, Set<string>>();
  for (const { dir, name } of wayTo(path)) names.set(dir, (names.get(dir) ?? new Set()).add(name));
  const watchers = [...names].flatMap(([dir, known]) => {
    try {
      // node:fs, for chokidar looks through a link where the link itself is meant.
      const watcher = watch(dir, { persistent: false }, (event, entry) => {
        if (event === "rename" && (entry === null || known.has(entry))) changed();
        else if (event === "rename" && entry === basename(dir)) changed();
      });
      // Gone, or not to be watched any more: a look now and then finds the rest.
      watcher.on("error", () => watcher.close());
      return [watcher];
    } catch {
      return []; // ENOSPC, EMFILE, EACCES: as above
    }
  });
  return () => {
    for (const watcher of watchers) watcher.close();
  };
}

function look(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null; // ENOENT, ENOTDIR, EACCES: here the way ends
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // exchanged meanwhile: whoever did that is seen
  }
}
