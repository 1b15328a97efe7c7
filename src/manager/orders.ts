// What may be ordered of a service, by a command, a letter in `control` or a signal to us: one path for all of them.
import type { Say } from "../log/voice.ts";
import type { Admission, Refreshed } from "./admission.ts";
import type { Manager } from "./manager.ts";
import { isAtRest } from "./roster.ts";
import type { Runner } from "./runner.ts";

export type OrderName = "start" | "once" | "stop" | "restart" | "pause" | "cont" | "reload";

/** An order to one service; it is accepted at once, its outcome is seen by watching. */
export type Order = { readonly do: OrderName } | { readonly do: "signal"; readonly signal: number };

export interface OrderParts {
  readonly manager: Manager;
  /** Makes a service run by its newest definition. */
  readonly refresh: Admission["refresh"];
  readonly say: Say;
}

/** Told why an order was refused, as the end of a sentence, or null; at once unless the directory has to be asked. */
export type Told = (refused: string | null) => void;

/** Carries an order out. `patient`: nothing is killed for it. */
export type Orders = (runner: Runner, order: Order, done: Told, patient?: boolean) => void;

/** Carries one order out; answers why it was refused, or null. */
type Act<O extends Order> = (
  runner: Runner,
  how: { readonly patient: boolean; readonly fresh: Refreshed },
  order: O,
) => string | null;

const SIGHUP = 1;
const SIGSTOP = 19;
const SIGCONT = 18;

/** Those that take the newest definition. */
const renewing: ReadonlySet<Order["do"]> = new Set(["start", "once", "restart"]);
const asItIs: Refreshed = { refused: null, isSilent: false };

/** The orders to one manager's services. */
export function createOrders({ manager, refresh, say }: OrderParts): Orders {
  const { roster, controls } = manager;
  // A start that still waits for its directory when it is stopped is not wanted any more.
  const stops = new WeakMap<Runner, number>();
  const stopsOf = (runner: Runner) => stops.get(runner) ?? 0;
  const start = (runner: Runner, once: boolean, { refused, isSilent }: Refreshed): string | null => {
    if (refused !== null && !isSilent) return refused;
    // It comes up as soon as it can.
    if (isSilent) say("warn", `${runner.name}: ${refused}; it is started as it was last known`);
    roster.start(runner, once);
    return null;
  };
  /** The machine knows of a pause only of what is to stay up. */
  const halt = (runner: Runner, type: "pause" | "cont"): null => {
    const { phase } = runner.state;
    if (phase === "starting" || phase === "up") runner.send({ type });
    else controls.signal(runner, type === "pause" ? SIGSTOP : SIGCONT);
    return null;
  };
  const signal = (runner: Runner, number: number): string | null =>
    isAtRest(runner.state) ? "it is not running" : controls.signal(runner, number);
  const table: { readonly [D in Order["do"]]: Act<Extract<Order, { do: D }>> } = {
    start: (runner, { fresh }) => start(runner, false, fresh),
    once: (runner, { fresh }) => start(runner, true, fresh),
    stop(runner, { patient }) {
      stops.set(runner, stopsOf(runner) + 1);
      roster.end(runner, { type: "stop", cause: "request", grace: null, eof: false, patient });
      return null;
    },
    restart(runner, { patient, fresh }) {
      // With what it requires; and nothing that has just been started is stopped again.
      if (isAtRest(runner.state)) return start(runner, false, fresh);
      // What runs may do without its directory; what comes after it may not.
      if (fresh.isSilent) return `${fresh.refused}, and it would not come up again; it goes on as it is`;
      if (fresh.refused !== null) return fresh.refused;
      roster.end(runner, { type: "restart", cause: "request", patient });
      return null;
    },
    pause: (runner) => halt(runner, "pause"),
    cont: (runner) => halt(runner, "cont"),
    reload: (runner) => signal(runner, SIGHUP),
    signal: (runner, _how, { signal: number }) => signal(runner, number),
  };
  return (runner, order, done, patient = false) => {
    const act = table[order.do] as Act<Order>;
    const carryOut = (fresh: Refreshed) => {
      const refused = act(runner, { patient, fresh }, order);
      manager.supervise.changed(runner, true);
      done(refused);
    };
    if (!renewing.has(order.do)) return carryOut(asItIs);
    const before = stopsOf(runner);
    refresh(runner, (fresh) => (stopsOf(runner) === before ? carryOut(fresh) : done(null)));
  };
}
