// Follows one directory by its path: where the path leads elsewhere the new directory is watched, where there is nothing
// to watch it is looked at now and then.
import { statSync } from "node:fs";
import type { Clock, Ms } from "../base/clock.ts";
import { errorCode } from "../base/errors.ts";
import type { Reach } from "./reach.ts";
import { createWatch, type Watch, type Watching } from "./watch.ts";
import { watchWay } from "./way.ts";

/** Where the kernel does not tell of changes. */
const RESCAN: Ms = 5000;
/** From one look for a directory that is not there to the next, where each is told of: as runsvdir has it. */
const ABSENT: Ms = 1000;
/** Several changes on the way make one look. */
const GATHER: Ms = 5;

export interface FollowParts extends Pick<Watching, "listChanged" | "serviceChanged"> {
  readonly clock: Clock;
  readonly reach: Reach;
  readonly path: string;
  readonly warn: (text: string) => void;
  /** Told the errno at each look that finds no such directory; null says it once, with the other warnings. */
  readonly absent: ((code: string) => void) | null;
  /** A watch has begun, or has failed to: whatever came before is to be looked for. */
  readonly begun: () => void;
}

export interface Follow extends Watch {
  /** Begins, or begins anew. */
  begin(): void;
  /** There is no directory to watch: it is looked for. */
  lost(why: string): void;
}

/** The watch over the directory that `path` leads to at any time. */
export function createFollow(parts: FollowParts): Follow {
  const { clock, reach, path } = parts;
  let watcher: Watch | null = null;
  let forgetLook = () => {};
  let forgetWay = () => {};
  let forgetEntry: (() => void) | null = null;
  let turn = 0;
  let toldTurn = 0;
  let isPolling = false;
  let isClosed = false;

  /** The errno that keeps it from being a directory, null if it is one; of what may not answer nothing is known. */
  const absence = (): string | null | undefined => (reach.isSure(path) ? absenceOf(path) : undefined);
  const leaveRoot = () => {
    forgetLook();
    watcher?.close();
    watcher = null;
  };
  const lost = (why: string) => {
    if (isClosed) return;
    const code = parts.absent === null ? null : (absence() ?? null);
    if (code !== null) {
      if (toldTurn !== turn) parts.absent?.(code);
      toldTurn = turn;
    } else if (watcher !== null || !isPolling)
      parts.warn(`cannot watch ${path}: ${why}; looking every ${RESCAN / 1000} s instead`);
    leaveRoot();
    isPolling = true;
    forgetLook = clock.at(clock.now() + (code === null ? RESCAN : ABSENT), begin);
  };
  /** Whoever finds that it does not answer says so. */
  const begin = () =>
    reach.ask(path, (answers) => {
      if (isClosed) return;
      if (answers) return void lay();
      forgetLook();
      forgetLook = clock.at(clock.now() + RESCAN, begin);
    });
  const lay = async () => {
    const own = ++turn;
    forgetWay();
    forgetWay = watchWay(path, () => {
      forgetEntry ??= clock.at(clock.now() + GATHER, () => {
        forgetEntry = null;
        if (isClosed) return;
        leaveRoot();
        // At once, before the watch is laid.
        if (absence() === null) parts.begun();
        begin();
      });
    });
    let code: string | null = null;
    const fail = (why: string) => {
      code = why;
      if (own === turn) lost(why);
    };
    try {
      const { listChanged, serviceChanged } = parts;
      const fresh = await createWatch(path, { listChanged, serviceChanged, lost: fail, isSure: reach.isSure });
      if (isClosed || code !== null || own !== turn) fresh.close();
      else {
        watcher = fresh;
        isPolling = false;
      }
    } catch (error) {
      fail(errorCode(error));
    }
    if (!isClosed && own === turn) parts.begun();
  };
  return {
    begin,
    lost,
    enter: (name) => watcher?.enter(name),
    leave: (name) => watcher?.leave(name),
    close() {
      isClosed = true;
      forgetWay();
      forgetEntry?.();
      leaveRoot();
    },
  };
}

/** The errno that keeps this path from being a directory; null if it is one. */
function absenceOf(path: string): string | null {
  try {
    statSync(`${path}/.`);
    return null;
  } catch (error) {
    return errorCode(error);
  }
}
