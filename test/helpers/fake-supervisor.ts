// A supervisor without processes for tests of its faces, a clock that is turned by hand, and a place for words.
import type { Clock, Ms } from "../../src/base/clock.ts";
import type { Problem } from "../../src/base/errors.ts";
import type { Client, Io } from "../../src/control/exec.ts";
import type { Change, Order, ServiceEvent, Supervisor } from "../../src/control/supervisor.ts";
import type { LogLine } from "../../src/log/ring.ts";
import type { ServiceStatus } from "../../src/service/status.ts";

/** A status with what the test does not care for filled in. */
export function statusOf(name: string, over: Partial<ServiceStatus> = {}): ServiceStatus {
  return {
    name,
    state: "up",
    want: "up",
    type: "service",
    ready: over.state === undefined || over.state === "up",
    pid: 100,
    seconds: 90,
    since: "2026-11-21T20:15:01.000Z",
    restarts: 0,
    lastExit: null,
    retryIn: null,
    why: null,
    normallyDown: false,
    critical: false,
    log: null,
    ...over,
  };
}

export interface FakeSupervisor extends Supervisor {
  /** Every order, as "start web". */
  readonly orders: string[];
  /** Changes a service and tells the watchers; null removes it. */
  change(name: string, over: Partial<ServiceStatus> | null, event?: string, text?: string): void;
  /** A line of output, kept and told to followers. */
  print(service: string, line: string, continues?: boolean): void;
  /** Lines that came too many at once to be told to followers. */
  skip(service: string, count: number): void;
  /** What the next orders are answered with. */
  refusal: string | null;
  /** Where this is a list, orders are answered when the test calls what is in it. */
  late: (() => void)[] | null;
  /** Called with each order that is accepted. */
  onOrder: (name: string, order: Order) => void;
  readonly watchers: () => number;
  readonly followers: () => number;
  readonly shutdowns: (readonly [number, string])[];
  plan: { changes: readonly Change[]; problems: readonly Problem[] };
}

export function fakeSupervisor(...services: readonly ServiceStatus[]): FakeSupervisor {
  const all = new Map(services.map((one) => [one.name, one]));
  const watchers = new Set<(event: ServiceEvent) => void>();
  const followers = new Set<{
    names: readonly string[];
    listener: (line: LogLine) => void;
    skipped: (count: number) => void;
  }>();
  const kept: LogLine[] = [];
  const fake: FakeSupervisor = {
    orders: [],
    refusal: null,
    late: null,
    onOrder: () => {},
    shutdowns: [],
    plan: { changes: [], problems: [] },
    about: { version: "0.1.0", node: "v20", corePid: 1, scanDir: "/etc/service" },
    watchers: () => watchers.size,
    followers: () => followers.size,
    services: () => [...all.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    service(name) {
      const log = name.endsWith("/log") ? all.get(name.slice(0, -4))?.log : undefined;
      return log ?? all.get(name) ?? null;
    },
    order(name, order, done) {
      fake.orders.push(`${order.do === "signal" ? `signal ${order.signal}` : order.do} ${name}`);
      const give = () => {
        if (fake.refusal === null) fake.onOrder(name, order);
        done(fake.refusal);
      };
      if (fake.late === null) give();
      else fake.late.push(give);
    },
    watch(listener) {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    logs: (names, count) =>
      kept.filter(({ service }) => names.includes(service)).slice(count === 0 ? kept.length : -count),
    follow(names, listener, skipped) {
      const follower = { names, listener, skipped };
      followers.add(follower);
      return () => followers.delete(follower);
    },
    health: (names) => ({ healthy: names.length < 2, text: `asked for ${names.join(" and ") || "all"}` }),
    apply: () => Promise.resolve(fake.plan),
    switching: {
      plan: () => Promise.resolve({ refused: "there are no links here" }),
      go: () => Promise.resolve(null),
      back: () => Promise.resolve(null),
      settled: () => {},
    },
    shutdown(code, why) {
      (fake.shutdowns as (readonly [number, string])[]).push([code, why]);
    },
    change(name, over, event = "state", text = "changed") {
      const now = over === null ? null : { ...(all.get(name) ?? statusOf(name)), ...over };
      if (now === null) all.delete(name);
      else all.set(name, now);
      const told: ServiceEvent = { time: "2026-11-21T20:15:02.000Z", service: name, event, text, status: now };
      for (const watcher of [...watchers]) watcher(told);
    },
    print(service, line, continues = false) {
      const told: LogLine = { service, time: 1_795_000_000_000, line: Buffer.from(line), continues };
      kept.push(told);
      for (const { names, listener } of [...followers]) if (names.includes(service)) listener(told);
    },
    skip(service, count) {
      for (const { names, skipped } of [...followers]) if (names.includes(service)) skipped(count);
    },
  };
  return fake;
}

export interface HandClock extends Clock {
  /** Lets this much time pass, waking whoever is due. */
  pass(by: Ms): void;
  /** How many want to be woken. */
  readonly alarms: () => number;
}

export function handClock(): HandClock {
  let time: Ms = 1_000;
  const alarms = new Set<{ when: Ms; wake: () => void }>();
  return {
    now: () => time,
    at(when, wake) {
      const alarm = { when, wake };
      if (when !== Number.POSITIVE_INFINITY) alarms.add(alarm);
      return () => alarms.delete(alarm);
    },
    pass(by) {
      time += by;
      for (const alarm of [...alarms].sort((a, b) => a.when - b.when))
        if (alarm.when <= time && alarms.delete(alarm)) alarm.wake();
    },
    alarms: () => alarms.size,
  };
}

export interface Capture extends Io {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The client goes away. */
  leave(): void;
  /** While false, nobody reads: out says so and drained waits. */
  reading(yes: boolean): void;
}

export function capture(): Capture {
  const gone = new AbortController();
  const out: Buffer[] = [];
  let err = "";
  let reads = true;
  let waiters: (() => void)[] = [];
  const wake = () => {
    for (const waiter of waiters) waiter();
    waiters = [];
  };
  return {
    out(bytes) {
      out.push(Buffer.from(bytes));
      return reads;
    },
    err(text) {
      err += text;
      return reads;
    },
    drained: () => (reads || gone.signal.aborted ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
    closed: gone.signal,
    stdout: () => Buffer.concat(out).toString("utf8"),
    stderr: () => err,
    leave() {
      gone.abort();
      wake();
    },
    reading(yes) {
      reads = yes;
      if (yes) wake();
    },
  };
}

export const someClient: Client = { tty: false, columns: 80, color: false, cwd: "/root", resumed: false };

/** Lets everything that is ready to run do so. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
