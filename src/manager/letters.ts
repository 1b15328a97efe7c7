// The letters that runit's clients write to `control`, and what each asks for.
import type { Say } from "../log/voice.ts";
import type { Manager } from "./manager.ts";
import type { OrderName, Orders, Told } from "./orders.ts";
import { isPatient } from "./patience.ts";
import type { Runner } from "./runner.ts";

export interface LetterParts {
  readonly manager: Manager;
  readonly orders: Orders;
  /** The ordered stop has begun: only signals are taken. */
  readonly isStopping: () => boolean;
  readonly say: Say;
}

type Act = (runner: Runner, done: Told) => void;

const SIGTERM = 15;

/** What a letter to a service does. */
export function createLetters({
  manager,
  orders,
  isStopping,
  say,
}: LetterParts): (runner: Runner, letter: string, done: () => void) => void {
  const { controls } = manager;
  const signal =
    (number: number): Act =>
    (runner, done) =>
      done(controls.signal(runner, number));
  const isEnding = ({ state }: Runner) => state.phase === "stopping";
  /** A further TERM, which runsv sends as often as it is asked to. */
  const again = (runner: Runner) => controls.signal(runner, runner.spec.stopSignal);
  const stop: Act = (runner, done) => {
    const wasEnding = isEnding(runner);
    orders(runner, { do: "stop" }, done, isPatient(runner.spec));
    if (wasEnding) again(runner);
  };
  const term: Act = (runner, done) => {
    const { state, spec } = runner;
    if (isEnding(runner)) return done(again(runner));
    // Its finish is left to end.
    if (state.phase === "finishing") return done(null);
    const isRunning = state.phase === "starting" || state.phase === "up";
    const comesBack = isRunning && state.want === "up" && spec.restart === "always" && !isStopping();
    if (!comesBack) return done(controls.signal(runner, SIGTERM));
    // It comes back without the delay of a crash.
    controls.restart(runner);
    done(null);
  };
  /** What runs runs to its end, and that is all: runsv starts nothing for this letter but what has no process. */
  const once: Act = (runner, done) => {
    const { phase } = runner.state;
    const isOnItsWayDown = phase === "stopping" || phase === "sweeping" || phase === "finishing";
    orders(runner, { do: isOnItsWayDown ? "stop" : "once" }, done, isPatient(runner.spec));
  };
  const exit: Act = (runner, done) => {
    if (runner.spec.loggerOf === null) manager.letGo(runner);
    done(null);
  };
  const order =
    (name: OrderName): Act =>
    (runner, done) =>
      orders(runner, { do: name }, done);
  const lives: Readonly<Record<string, Act>> = {
    u: order("start"),
    o: once,
    d: stop,
    x: exit,
  };
  const signals: Readonly<Record<string, Act>> = {
    t: term,
    k: signal(9),
    p: order("pause"),
    c: order("cont"),
    h: signal(1),
    a: signal(14),
    i: signal(2),
    q: signal(3),
    "1": signal(10),
    "2": signal(12),
  };
  return (runner, letter, done) => {
    const isLife = Object.hasOwn(lives, letter);
    const act = lives[letter] ?? signals[letter];
    // A shutdown has its own order, in which every service comes. Of one that was let go and has not ended yet the newest
    // word counts; what is gone from its directory is not held back.
    const isHeld = () => !manager.isLeaving(runner) || (act !== exit && manager.keep(runner));
    if (act === undefined || (isLife && (isStopping() || !isHeld()))) return done();
    act(runner, (refused) => {
      // A signal to what does not run says nothing in runit, either.
      if (refused !== null && isLife)
        say("warn", `cannot do as "${letter}" in control of ${runner.name} says: ${refused}`);
      manager.supervise.changed(runner, true);
      done();
    });
  };
}
