// Keeps the set of service directories as it is on disk: what appears is started, what disappears is stopped.
import type { Clock, Ms } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import { type Listing, listServices } from "../config/list-services.ts";
import { type Loaded, loadService } from "../config/load.ts";
import type { Defaults } from "../config/settings.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { createFollow } from "./follow.ts";
import { footprintOf, identityOf } from "./footprint.ts";
import { located } from "./located.ts";
import { realPath } from "./way.ts";

/** A copy that is under way is waited for: a directory is read when nothing has moved in it for this long. */
const QUIET: Ms = 40;
/** Several changes make one look at the list. */
const GATHER: Ms = 5;
/** A watch takes a moment to be laid; what came before it is found by one more look. */
const SECOND_LOOK: Ms = 500;
/** One turn of the loop at boot. */
const TURN: Ms = 8;

/** A directory that cannot be run as it is, and why. */
export interface Unready {
  readonly why: string;
  /** True if it may become complete by itself; false if somebody has to mend it. */
  readonly incomplete: boolean;
  /** It was let go on purpose, and comes back when it is asked for. Default false. */
  readonly isLetGo?: boolean;
}

export interface ScanParts {
  readonly clock: Clock;
  readonly scanDir: string;
  readonly defaults: () => Defaults;
  /** What has a service now, and the directory of each. */
  readonly present: () => ReadonlyMap<string, string>;
  readonly appeared: (spec: ServiceSpec) => void;
  readonly disappeared: (name: string) => void;
  readonly problem: (problem: Problem) => void;
  readonly warn: (text: string) => void;
  /** Told the errno at each look that finds no such directory; null says it once, with the other warnings. */
  readonly absent: ((code: string) => void) | null;
  /** The one entry that is a service, there or not; null is all of them. */
  readonly only: string | null;
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
  /** Looks again soon; many who ask make one look. */
  look(): void;
  /** Directories that are there and cannot be run, by name. */
  readonly unready: ReadonlyMap<string, Unready>;
  /** The path of the directory of that name. */
  homeOf(name: string): string;
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
  const identities = new Map<string, string>();
  // Entries that have come or gone since the last look at the list.
  const moved = new Set<string>();
  let rootIdentity = identityOf(scanDir);
  let forgetLook: (() => void) | null = null;
  // Until a scan directory that is another one has been there for a moment.
  let forgetFilling: (() => void) | null = null;
  let isClosed = false;

