// What others see of one service: its view, and the moment that goes with it.
import { type Clock, type Ms, wallClock } from "../base/clock.ts";
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
  /** Takes up the state as it is now; true if anything is to be seen of the difference. */
  look(): boolean;
  /** The files of supervise/ by name, in the order of writing. */
  files(): ReadonlyMap<string, Buffer>;
  /** What an earlier manager wrote of the same process is kept, to the nanosecond. */
  keepStamp(status: Buffer): void;
}

/** The sight of a service from now on. */
export function createSight(runner: Runner, clock: Clock, outside: (runner: Runner) => Outside): Sight {
  const stampAt = (at: Ms): Stamp => {
    const wall = wallClock.now().getTime() - Math.max(0, clock.now() - at);
    const seconds = Math.floor(wall / 1000);
    return { seconds, nanoseconds: Math.floor((wall - seconds * 1000) * 1e6) };
  };
  const see = (): View => viewOf(runner.state, outside(runner));
  /** Whose the moment is: one process has one, and so has the time without one. */
  const subjectOf = ({ state }: View): number | string =>
    state === "run" && "child" in runner.state ? runner.state.child : state;
  let view = see();
  let subject = subjectOf(view);
  const first = stampAt("startedAt" in runner.state ? runner.state.startedAt : runner.state.since);
  let stamp = first;
  return {
    look() {
      const before = view;
      view = see();
      const now = subjectOf(view);
      // Its finish keeps the time of its start; `down` has that of the end.
      if (now !== subject && view.state !== "finish") {
        stamp = stampAt("startedAt" in runner.state ? runner.state.startedAt : clock.now());
        subject = now;
      }
      return view.pid !== before.pid || view.want !== before.want || statText(view) !== statText(before);
    },
    files: () =>
      new Map([
        ["pid", Buffer.from(pidText(view))],
        ["stat", Buffer.from(statText(view))],
        ["status", statusBytes(view, stamp)],
      ]),
    keepStamp(status) {
      if (stamp === first) stamp = stampIn(status, view) ?? first;
    },
  };
}
