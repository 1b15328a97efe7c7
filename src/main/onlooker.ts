// Under runsvdir's name: what the end of the process of that name means, and a look at the directory on demand. Under
// runsv's: the end once its one service was told to exit.

import { type Ms, monotonic } from "../base/clock.ts";
import type { Manager } from "../manager/manager.ts";
import type { Scan } from "../manager/scan.ts";
import type { Happening } from "../manager/services.ts";
import { processOf } from "../process/proc.ts";
import type { Manners } from "./manners.ts";
import type { SupervisorWords } from "./words.ts";

/** As the core tells that the process that stood for it has ended (src/core/pid1.h). */
const FACE_GONE = 64;
const SIGALRM = 14;
/** From one try of a directory that another supervisor has to the next, or from an end to the next start. */
const RETRY: Ms = 1000;

export interface OnlookerParts {
  readonly words: SupervisorWords;
  readonly manners: Manners;
  readonly corePid: number;
  readonly manager: Manager;
  readonly scan: () => Scan;
  readonly stop: (code: number, why: string) => void;
}

export interface Onlooker {
  /** Before the directories are read: whose process had ended already has nobody who looks for new ones. */
  begin(): void;
  /** What these signals do. */
  readonly signals: Readonly<Record<number, () => void>>;
  happened(happening: Happening): void;
  /** Another supervisor has one of our directories. */
  refused(): void;
}

/** The one who looks on for the program that we were called as. */
export function createOnlooker({ words, manners, corePid, manager, scan, stop }: OnlookerParts): Onlooker {
  const { face } = words;
  // It may have ended while no manager lived.
  let isAlone = face !== 0 && processOf(corePid)?.ppid !== face;
  const gone = new Set<string>();
  let isDue = false;
  const later = () => {
    if (isDue) return;
    isDue = true;
    monotonic.at(monotonic.now() + RETRY, () => {
      isDue = false;
      for (const name of gone) manager.recall(name);
      gone.clear();
      scan().rescan();
    });
  };
  const settle = () => {
    if (!isAlone && !manners.endsEmpty) return;
    if (manager.roster.services().length === 0) stop(0, "nothing is left to supervise");
  };
  const alone = () => {
    isAlone = true;
    // As runit has it: without a runsvdir nobody looks for new directories, and what runs goes on.
    scan().close();
    settle();
  };
  return {
    begin() {
      if (isAlone) alone();
    },
    signals: { [SIGALRM]: () => scan().rescan(), ...(face === 0 ? {} : { [FACE_GONE]: alone }) },
    refused() {
      // As runsvdir's runsv has it: tried again until the other one is gone.
      if (manners.repeats) later();
    },
    happened({ event, runner: { name } }) {
      if (event !== "removed") return;
      settle();
      if (!manners.repeats || isAlone || !manager.isLetGo(name)) return;
      // The runsv has gone, and runsvdir starts another one.
      gone.add(name);
      later();
    },
  };
}
