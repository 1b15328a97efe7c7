// Whether a path may be gone to. The manager has one thread, and a call in a directory whose file system never answers would
// never return: so before it reads there it asks, which keeps nobody waiting. Between the answer and the reading there is a
// moment in which a file system may still fall silent; that is accepted.
import type { Clock, Ms } from "../base/clock.ts";
import {
  areAllLocalIn,
  createMounts,
  isLocalIn,
  type Mounts,
  type MountTable,
  mountPointIn,
} from "../process/mounts.ts";
import { createLooks, type Looks } from "./looks.ts";
import { doubtOn } from "./way.ts";

export interface Reach {
  /** True if all that this path leads over, links followed, is local or has answered a moment ago. */
  isSure(path: string): boolean;
  /** The same of a path without links. */
  isSureAt(path: string): boolean;
  /** Tells whether all that this path leads over answers: at once where that is sure. */
  ask(path: string, done: (answers: boolean) => void): void;
  /** Calls `listener` each time that something has answered which was silent. */
  onReturn(listener: () => void): void;
}

/** What one manager knows of file systems. */
export interface Disks {
  readonly mounts: Mounts;
  readonly looks: Looks;
  readonly reach: Reach;
}

export function createDisks(clock: Clock): Disks {
  const mounts = createMounts(clock);
  const looks = createLooks({ clock, mounts });
  return { mounts, looks, reach: createReach(clock, mounts, looks) };
}

/** An answer is good for one more look at the scan directory. */
const FRESH: Ms = 250;
/** Longer than any way over many slow ones takes. */
const KEPT: Ms = 60_000;

/** What the manager of these mounts may go to. */
export function createReach(clock: Clock, mounts: Mounts, looks: Pick<Looks, "ask" | "onReturn">): Reach {
  const answeredAt = new Map<string, Ms>();
  let table: MountTable | null = null;
  let isAllLocal = false;

  const now = (): MountTable => {
    const read = mounts.now();
    if (read !== table) isAllLocal = areAllLocalIn(read);
    table = read;
    return read;
  };
  // Even one that takes longer than anybody waits for it can be worked with.
  looks.onReturn((point) => void answeredAt.set(point, clock.now()));
  const pointOf = (table: MountTable, path: string) => mountPointIn(table, path) ?? path;
  const hasAnswered = (point: string, since: Ms) => (answeredAt.get(point) ?? Number.NEGATIVE_INFINITY) >= since;
  const mayTouch = (table: MountTable, path: string, since: Ms) =>
    isLocalIn(table, path) || hasAnswered(pointOf(table, path), since);
  /** The file system that is to be asked first; null if none. */
  const doubt = (path: string, since: Ms): string | null => {
    const table = now();
    if (isAllLocal) return null;
    // Where nothing tells of mounts each path is one of its own.
    if (table.size === 0) return hasAnswered(path, since) ? null : path;
    const place = doubtOn(path, (each) => mayTouch(table, each, since));
    return place === null ? null : pointOf(table, place);
  };
  // Those who wait for the same file system.
  const waiting = new Map<string, ((answers: boolean) => void)[]>();
  const askPoint = (point: string, done: (answers: boolean) => void) => {
    const others = waiting.get(point);
    if (others !== undefined) return void others.push(done);
    const all = [done];
    waiting.set(point, all);
    looks.ask(point, (answers) => {
      waiting.delete(point);
      for (const [each, at] of answeredAt) if (clock.now() - at >= KEPT) answeredAt.delete(each);
      if (answers) answeredAt.set(point, clock.now());
      for (const tell of all) tell(answers);
    });
  };
  const ask = (path: string, since: Ms, done: (answers: boolean) => void): void => {
    const point = doubt(path, since);
    if (point === null) done(true);
    // Its links may lead further on.
    else askPoint(point, (answers) => (answers ? ask(path, since, done) : done(false)));
  };
  return {
    isSure: (path) => doubt(path, clock.now() - FRESH) === null,
    isSureAt(path) {
      const table = now();
      return isAllLocal || mayTouch(table, path, clock.now() - FRESH);
    },
    ask: (path, done) => ask(path, clock.now(), done),
    onReturn: (listener) => looks.onReturn(() => listener()),
  };
}
