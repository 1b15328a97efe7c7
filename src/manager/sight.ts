// What others see of one service: its view, and the moment that goes with it. Plain data: there may be thousands.
import { type Clock, type Ms, wallClock } from "../base/clock.ts";
import type { StateFiles } from "../channel/core.ts";
import {
  type Outside,
  pidText,
  type Stamp,
  stampIn,
  statText,
  statusBytes,
  type View,
  viewOf,
} from "../service/view.ts";
import type { Runner } from "./runner.ts";

export interface Sight {
  view: View;
  /** Whose the moment is: the child number of a process, or the state without one. */
  subject: number | string;
  stamp: Stamp;
  /** Nothing has happened since it was begun. */
  isFirst: boolean;
}

/** What is to be known of the world for it. */
export interface Sights {
  begin(runner: Runner): Sight;
  /** Takes up the state as it is now; true if anything is to be seen of the difference. */
  look(sight: Sight, runner: Runner): boolean;
}

export function createSights(clock: Clock, outside: (runner: Runner) => Outside): Sights {
  const stampAt = (at: Ms): Stamp => {
    const wall = wallClock.now().getTime() - Math.max(0, clock.now() - at);
    const seconds = Math.floor(wall / 1000);
    return { seconds, nanoseconds: Math.floor((wall - seconds * 1000) * 1e6) };
  };
  const see = (runner: Runner): View => viewOf(runner.state, outside(runner));
  const subjectOf = ({ state }: View, runner: Runner): number | string =>
    state === "run" && "child" in runner.state ? runner.state.child : state;
  return {
    begin(runner) {
      const { state } = runner;
      const view = see(runner);
      const stamp = stampAt("startedAt" in state ? state.startedAt : state.since);
      return { view, subject: subjectOf(view, runner), stamp, isFirst: true };
    },
    look(sight, runner) {
      const { state } = runner;
      const { view: before, subject } = sight;
      const view = see(runner);
      const now = subjectOf(view, runner);
      // Its finish keeps the time of its start; `down` has that of the end.
      if (now !== subject && view.state !== "finish") {
        sight.stamp = stampAt("startedAt" in state ? state.startedAt : clock.now());
        sight.subject = now;
        sight.isFirst = false;
      }
      if (view.pid === before.pid && view.want === before.want && statText(view) === statText(before)) return false;
      sight.view = view;
      return true;
    },
  };
}

/** The files of supervise/ as they are to be now. */
export function filesOf({ view, stamp }: Sight): StateFiles {
  return { pid: pidText(view), stat: statText(view), status: statusBytes(view, stamp).toString("hex") };
}

/** What an earlier manager wrote of the same process is kept, to the nanosecond. */
export function keepStamp(sight: Sight, status: Buffer): void {
  if (sight.isFirst) sight.stamp = stampIn(status, sight.view) ?? sight.stamp;
}
