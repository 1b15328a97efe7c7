import { initial, step } from "../../../src/service/machine.ts";
import type { Effect, Event, State } from "../../../src/service/model.ts";
import type { ServiceSpec } from "../../../src/spec/spec.ts";

/** A service with every default, and what a test changes in it. */
export function service(change: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name: "web",
    home: "/etc/service/web",
    type: "service",
    command: ["/etc/service/web/run"],
    argv0: null,
    root: null,
    dir: "/etc/service/web",
    identity: null,
    umask: null,
    nice: null,
    limits: {},
    lock: null,
    close: [],
    env: {},
    after: [],
    requires: [],
    wants: [],
    notifyFd: null,
    check: null,
    startTimeout: 30_000,
    settle: 1_000,
    startPre: null,
    finish: null,
    finishTimeout: 30_000,
    undo: null,
    isS6: false,
    restart: "always",
    restartDelay: 100,
    restartDelayMax: 30_000,
    stable: 10_000,
    successCodes: [0],
    giveUp: null,
    stopSignal: 15,
    stopScope: "session",
    stopGrace: 7_000,
    critical: false,
    log: "prefix",
    logDir: null,
    logTimestamps: false,
    logLineMax: 65_536,
    down: false,
    logger: null,
    loggerOf: null,
    foreground: false,
    fixed: false,
    source: {},
    ...change,
  };
}

export const start: Event = { type: "start", once: false };
export const once: Event = { type: "start", once: true };
export const stop = (change: Partial<Extract<Event, { type: "stop" }>> = {}): Event => ({
  type: "stop",
  cause: "request",
  grace: null,
  eof: false,
  ...change,
});
export const restart: Event = { type: "restart", cause: "request" };
export const clear: Event = { type: "clear" };
export const timeout: Event = { type: "timeout" };
export const kill: Event = { type: "kill" };
export const ready: Event = { type: "ready" };
export const none: Event = { type: "swept", left: 0 };
export const some = (left: number): Event => ({ type: "swept", left });
export const spawned = (child: number): Event => ({ type: "spawned", child, pid: 1000 + child });
export const unspawned = (child: number, reason = "no such file"): Event => ({ type: "unspawned", child, reason });
export const exited = (child: number, code = 1): Event => ({ type: "exited", child, exit: { code } });
export const died = (child: number, signal = 15): Event => ({ type: "exited", child, exit: { signal } });

/** A machine driven by hand: events in, and what each asked for out. */
export interface Drive {
  state: State;
  now: number;
  /** Steps the events one after the other and gives the effects of the last. */
  feed(...events: readonly (Event | number)[]): readonly Effect[];
}

/** Numbers among the events let that many milliseconds pass. */
export function drive(spec: ServiceSpec, state: State = initial(0, 1)): Drive {
  const drive: Drive = {
    state,
    now: 0,
    feed(...events) {
      let last: readonly Effect[] = [];
      for (const event of events) {
        if (typeof event === "number") drive.now += event;
        else [drive.state, last] = step(spec, drive.state, event, drive.now);
      }
      return last;
    },
  };
  return drive;
}

/** The effects as short words: `spawn main 1`, `kill TERM 1`, `sweep KILL`. Reports are left out. */
export function words(effects: readonly Effect[]): string[] {
  const signals: Readonly<Record<number, string>> = { 0: "0", 9: "KILL", 15: "TERM", 18: "CONT", 19: "STOP" };
  return effects.flatMap((effect) => {
    switch (effect.type) {
      case "report":
        return [];
      case "spawn":
        return [`spawn ${effect.role}`];
      case "spawn-finish":
        return ["spawn finish"];
      case "spawn-undo":
        return ["spawn undo"];
      case "kill":
        return [`kill ${signals[effect.signal] ?? effect.signal}${effect.group ? " group" : ""}`];
      case "sweep":
        return [`sweep ${signals[effect.signal] ?? effect.signal}`];
      case "watch-ready":
        return [effect.on ? "watch" : "unwatch"];
      default:
        return [effect.type];
    }
  });
}

/** The reports among the effects. */
export const reports = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.type === "report" ? [effect.report] : []));
