// Tells when something moves in the scan directory, or in one of the few service directories that are not complete.
import { realpathSync, watch } from "node:fs";
import { basename, join } from "node:path";
import { errorCode } from "../base/errors.ts";

export interface Watch {
  /** Looks into this service directory too, by what its name leads to now. */
  enter(name: string): void;
  /** Looks into it no more; where its directory was exchanged, entering it again watches the new one. */
  leave(name: string): void;
  close(): void;
}

export interface Watching {
  /** An entry of the scan directory (null if it is not known which) has come or gone, or has changed itself. */
  readonly listChanged: (name: string | null, hasMoved: boolean) => void;
  /** Something has moved in a service directory that was entered. */
  readonly serviceChanged: (name: string) => void;
  /** There is no watch any more: its directory has gone or was exchanged, or the kernel has no room for it. */
  readonly lost: (code: string) => void;
  /** True if nothing on the way to this path keeps us waiting. */
  readonly isSure: (path: string) => boolean;
}

/** Watches one scan directory. Throws if it cannot be found or watched. */
export async function createWatch(scanDir: string, parts: Watching): Promise<Watch> {
  const { listChanged, serviceChanged, lost, isSure } = parts;
  const root = realpathSync(scanDir);
  // Late: no service waits for it.
  const chokidar = await import("chokidar");
  const pathsOf = new Map<string, readonly string[]>();
  const nameOf = new Map<string, string>();
  // node:fs, for chokidar looks at each entry and where it leads at every change: one that never answers would take
  // a thread of Node each time.
  const list = watch(root, { persistent: false }, (event, entry) => {
    const hasMoved = event === "rename";
    if (hasMoved && entry === basename(root)) lost("it was moved or removed");
    else listChanged(entry, hasMoved);
  });
  list.on("error", (error) => lost(errorCode(error)));
  const watcher = chokidar.watch([], {
    depth: 0,
    followSymlinks: false,
    atomic: false,
    ignoreInitial: true,
    ignorePermissionErrors: true,
    // Of what is in there chokidar need know nothing: it would look at each twice, and keep what it has seen.
    ignored: (path) => !nameOf.has(path),
  });
  // What chokidar makes of the kernel's events leaves out a chmod, whatever comes within the second after another
  // change, and the end of a path that it was told to forget.
  watcher.on("raw", (_event: string, _entry: string | null, where: unknown) => {
    const name = nameOf.get((where as { readonly watchedPath: string }).watchedPath);
    if (name !== undefined) serviceChanged(name);
  });
  watcher.on("error", (error) => lost(errorCode(error)));
  const real = (path: string): string[] => (isSure(path) ? realPathOf(path) : []);
  const leave = (name: string) => {
    const paths = pathsOf.get(name) ?? [];
    pathsOf.delete(name);
    for (const path of paths) nameOf.delete(path);
    watcher.unwatch([...paths]);
  };
  return {
    enter(name) {
      const paths = [join(root, name), join(root, name, "log")].flatMap(real);
      if (String(pathsOf.get(name)) === String(paths)) return;
      leave(name);
      pathsOf.set(name, paths);
      for (const path of paths) nameOf.set(path, name);
      watcher.add(paths);
    },
    leave,
    close() {
      list.close();
      void watcher.close();
    },
  };
}

/** Where a path leads; nothing while it leads nowhere. */
function realPathOf(path: string): string[] {
  try {
    return [realpathSync(path)];
  } catch {
    return []; // ENOENT, ELOOP, EACCES: there is nothing to look into
  }
}
