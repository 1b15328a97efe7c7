// Programs of a directory that are run one after the other while everything stops.
import { accessSync, constants, readdirSync, statSync } from "node:fs";
import type { Clock, Ms } from "../base/clock.ts";
import { type Exit, exitText } from "../base/exit.ts";
import type { VoiceLevel } from "../log/voice.ts";
import type { Interlude } from "../manager/shutdown.ts";

/** The executable files of a directory, sorted; none where there is no such directory. */
export function executablesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .sort()
      .map((name) => `${directory}/${name}`)
      .filter(isExecutable);
  } catch {
    return []; // ENOENT, ENOTDIR: nobody wants anything to be run
  }
}

/** True for a file, or a link to one, that may be executed. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // ENOENT, EACCES
  }
}

export interface HookParts {
  readonly clock: Clock;
  /** The programs, looked for when their time has come. */
  readonly files: () => readonly string[];
  /** Starts one; `done` hears of its end, null where it could not be started. Returns how to kill it. */
  readonly run: (path: string, done: (exit: Exit | null) => void) => () => void;
  readonly say: (level: VoiceLevel, text: string) => void;
  /** One is about to be run: a later manager is not to run it again. */
  readonly begun: (path: string) => void;
  /** One has failed: the code to leave with if there is no other. */
  readonly failed: (code: number) => void;
}

/** Runs them in their order; a failure is told and keeps no other from being run. */
export function createHooks({ clock, files, run, say, begun, failed }: HookParts): Interlude {
  let cutShort = () => {};
  return {
    begin(share: Ms, done: () => void) {
      const left = [...files()];
      let kill: (() => void) | null = null;
      let isCut = false;
      const next = () => {
        const path = isCut ? undefined : left.shift();
        if (path === undefined) {
          forget();
          return done();
        }
        begun(path);
        say("info", `running ${path}`);
        kill = run(path, (exit) => {
          kill = null;
          if (exit === null || !("code" in exit) || exit.code !== 0) {
            const why = exit === null ? "it could not be started" : exitText(exit);
            say("warn", `${path} has failed: ${why}`);
            failed(exit !== null && "code" in exit ? exit.code : 1);
          }
          next();
        });
      };
      cutShort = () => {
        if (isCut) return;
        isCut = true;
        if (left.length > 0) say("warn", `not run, for the time is over: ${left.join(", ")}`);
        kill?.();
      };
      const forget = clock.at(clock.now() + share, () => cutShort());
      next();
    },
    hurry: () => cutShort(),
  };
}
