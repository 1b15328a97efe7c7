// What may be ordered of a service, by a command, a letter in `control` or a signal to us: one path for all of them.

import type { Manager } from "./manager.ts";
import { isAtRest } from "./roster.ts";
import type { Runner } from "./runner.ts";

export type OrderName = "start" | "once" | "stop" | "restart" | "pause" | "cont" | "reload";

/** An order to one service; it is accepted at once, its outcome is seen by watching. */
export type Order = { readonly do: OrderName } | { readonly do: "signal"; readonly signal: number };

export interface OrderParts {
  readonly manager: Manager;
  /** Makes a service run by its newest definition; answers why that cannot be, or null. */
  readonly refresh: (runner: Runner) => string | null;
}

/** Carries an order out; why it was refused, as the end of a sentence, or null. `patient`: nothing is killed for it. */
export type Orders = (runner: Runner, order: Order, patient?: boolean) => string | null;

const SIGHUP = 1;
const SIGSTOP = 19;
const SIGCONT = 18;

/** The orders to one manager's services. */
export function createOrders({ manager, refresh }: OrderParts): Orders {
  const { roster, controls } = manager;
  const start = (runner: Runner, once: boolean): string | null => {
    const refused = refresh(runner);
    if (refused === null) roster.start(runner, once);
    return refused;
  };
  /** The machine knows of a pause only of what is to stay up. */
  const halt = (runner: Runner, type: "pause" | "cont"): null => {
    const { phase } = runner.state;
    if (phase === "starting" || phase === "up") runner.send({ type });
    else controls.signal(runner, type === "pause" ? SIGSTOP : SIGCONT);
    return null;
  };
  const table: {
    readonly [D in Order["do"]]: (runner: Runner, order: Extract<Order, { do: D }>, patient: boolean) => string | null;
  } = {
    start: (runner) => start(runner, false),
    once: (runner) => start(runner, true),
    stop(runner, _order, patient) {
      roster.end(runner, { type: "stop", cause: "request", grace: null, eof: false, patient });
      return null;
    },
    restart(runner, _order, patient) {
      const refused = refresh(runner);
      if (refused !== null) return refused;
      // With what it requires; and nothing that has just been started is stopped again.
      if (isAtRest(runner.state)) roster.start(runner, false);
      else roster.end(runner, { type: "restart", cause: "request", patient });
      return null;
    },
    pause: (runner) => halt(runner, "pause"),
    cont: (runner) => halt(runner, "cont"),
    reload: (runner) => signal(runner, SIGHUP),
    signal: (runner, { signal: number }) => signal(runner, number),
  };
  const signal = (runner: Runner, number: number): string | null =>
    isAtRest(runner.state) ? "it is not running" : controls.signal(runner, number);
  return (runner, order, patient = false) => {
    const act = table[order.do] as (runner: Runner, order: Order, patient: boolean) => string | null;
    const refused = act(runner, order, patient);
    manager.supervise.changed(runner, true);
    return refused;
  };
}
