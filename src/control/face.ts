// The manager as the faces see it: names in, statuses and events out.
import { type Clock, type Ms, wallClock } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import { exitText } from "../base/exit.ts";
import { didYouMean } from "../base/near.ts";
import { type LogLine, lastOf } from "../log/ring.ts";
import type { Change } from "../manager/apply.ts";
import { SILENT, type Unready } from "../manager/intake.ts";
import type { Manager } from "../manager/manager.ts";
import type { Orders, Told } from "../manager/orders.ts";
import type { Outputs } from "../manager/outputs.ts";
import type { Runner } from "../manager/runner.ts";
import type { Happening } from "../manager/services.ts";
import { isStable } from "../service/end.ts";
import type { ServiceStatus } from "../service/status.ts";
import { clauseOf, isReady, statusOf } from "../service/status-of.ts";
import type { Health, ServiceEvent, Supervisor } from "./supervisor.ts";

export interface FaceParts {
  readonly manager: Manager;
  readonly clock: Clock;
  readonly outputs: Outputs;
  readonly unready: () => ReadonlyMap<string, Unready>;
  /** The directory of this service did not answer when it was last asked. */
  readonly isSilent: (name: string) => boolean;
  readonly about: Supervisor["about"];
  readonly orders: Orders;
  /** Brings back one that was let go, for one run with `once`. */
  readonly recall: (name: string, once: boolean, done: Told) => void;
  readonly apply: (dryRun: boolean) => Promise<{ changes: readonly Change[]; problems: readonly Problem[] }>;
  readonly switching: Supervisor["switching"];
  readonly isStopping: () => boolean;
  readonly shutdown: (code: number, why: string) => void;
}

export interface Face extends Supervisor {
  /** Tells everybody who watches. */
  publish(happening: Happening): void;
}

/** So many crashes without a stable run in between are a crash loop. */
const CRASH_LOOP = 3;

/** The supervisor as an object for the control socket and the commands. */
export function createFace(parts: FaceParts): Face {
  const { manager, clock, outputs } = parts;
  const watchers = new Set<(event: ServiceEvent) => void>();

  const silence = ({ name, spec }: Runner): string | null =>
    !spec.fixed && parts.isSilent(spec.loggerOf ?? name) ? SILENT : null;
  const status = (runner: Runner): ServiceStatus => {
    const logger = manager.roster.get(`${runner.name}/log`);
    return statusOf(
      runner.spec,
      runner.state,
      { why: manager.why(runner) ?? silence(runner), log: logger === undefined ? null : status(logger) },
      clock.now(),
      wallClock.now(),
    );
  };
  const absent = (name: string, { why, isLetGo = false }: Unready): ServiceStatus => ({
    name,
    state: isLetGo ? "down" : "incomplete",
    want: isLetGo ? "down" : "up",
    type: "service",
    ready: false,
    pid: null,
    seconds: 0,
    since: wallClock.now().toISOString(),
    restarts: 0,
    lastExit: null,
    retryIn: null,
    why,
    normallyDown: false,
    critical: false,
    log: null,
  });
  const services = () => {
    const all = manager.roster.services().map(status);
    const known = new Set(all.map(({ name }) => name));
    for (const [name, unready] of parts.unready()) if (!known.has(name)) all.push(absent(name, unready));
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  };
  const names = () => services().map(({ name }) => name);

  const health = (chosen: readonly string[]): Health => {
    const all = services();
    const considered = chosen.length === 0 ? all : all.filter(({ name }) => chosen.includes(name));
    if (parts.isStopping()) return { healthy: false, text: "everything is being stopped" };
    for (const each of considered) {
      const trouble = troubleOf(each, manager.roster.get(each.name), chosen.length > 0, clock.now());
      if (trouble !== null) return { healthy: false, text: `${each.name} ${trouble}` };
    }
    const up = considered.filter(({ state }) => state !== "down").length;
    return { healthy: true, text: up === 1 ? "1 service is up" : `${up} services are up` };
  };

  return {
    services,
    service(name) {
      const runner = manager.roster.get(name);
      if (runner !== undefined) return status(runner);
      const unready = parts.unready().get(name);
      return unready === undefined ? null : absent(name, unready);
    },
    order(name, order, done) {
      const runner = manager.roster.get(name);
      if (runner === undefined) {
        const unready = parts.unready().get(name);
        const comes = order.do === "start" || order.do === "once" || order.do === "restart";
        if (unready?.isLetGo && comes && !parts.isStopping()) return parts.recall(name, order.do === "once", done);
        // Nothing of it runs: it is as it is to be.
        if (unready !== undefined && order.do === "stop") return done(null);
        return done(unready === undefined ? `there is no such service${didYouMean(name, names())}` : unready.why);
      }
      if (parts.isStopping() && order.do !== "signal")
        // The shutdown has its own order, in which it comes.
        return done(order.do === "stop" ? null : "everything is being stopped");
      parts.orders(runner, order, done);
    },
    watch(listener) {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    logs: (chosen, count) =>
      lastOf(
        chosen.flatMap((name) => outputs.ring(name) ?? []),
        count,
      ),
    follow(chosen, listener, skipped) {
      const stops = chosen.flatMap((name) => {
        const follower = (lines: readonly LogLine[], missed: number) => {
          if (missed > 0) skipped(missed);
          lines.forEach(listener);
        };
        return outputs.ring(name)?.follow(follower) ?? [];
      });
      return () => {
        for (const stop of stops) stop();
      };
    },
    health,
    apply: parts.apply,
    switching: parts.switching,
    // After this turn: where nothing has to stop, the socket would go before the answer.
    shutdown: (code, why) => void setImmediate(parts.shutdown, code, why),
    about: parts.about,
    publish({ runner, event, text }) {
      if (watchers.size === 0) return;
      const told: ServiceEvent = {
        time: wallClock.now().toISOString(),
        service: runner.name,
        event,
        text: text === "" ? `${runner.name} ${clauseOf(runner.state)}` : text,
        status: event === "removed" ? null : status(runner),
      };
      // After the step that it tells of, and apart from it: whoever listens may give orders.
      queueMicrotask(() => {
        for (const watcher of watchers) watcher(told);
      });
    },
  };
}

/** Why a service is not as it should be, without its name; null if it is. One that is meant to be down is well. */
function troubleOf(status: ServiceStatus, runner: Runner | undefined, isNamed: boolean, now: Ms): string | null {
  const { state, want, why, retryIn, lastExit } = status;
  if (state === "down") return isNamed ? "is down" : null;
  if (runner === undefined) return `cannot run: ${why}`;
  const because = why === null ? "" : `: ${why}`;
  if (state === "done") return null;
  if (state === "failed") return `${want === "once" ? "was to run once, and failed" : "has given up"}${because}`;
  const { spec } = runner;
  // The machine forgets crashes only when it leaves `up`: until then, who asks is told of the old ones no more.
  if (runner.state.streak >= CRASH_LOOP && !isStable({ spec, state: runner.state, now }))
    return `is crash-looping${lastExit === null ? "" : ` (${exitText(lastExit)})`}`;
  if (state === "paused") return "is paused";
  if (isReady(spec, runner.state)) return null;
  if (state === "backoff") return `is down and tried again in ${Math.ceil(retryIn ?? 0)} s${because}`;
  if (state === "waiting") return why ?? "waits";
  return `is ${state}, not ready${because}`;
}
