// The ordered stop, from the reason for it to the last word.
import { type Ms, monotonic } from "../base/clock.ts";
import { shellCode } from "../base/exit.ts";
import type { Core } from "../channel/core.ts";
import type { Sink } from "../log/sink.ts";
import type { Voice } from "../log/voice.ts";
import type { Manager } from "../manager/manager.ts";
import type { Outputs } from "../manager/outputs.ts";
import type { House } from "../manager/remembered.ts";
import type { Runner } from "../manager/runner.ts";
import { beginShutdown, type Shutdown } from "../manager/shutdown.ts";
import { reportLines } from "../manager/stop-report.ts";
import { reactionOf } from "../process/proc.ts";
import { durationText } from "../service/duration.ts";
import type { MyInit } from "./my-init.ts";

/** The stop signals that need no `stop-on`: TERM, INT, QUIT, PWR and RTMIN+3. */
const STOP_SIGNALS = [15, 2, 3, 30, 37] as const;
/** A second stop signal within this time is the same one twice: npm and terminals send it to a whole group. */
const SECOND_SIGNAL: Ms = 500;
/** For the last lines to be taken by whoever reads our output. */
const LAST_WORDS: Ms = 400;
/** For the last states to be written in supervise/. */
const STATUS_WORDS: Ms = 100;

export interface StoppingParts {
  readonly core: Core;
  readonly voice: Voice;
  readonly sinks: readonly Sink[];
  readonly outputs: Outputs;
  readonly manager: Manager;
  readonly budget: () => Ms;
  readonly strays: (signals: readonly number[]) => number;
  /** What an image's layout adds; null has none. */
  readonly layout: Pick<MyInit, "before" | "after" | "failure" | "strayGrace"> | null;
  /** The stop that an earlier manager had begun. */
  readonly begun: House["stop"];
  /** It has begun: no directory is watched any more. */
  readonly onBegin: () => void;
  /** Just before the end; resolves when what it ends is written. */
  readonly onEnd: () => Promise<void>;
}

export interface Stopping {
  isStopping(): boolean;
  /** Begins the stop; the program will leave with `code`. `serial` is the signal's, if there was one. */
  begin(code: number, why: string, serial?: string): void;
  /** A further stop signal. */
  again(name: string): void;
  /** Goes on with what an earlier manager had begun. */
  resume(): void;
  /** A service has changed its state, or (null) an adopted process has gone. */
  progress(runner: Runner | null): void;
}

/** All signals that stop everything; `more` are those of `stop-on`. */
export const stopSignalsWith = (more: readonly number[]): ReadonlySet<number> => new Set([...STOP_SIGNALS, ...more]);

const pause = (ms: Ms) => new Promise<void>((resolve) => monotonic.at(monotonic.now() + ms, resolve));

const counted = (count: number, noun: string, plural: string) => `${count} ${count === 1 ? noun : plural}`;

/** The one stop of this supervisor. */
export function createStopping(parts: StoppingParts): Stopping {
  const { core, voice, manager } = parts;
  let stop = parts.begun;
  let askedAt = stop?.since ?? Number.NEGATIVE_INFINITY;
  let shutdown: Shutdown | null = null;

  const leave = async (code: number) => {
    const ended = parts.onEnd();
    const written = (async () => {
      await Promise.all([parts.outputs.whenWritten(), parts.outputs.close(), ended]);
      // With very many services the last of them are left as they were: whoever looks finds that nobody holds the fifos.
      await Promise.race([manager.supervise.settled(), pause(STATUS_WORDS)]);
      await voice.settled();
      await Promise.all(parts.sinks.map((sink) => new Promise<void>((resolve) => sink.onEmpty(resolve))));
    })();
    // Bounded: a reader that never comes must not keep the container.
    await Promise.race([written, pause(LAST_WORDS)]);
    core.exit(code);
  };
  const goDown = () => {
    if (stop === null) return;
    const { since, code } = stop;
    shutdown = beginShutdown(
      {
        clock: monotonic,
        budget: parts.budget(),
        runners: () => manager.roster.all(),
        strays: parts.strays,
        strayGrace: parts.layout?.strayGrace,
        before: parts.layout?.before,
        after: parts.layout?.after,
        reactionOf,
        done(endings, { found, killed }, took) {
          const signalOf = (name: string) => manager.roster.get(name)?.spec.stopSignal ?? 15;
          const lines = reportLines(endings, signalOf);
          if (found > 0)
            lines.push(`${counted(found, "process", "processes")} of no service ended, ${killed} of them by SIGKILL`);
          for (const line of lines) voice.info(`stop report: ${line}`);
          voice.info(`stopped ${counted(endings.length, "service", "services")} in ${durationText(took)}`);
          // The container lives as long as its command, and ends as it does; another reason's code is kept.
          const main = manager.roster.foreground()?.state.last?.exit ?? null;
          void leave(code || parts.layout?.failure() || (main === null ? 0 : shellCode(main)));
        },
      },
      since,
    );
    shutdown.progress(null);
  };

  return {
    isStopping: () => stop !== null,
    begin(code, why, serial) {
      if (stop !== null) {
        if (serial !== undefined) core.ack(serial);
        return;
      }
      stop = { since: monotonic.now(), code, why };
      askedAt = stop.since;
      manager.remember(stop, serial);
      core.stopping();
      voice.info(`stopping everything: ${why}`);
      parts.onBegin();
      goDown();
    },
    again(name) {
      if (monotonic.now() - askedAt < SECOND_SIGNAL) return;
      voice.warn(`received ${name} again: killing whatever still runs`);
      shutdown?.hurry();
    },
    resume: goDown,
    progress: (runner) => shutdown?.progress(runner),
  };
}
