// Whether somebody else supervises a directory is to be known before anything of its service starts. As a rule the core says
// so at once, and refuses the start itself. Where the file system may not answer the start waits for it, for a moment.
import type { Clock, Ms } from "../base/clock.ts";
import type { Core } from "../channel/core.ts";
import { LOOK_PATIENCE } from "./looks.ts";
import type { Runner } from "./runner.ts";
import type { Entry } from "./supervise-entry.ts";

export interface FirstAnswers {
  /** The lock of this directory is asked for, for the first time. */
  asked(entry: Entry, mayHang: boolean): void;
  /** The answer has come. */
  came(number: number): void;
  /** Nobody wants it any more. */
  forget(number: number): void;
  /** True if `start` is called later, unless it is stopped: once the answer has come, or is not waited for any longer. */
  defers(runner: Runner, child: number, start: () => void): boolean;
  /** Resolves once all that has been asked is answered, or has had a moment for it. */
  all(): Promise<void>;
}

/** A start is not put off for longer. */
const PATIENCE: Ms = LOOK_PATIENCE;
/** Nor does all that follows a boot wait for longer, for one that may not answer. */
const MOMENT: Ms = 200;

/** What is asked of one core. */
export function createFirstAnswers(clock: Clock, core: Core): FirstAnswers {
  // With what to do once it is over; null is that its start need not wait.
  const open = new Map<number, (() => void)[] | null>();
  const counted = new Set<number>();
  const waiters: (() => void)[] = [];

  const uncount = (number: number) => {
    if (!counted.delete(number) || counted.size > 0) return;
    for (const waiter of waiters.splice(0)) waiter();
  };
  const came = (number: number) => {
    const starts = open.get(number);
    if (!open.delete(number)) return;
    for (const start of starts ?? []) start();
    uncount(number);
  };
  return {
    asked(entry, mayHang) {
      const { number } = entry.runner;
      const starts = mayHang ? [] : null;
      open.set(number, starts);
      counted.add(number);
      if (starts === null) return;
      clock.at(clock.now() + MOMENT, () => open.get(number) === starts && uncount(number));
      clock.at(clock.now() + PATIENCE, () => {
        if (open.get(number) !== starts) return;
        entry.mayRun = true;
        came(number);
      });
    },
    came,
    forget(number) {
      open.delete(number);
      uncount(number);
    },
    defers(runner, child, start) {
      const starts = open.get(runner.number) ?? null;
      starts?.push(() => {
        if (runner.state.phase !== "stopping") start();
        else runner.send({ type: "unspawned", child, reason: "it was stopped before it began" });
        core.hasten(true);
      });
      return starts !== null;
    },
    all: () => (counted.size === 0 ? Promise.resolve() : new Promise((resolve) => void waiters.push(resolve))),
  };
}
