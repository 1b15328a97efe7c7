// Waiting for services to get where they are wanted: by watching, never by asking again and again.
import type { Clock, Ms } from "../base/clock.ts";
import type { ServiceEvent, Supervisor, Told } from "../control/supervisor.ts";
import type { ServiceStatus } from "../service/status.ts";
import { breathe } from "./context.ts";

/** `event` is null for the look at the very beginning, right after the order. */
export type Judge = (
  now: ServiceStatus,
  before: ServiceStatus,
  event: ServiceEvent | null,
) => "done" | "failed" | "pending";

/** How it went for one service. `left`: whoever asked has gone. */
export type Outcome =
  | {
      readonly how: "done" | "failed" | "timeout";
      readonly name: string;
      readonly now: ServiceStatus;
      readonly after: Ms;
    }
  | {
      readonly how: "done";
      readonly name: string;
      readonly now: ServiceStatus;
      readonly after: 0;
      readonly already: true;
    }
  | { readonly how: "refused"; readonly name: string; readonly why: string }
  | { readonly how: "removed" | "left"; readonly name: string };

export interface Waiting {
  readonly names: readonly string[];
  /** Gives the order, and tells once it is given; a sentence is a refusal. Called once per name, in order. */
  readonly act: (name: string, done: Told) => void;
  readonly judge: Judge;
  /** For all together; 0 looks once, `Infinity` never gives up. */
  readonly timeout: Ms;
  readonly closed: AbortSignal;
  /** Called once per name, as soon as it is known. */
  readonly told: (outcome: Outcome) => void;
}

/** Orders given in one go, before others get their turn. */
const BATCH = 50;

/** Gives the orders and resolves when each has its outcome. */
export async function settle(waiting: Waiting, supervisor: Supervisor, clock: Clock): Promise<void> {
  const { names, act, judge, timeout, closed, told } = waiting;
  const pending = new Map<string, ServiceStatus>();
  // Their orders are not given yet: what happens to them is no outcome.
  const early = new Set<string>();
  const begun = clock.now();
  let resolve = () => {};
  const settled = new Promise<void>((done) => {
    resolve = done;
  });
  const orders: Promise<void>[] = [];
  let ordering = true;
  const tell = (outcome: Outcome) => {
    pending.delete(outcome.name);
    told(outcome);
    if (pending.size === 0 && !ordering) resolve();
  };
  const look = (name: string, event: ServiceEvent | null) => {
    const before = pending.get(name);
    if (before === undefined || early.has(name)) return;
    const now = supervisor.service(name);
    if (now === null) return tell({ how: "removed", name });
    const how = judge(now, before, event);
    if (how === "pending") return;
    if (how === "done" && event === null && judge(before, before, null) === "done")
      return tell({ how, name, now, after: 0, already: true });
    tell({ how, name, now, after: clock.now() - begun });
  };
  const giveUp = () => {
    for (const name of [...pending.keys()]) {
      const now = supervisor.service(name);
      tell(now === null ? { how: "removed", name } : { how: "timeout", name, now, after: timeout });
    }
  };
  const leave = () => {
    for (const name of [...pending.keys()]) tell({ how: "left", name });
    resolve();
  };

  // Watching begins before the first order, so that nothing can happen in between.
  const unwatch = supervisor.watch((event) => look(event.service, event));
  try {
    for (const [at, name] of names.entries()) {
      if (closed.aborted) break;
      if (at % BATCH === BATCH - 1) await breathe();
      const before = supervisor.service(name);
      if (before === null) {
        tell({ how: "removed", name });
        continue;
      }
      pending.set(name, before);
      early.add(name);
      const give = (given: () => void) =>
        act(name, (why) => {
          early.delete(name);
          if (why === null) look(name, null);
          else if (pending.has(name)) tell({ how: "refused", name, why });
          given();
        });
      orders.push(new Promise(give));
    }
    ordering = false;
    if (closed.aborted) return leave();
    if (pending.size === 0) return;
    if (timeout === 0) {
      // An order that has to be waited for may be refused.
      await Promise.all(orders);
      return giveUp();
    }
    closed.addEventListener("abort", leave, { once: true });
    const disarm = clock.at(begun + timeout, giveUp);
    await settled;
    disarm();
    closed.removeEventListener("abort", leave);
  } finally {
    unwatch();
  }
}
