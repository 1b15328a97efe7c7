// Keeps the set of service directories as it is on disk: what appears is started, what disappears is stopped.
import type { Clock, Ms } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import type { Listing } from "../config/list-services.ts";
import type { Loaded } from "../config/load.ts";
import type { Defaults } from "../config/settings.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { createEntries, type Entries } from "./entries.ts";
import { createFollow } from "./follow.ts";
import { footprintOf, identityOf, isDirectory } from "./footprint.ts";
import { createIntake, type Unready } from "./intake.ts";
import type { Reach } from "./reach.ts";
import { createSettling } from "./settling.ts";
import { createSilence } from "./silence.ts";
import { realPath } from "./way.ts";

/** Several changes make one look at the list. */
const GATHER: Ms = 5;
/** A scan directory that is another one may still be filled for so long. */
const FILLING: Ms = 40;
/** One turn of the loop at boot. */
const TURN: Ms = 8;

export interface ScanParts {
  readonly clock: Clock;
  readonly reach: Reach;
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

export interface Scan extends Pick<Entries, "pathOf" | "homeOf" | "ask" | "isSilent"> {
  /** Reads every directory once, a few milliseconds at a time; resolves when all of them are known. */
  boot(): Promise<void>;
  /** From now on changes are seen. */
  watch(): void;
  /** Looks again now. */
  rescan(): void;
  /** Looks again soon; many who ask make one look. */
  look(): void;
  /** Directories that are there and cannot be run, by name. */
  readonly unready: ReadonlyMap<string, Unready>;
  /** Reads one directory anew. */
  load(name: string): Loaded;
  /** Those whose directories do not answer included. */
  names(): readonly string[] | null;
  close(): void;
}

/** The scan of one directory of service directories. */
export function createScan(parts: ScanParts): Scan {
  const { clock, scanDir, reach } = parts;
  const intake = createIntake(parts);
  const { unready } = intake;
  const identities = new Map<string, string>();
  // Entries that have come or gone since the last look at the list.
  const moved = new Set<string>();
  let rootIdentity: string | null = null;
  let forgetLook: (() => void) | null = null;
  // Until a scan directory that is another one has been there for a moment.
  let forgetFilling: (() => void) | null = null;
  let isBooting = false;
  let isClosed = false;

  const silence = createSilence({ clock, reach, warn: parts.warn, again: () => lookSoon() });
  const entries = createEntries(scanDir, parts.only, silence);
  const { pathOf, homeOf, answers, isSilent } = entries;
  const take = (name: string, home = homeOf(name)) => {
    if (intake.take(home, name)) follow.leave(name);
    else follow.enter(name);
  };
  const settling = createSettling({
    clock,
    footprint: (name) => (answers(name) ? footprintOf(homeOf(name)) : null),
    read(name) {
      if (!isClosed && listed.has(name)) take(name);
      return !unready.has(name);
    },
    silent: (name) => void moved.add(name),
  });
  const { settle } = settling;
  let listed = new Set<string>();
  const heed = ({ names, problems }: Listing) => {
    if (names !== null || parts.absent === null) intake.tell("", problems);
    if (names !== null) listed = new Set(names);
    return names;
  };
  const list = () => heed(entries.look());
  /** Of one that was found before anybody watched, by us or by an earlier manager. */
  const identityBefore = (home: string | undefined, now: string | null) =>
    home === undefined || home === now ? undefined : reach.isSure(home) ? identityOf(home) : "";
  /** It is there, and that is all that is known. */
  const hold = (name: string, present = parts.present()) => {
    if (isSilent(name) && !present.has(name)) intake.silent(name);
  };
  const rescan = () => {
    if (isClosed || isBooting || !answers("")) return;
    const root = identityOf(scanDir);
    rootIdentity ??= root;
    const listing = entries.look();
    const { names, silent } = listing;
    // A scan directory that cannot be read says nothing of its services: they stay.
    if (names === null) {
      heed(listing);
      return follow.lost("it cannot be read");
    }
    const present = parts.present();
    const found = names.map((name) => {
      const known = identities.get(name);
      const isKnown = known !== undefined && !moved.has(name) && root === rootIdentity;
      const home = isKnown || silent.has(name) ? null : homeOf(name);
      return { name, known, home, identity: home === null ? known : identityOf(home) };
    });
    // It went or was exchanged under our eyes: what was found is of no directory that there is.
    if (identityOf(scanDir) !== root) return lookSoon();
    heed(listing);
    // Another directory: by the same names there may be others.
    if (root !== rootIdentity) {
      for (const name of names) moved.add(name);
      forgetFilling?.();
      forgetFilling = clock.at(clock.now() + FILLING, () => {
        forgetFilling = null;
        rescan();
      });
    }
    rootIdentity = root;
    for (const { name, known, home, identity } of found) {
      if (silent.has(name)) {
        hold(name, present);
        continue;
      }
      const isNew = moved.has(name);
      const isOther = identity !== (known ?? identityBefore(present.get(name), home) ?? identity);
      identities.set(name, identity ?? "");
      // Another directory by the name of one that runs: the old service ends before the new one begins.
      if (present.has(name) && isOther) parts.disappeared(name);
      if (present.has(name) || (settling.has(name) && !isNew)) continue;
      if (isOther) follow.leave(name);
      const waits = unready.get(name);
      if (isNew || waits === undefined || waits.isSilent) settle(name);
    }
    for (const name of moved) if (!silent.has(name)) moved.delete(name);
    // It may still be filled: who is not in it yet has not gone.
    if (forgetFilling !== null) return;
    for (const name of new Set([...present.keys(), ...identities.keys(), ...unready.keys()])) {
      if (listed.has(name)) continue;
      // Also what is no service: it may have been refused.
      parts.disappeared(name);
      identities.delete(name);
      intake.forget(name);
      silence.forget(pathOf(name));
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
    reach,
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
      if (settling.has(name) || unready.has(name)) settle(name);
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

  const answersLate = (name: string) => new Promise<boolean>((resolve) => entries.ask(name, resolve));
  /** At boot: one that had to be asked. */
  const takeLate = async (name: string) => {
    const isThere = await answersLate(name);
    if (isClosed) return;
    if (!isThere) hold(name);
    else if (isDirectory(pathOf(name))) take(name);
  };

  const takeAll = async () => {
    rootIdentity = identityOf(scanDir);
    const listing = entries.look();
    const { links, silent } = listing;
    const late = Promise.all([...silent].map(takeLate));
    let turnEnd = clock.now() + TURN;
    const place = realPath(scanDir);
    for (const name of heed(listing) ?? []) {
      if (isClosed) return;
      if (silent.has(name)) continue;
      take(name, links.has(name) ? homeOf(name) : `${place}/${name}`);
      if (clock.now() < turnEnd) continue;
      await new Promise((resolve) => setImmediate(resolve));
      turnEnd = clock.now() + TURN;
    }
    await late;
  };

  return {
    unready,
    ...entries,
    load: (name) => intake.load(homeOf(name), name),
    rescan,
    look: lookSoon,
    names: list,
    async boot() {
      if (!answers("") && !(await answersLate(""))) return;
      isBooting = true;
      try {
        await takeAll();
      } finally {
        isBooting = false;
      }
    },
    watch: follow.begin,
    close() {
      isClosed = true;
      forgetLook?.();
      forgetFilling?.();
      silence.close();
      settling.close();
      follow.close();
    },
  };
}
