import type { Clock, Ms } from "../base/clock.ts";
import type { Exit } from "../base/exit.ts";
import type { Runner } from "./runner.ts";

/** Runs a service's `check` until it exits 0. */
export interface Readiness {
  watch(runner: Runner, on: boolean): void;
}

/** Between the end of one check and the next: short at first, for most services are up soon. */
const FIRST_PAUSE: Ms = 50;
const LAST_PAUSE: Ms = 1000;
/** A check that has not ended by then says nothing. */
const PATIENCE: Ms = 30_000;

export interface ReadinessParts {
  readonly clock: Clock;
  /** Starts the check; `done` is called with its exit, or null where it could not be started. Returns how to kill it. */
  readonly run: (runner: Runner, done: (exit: Exit | null) => void) => () => void;
}

/** The watch over all services that are starting and have a `check`. */
export function createReadiness({ clock, run }: ReadinessParts): Readiness {
  const watches = new Map<Runner, () => void>();
  const begin = (runner: Runner) => {
    let isOver = false;
    let pause = FIRST_PAUSE;
    let cancel = () => {};
    const attempt = () => {
      let forget = () => {};
      const kill = run(runner, (exit) => {
        forget();
        if (isOver) return;
        if (exit !== null && "code" in exit && exit.code === 0) {
          watches.delete(runner);
          isOver = true;
          runner.send({ type: "ready" });
          return;
        }
        cancel = clock.at(clock.now() + pause, attempt);
        pause = Math.min(pause * 2, LAST_PAUSE);
      });
      forget = clock.at(clock.now() + PATIENCE, kill);
      cancel = () => {
        forget();
        kill();
      };
    };
    watches.set(runner, () => {
      isOver = true;
      cancel();
    });
    attempt();
  };
  return {
    watch(runner, on) {
      watches.get(runner)?.();
      watches.delete(runner);
      if (on) begin(runner);
    },
  };
}
