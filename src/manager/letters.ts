// The letters that runit's clients write to `control`, and what each asks for.
import type { Say } from "../log/voice.ts";
import type { Manager } from "./manager.ts";
import type { Orders } from "./orders.ts";
import { isPatient } from "./patience.ts";
import type { Runner } from "./runner.ts";

export interface LetterParts {
  readonly manager: Manager;
  readonly orders: Orders;
  /** The ordered stop has begun: only signals are taken. */
  readonly isStopping: () => boolean;
  readonly say: Say;
}

type Act = (runner: Runner) => string | null;

const SIGTERM = 15;

/** What a letter to a service does. */
export function createLetters({
  manager,
  orders,
  isStopping,
  say,
}: LetterParts): (runner: Runner, letter: string) => void {
  const { controls } = manager;
  const signal =
    (number: number): Act =>
    (runner) =>
      controls.signal(runner, number);
  const isEnding = ({ state }: Runner) => state.phase === "stopping";
  /** A further TERM, which runsv sends as often as it is asked to. */
  const again: Act = (runner) => controls.signal(runner, runner.spec.stopSignal);
  const stop: Act = (runner) => {
    const wasEnding = isEnding(runner);
    const refused = orders(runner, { do: "stop" }, isPatient(runner.spec));
    if (wasEnding) again(runner);
    return refused;
  };
  const term: Act = (runner) => {
    const { state, spec } = runner;
    if (isEnding(runner)) return again(runner);
    // Its finish is left to end.
    if (state.phase === "finishing") return null;
    const isRunning = state.phase === "starting" || state.phase === "up";
    const comesBack = isRunning && state.want === "up" && spec.restart === "always" && !isStopping();
    if (!comesBack) return controls.signal(runner, SIGTERM);
    // It comes back without the delay of a crash.
    controls.restart(runner);
    return null;
  };
  /** What runs runs to its end, and that is all: runsv starts nothing for this letter but what has no process. */
  const once: Act = (runner) => {
    const { phase } = runner.state;
    const isOnItsWayDown = phase === "stopping" || phase === "sweeping" || phase === "finishing";
    return orders(runner, { do: isOnItsWayDown ? "stop" : "once" }, isPatient(runner.spec));
  };
  const exit: Act = (runner) => {
    if (runner.spec.loggerOf === null) manager.letGo(runner);
    return null;
  };
  const lives: Readonly<Record<string, Act>> = {
    u: (runner) => orders(runner, { do: "start" }),
    o: once,
    d: stop,
    x: exit,
  };
  const signals: Readonly<Record<string, Act>> = {
    t: term,
    k: signal(9),
    p: (runner) => orders(runner, { do: "pause" }),
    c: (runner) => orders(runner, { do: "cont" }),
    h: signal(1),
    a: signal(14),
    i: signal(2),
    q: signal(3),
    "1": signal(10),
    "2": signal(12),
  };
  return (runner, letter) => {
    const act = lives[letter];
    // A shutdown has its own order, in which every service comes. Of one that was let go and has not ended yet the newest
    // word counts; what is gone from its directory is not held back.
    const isHeld = () => !manager.isLeaving(runner) || (act !== exit && manager.keep(runner));
    if (act !== undefined && (isStopping() || !isHeld())) return;
    const refused = (act ?? signals[letter])?.(runner) ?? null;
    // A signal to what does not run says nothing in runit, either.
    if (refused !== null && act !== undefined)
      say("warn", `cannot do as "${letter}" in control of ${runner.name} says: ${refused}`);
    manager.supervise.changed(runner, true);
  };
}