  const tell = (name: string, problems: readonly Problem[]) => {
    const text = problems.map((problem) => `${problem.where} ${problem.text}`).join("\n");
    // Every look at a broken directory finds the same; it is told once.
    if (told.get(name) === text) return;
    if (text === "") told.delete(name);
    else told.set(name, text);
    for (const problem of problems) parts.problem(problem);
  };
  // Without links: one that is exchanged must not lead a running service's `finish` to another directory.
  const homeOf = (name: string) => realPath(`${scanDir}/${name}`);
  const loadFrom = (home: string, name: string) => loadService(home, name, parts.defaults());
  const load = (name: string) => loadFrom(homeOf(name), name);
  const take = (name: string, home = homeOf(name)) => {
    const { spec, incomplete, problems, producer } = loadFrom(home, name);
    tell(name, problems);
    if (spec !== null || producer !== undefined) {
      unready.delete(name);
      follow.leave(name);
      if (spec !== null) parts.appeared(spec);
      return;
    }
    const fault = problems.find((problem) => problem.severity === "error");
    const why = incomplete ?? (fault === undefined ? "it cannot be read" : located(fault, home));
    const known = unready.get(name);
    unready.set(name, { why, incomplete: incomplete !== null });
    follow.enter(name);
    if (known?.why !== why && incomplete !== null) parts.unready(name, { why, incomplete: true });
  };
  /** Reads it once it has been the same for a moment. */
  const settle = (name: string, quiet = QUIET) => {
    timers.get(name)?.();
    const before = footprintOf(homeOf(name));
    timers.set(
      name,
      clock.at(clock.now() + quiet, () => {
        timers.delete(name);
        if (isClosed || !listed.has(name)) return;
        if (footprintOf(homeOf(name)) !== before) return settle(name);
        take(name);
        if (quiet === QUIET && unready.has(name)) settle(name, SECOND_LOOK);
      }),
    );
  };
  let listed = new Set<string>();
  let linked: ReadonlySet<string> = listed;
  const only = parts.only === null ? null : { names: [parts.only], links: new Set([parts.only]), problems: [] };
  const look = (): Listing => only ?? listServices(scanDir);
  const heed = ({ names, links, problems }: Listing) => {
    if (names !== null || parts.absent === null) tell("", problems);
    if (names !== null) listed = new Set(names);
    linked = links;
    return names;
  };
  const list = () => heed(look());
  /** Of one that was found before anybody watched, by us or by an earlier manager. */
  const identityBefore = (home: string | undefined, now: string | null) =>
    home === undefined || home === now ? undefined : identityOf(home);
  const rescan = () => {
    if (isClosed) return;
    const root = identityOf(scanDir);
    const listing = look();
    const { names } = listing;
    // A scan directory that cannot be read says nothing of its services: they stay.
    if (names === null) {
      heed(listing);
      return follow.lost("it cannot be read");
    }
    const present = parts.present();
    const found = names.map((name) => {
      const known = identities.get(name);
      const home = moved.has(name) || known === undefined || root !== rootIdentity ? homeOf(name) : null;
      return { name, known, home, identity: home === null ? known : identityOf(home) };
    });
    // It went or was exchanged under our eyes: what was found is of no directory that there is.
    if (identityOf(scanDir) !== root) return lookSoon();
    heed(listing);
    // Another directory: by the same names there may be others.
    if (root !== rootIdentity) {
      for (const name of names) moved.add(name);
      forgetFilling?.();
      forgetFilling = clock.at(clock.now() + QUIET, () => {
        forgetFilling = null;
        rescan();
      });
    }
    rootIdentity = root;
    for (const { name, known, home, identity } of found) {
      const isNew = moved.has(name);
      const isOther = identity !== (known ?? identityBefore(present.get(name), home) ?? identity);
      identities.set(name, identity ?? "");
      // Another directory by the name of one that runs: the old service ends before the new one begins.
      if (present.has(name) && isOther) parts.disappeared(name);
      if (present.has(name) || (timers.has(name) && !isNew)) continue;
      if (isOther) follow.leave(name);
      if (isNew || !unready.has(name)) settle(name);
    }
    moved.clear();
    // It may still be filled: who is not in it yet has not gone.
    if (forgetFilling !== null) return;
    for (const name of new Set([...present.keys(), ...identities.keys()])) {
      if (listed.has(name)) continue;
      // Also what is no service: it may have been refused.
      parts.disappeared(name);
      identities.delete(name);
      unready.delete(name);
      told.delete(name);
      follow.leave(name);
    }
  };
  const lookSoon = () => {
    forgetLook ??= clock.at(clock.now() + GATHER, () => {
      forgetLook = null;
      rescan();
    });
  };
  const follow = createFollow({
    clock,
    path: scanDir,
    warn: parts.warn,
    absent: parts.absent,
    listChanged(name, hasMoved) {
      if (name !== null && hasMoved) moved.add(name);
      // Its permissions may have been what was wrong.
      else if (name !== null && unready.has(name)) settle(name);
      lookSoon();
    },
    serviceChanged: (name) => {
      if (timers.has(name) || unready.has(name)) settle(name);
    },
    begun() {
      for (const name of unready.keys()) {
        follow.enter(name);
        settle(name);
      }
      // What came between the first look and the watch, or since the last look.
      rescan();
    },
  });

  return {
    unready,
    homeOf,
    load,
    rescan,
    look: lookSoon,
    names: list,
    async boot() {
      let turnEnd = clock.now() + TURN;
      // What is no link itself is found where the scan directory is: a thousand names need not be looked up anew.
      const place = realPath(scanDir);
      for (const name of list() ?? []) {
        if (isClosed) return;
        take(name, linked.has(name) ? homeOf(name) : `${place}/${name}`);
        if (clock.now() < turnEnd) continue;
        await new Promise((resolve) => setImmediate(resolve));
        turnEnd = clock.now() + TURN;
      }
    },
    watch: follow.begin,
    close() {
      isClosed = true;
      forgetLook?.();
      forgetFilling?.();
      for (const forget of timers.values()) forget();
      follow.close();
    },
  };
}
