// Keeps the set of service directories as it is on disk: what appears is started, what disappears is stopped.
import { join } from "node:path";
import type { Clock, Ms } from "../base/clock.ts";
import { errorCode, type Problem } from "../base/errors.ts";
import { listServices } from "../config/list-services.ts";
import { type Loaded, loadService } from "../config/load.ts";
import type { Defaults } from "../config/settings.ts";
import type { ServiceSpec } from "../spec/spec.ts";

/** A copy that is under way is waited for: a directory is read when nothing has moved in it for this long. */
const QUIET: Ms = 40;
/** Between a change and the look at the whole directory. */
const GATHER: Ms = 10;
/** Where the kernel does not tell of changes. */
const RESCAN: Ms = 5000;
/** One turn of the loop at boot. */
const TURN: Ms = 8;

/** A directory that cannot be run as it is, and why. */
export interface Unready {
  readonly why: string;
  /** True if it may become complete by itself; false if somebody has to mend it. */
  readonly incomplete: boolean;
}

export interface ScanParts {
  readonly clock: Clock;
  readonly scanDir: string;
  readonly defaults: () => Defaults;
  /** The names that have a service now. */
  readonly present: () => Iterable<string>;
  readonly appeared: (spec: ServiceSpec) => void;
  readonly disappeared: (name: string) => void;
  readonly problem: (problem: Problem) => void;
  readonly warn: (text: string) => void;
  /** One sentence on a directory that cannot be run yet. */
  readonly unready: (name: string, unready: Unready) => void;
}

export interface Scan {
  /** Reads every directory once, a few milliseconds at a time; resolves when all of them are known. */
  boot(): Promise<void>;
  /** From now on changes are seen. */
  watch(): Promise<void>;
  /** Looks again now. */
  rescan(): void;
  /** Directories that are there and cannot be run, by name. */
  readonly unready: ReadonlyMap<string, Unready>;
  /** Reads one directory anew. */
  load(name: string): Loaded;
  names(): readonly string[] | null;
  close(): void;
}

/** The scan of one directory of service directories. */
export function createScan(parts: ScanParts): Scan {
  const { clock, scanDir } = parts;
  const unready = new Map<string, Unready>();
  const told = new Map<string, string>();
  const timers = new Map<string, () => void>();
  let watcher: Watcher | null = null;
  let forgetRescan = () => {};
  let isClosed = false;
  let isRescanDue = false;

  const tell = (name: string, problems: readonly Problem[]) => {
    const text = problems.map((problem) => `${problem.where} ${problem.text}`).join("\n");
    // Every look at a broken directory finds the same; it is told once.
    if (told.get(name) === text) return;
    if (text === "") told.delete(name);
    else told.set(name, text);
    for (const problem of problems) parts.problem(problem);
  };
  const homeOf = (name: string) => `${scanDir}/${name}`;
  const load = (name: string) => loadService(homeOf(name), name, parts.defaults());
  const take = (name: string) => {
    const { spec, incomplete, problems } = load(name);
    tell(name, problems);
    if (spec !== null) {
      unready.delete(name);
      watcher?.leave(homeOf(name));
      parts.appeared(spec);
      return;
    }
    const why = incomplete ?? problems.find((problem) => problem.severity === "error")?.text ?? "it cannot be read";
    const known = unready.get(name);
    unready.set(name, { why, incomplete: incomplete !== null });
    watcher?.enter(homeOf(name));
    if (known?.why !== why && incomplete !== null) parts.unready(name, { why, incomplete: true });
  };
  /** Reads it once nothing has moved in it for a moment. */
  const settle = (name: string) => {
    timers.get(name)?.();
    timers.set(
      name,
      clock.at(clock.now() + QUIET, () => {
        timers.delete(name);
        if (!isClosed && isListed(name)) take(name);
      }),
    );
  };
  let listed = new Set<string>();
  const isListed = (name: string) => listed.has(name);
  const list = () => {
    const { names, problems } = listServices(scanDir);
    tell("", problems);
    if (names !== null) listed = new Set(names);
    return names;
  };
  const rescan = () => {
    if (isClosed) return;
    const names = list();
    // A scan directory that cannot be read says nothing of its services: they stay.
    if (names === null) return;
    const present = new Set(parts.present());
    for (const name of names) {
      if (present.has(name) || timers.has(name)) continue;
      watcher?.enter(homeOf(name));
      settle(name);
    }
    for (const name of present) if (!listed.has(name)) parts.disappeared(name);
    for (const name of [...unready.keys()].filter((each) => !listed.has(each))) {
      unready.delete(name);
      told.delete(name);
      watcher?.leave(homeOf(name));
    }
  };
  // Many changes come together (a copy, an archive): one look serves them all.
  const rescanSoon = () => {
    if (isRescanDue) return;
    isRescanDue = true;
    clock.at(clock.now() + GATHER, () => {
      isRescanDue = false;
      rescan();
    });
  };
  const poll = () => {
    rescan();
    forgetRescan = clock.at(clock.now() + RESCAN, poll);
  };

  return {
    unready,
    load,
    rescan,
    names: list,
    async boot() {
      let turnEnd = clock.now() + TURN;
      for (const name of list() ?? []) {
        take(name);
        if (clock.now() < turnEnd) continue;
        await new Promise((resolve) => setImmediate(resolve));
        turnEnd = clock.now() + TURN;
      }
    },
    async watch() {
      const fallBack = (code: string) => {
        if (isClosed) return;
        watcher?.close();
        watcher = null;
        parts.warn(`cannot watch ${scanDir}: ${code}; looking every ${RESCAN / 1000} s instead`);
        forgetRescan();
        poll();
      };
      try {
        watcher = await createWatcher(
          scanDir,
          (path) => {
            const [name] = path.slice(scanDir.length + 1).split("/");
            if (name !== undefined && name !== "" && (timers.has(name) || unready.has(name))) settle(name);
            rescanSoon();
          },
          fallBack,
        );
      } catch (error) {
        fallBack(errorCode(error));
      }
      for (const name of unready.keys()) watcher?.enter(homeOf(name));
      // What came between the first look and the watch.
      rescan();
    },
    close() {
      isClosed = true;
      forgetRescan();
      for (const forget of timers.values()) forget();
      watcher?.close();
    },
  };
}

interface Watcher {
  enter(dir: string): void;
  leave(dir: string): void;
  close(): void;
}

/** chokidar over the scan directory itself, and over the few directories in it that are not complete. */
async function createWatcher(
  scanDir: string,
  changed: (path: string) => void,
  failed: (code: string) => void,
): Promise<Watcher> {
  // Late: no service waits for it.
  const { watch } = await import("chokidar");
  const watcher = watch(scanDir, {
    depth: 0,
    followSymlinks: false,
    atomic: false,
    ignoreInitial: true,
    ignorePermissionErrors: true,
  });
  const entered = new Set<string>();
  watcher.on("all", (_event, path) => changed(path));
  watcher.on("error", (error) => failed(errorCode(error)));
  await new Promise<void>((resolve) => watcher.on("ready", () => resolve()));
  return {
    enter(dir) {
      if (entered.has(dir)) return;
      entered.add(dir);
      watcher.add([dir, join(dir, "log")]);
    },
    leave(dir) {
      if (entered.delete(dir)) watcher.unwatch([dir, join(dir, "log")]);
    },
    close() {
      void watcher.close();
    },
  };
}
