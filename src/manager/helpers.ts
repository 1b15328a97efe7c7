// Processes of a service beside its own: its check, its control scripts. Each is answered for once.
import type { Clock, Ms } from "../base/clock.ts";
import type { Exit } from "../base/exit.ts";
import type { Core, Hello, SpawnRequest } from "../channel/core.ts";
import { type Program, spawnRequest } from "../process/spawn.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import type { Outputs } from "./outputs.ts";
import type { Roster } from "./roster.ts";
import type { Runner } from "./runner.ts";

export interface Helper {
  /** What the core knows it by, for a later manager. */
  readonly child: number;
  kill(): void;
}

/** Its end; null where it could not be started. */
export type HelperDone = (exit: Exit | null) => void;

export interface Helpers {
  run(runner: Runner, program: Program, done: HelperDone): Helper;
  /** A program that is no service's, on upkeep's own streams; returns how to kill it. */
  runAlone(spec: ServiceSpec, done: HelperDone): () => void;
  /** One that an earlier manager has started; false if nobody will tell of its end. */
  adopt(runner: Runner, child: number, done: HelperDone): boolean;
  isHelper(id: string): boolean;
  /** It has begun to run; the number of the service that it is of, or undefined if it is none. */
  began(id: string): number | undefined;
  /**
   * Calls `settled` once all that was asked for this service is known by its pid; false if it is so already. Until
   * then a look at the processes would take one of them for a stray.
   */
  awaits(owner: number, settled: () => void): boolean;
  /** It has ended, or has not begun; false if it is none. */
  ended(id: string, exit: Exit | null): boolean;
}

/** They run under this number, which no service has. */
const NUMBER = 0;
/** Above every number that is given out; also that of programs that are no service's. */
const NUMBERS = 0x7fffffff;
const SIGKILL = 9;
/** A control script that has not begun by then never does: its file system does not answer, and a signal waits for it. */
const BEGINS_WITHIN: Ms = 2000;

/** The helpers of one manager. */
export function createHelpers(core: Core, clock: Clock, hello: Hello, outputs: Outputs, roster: Roster): Helpers {
  const helpers = new Map<string, { readonly owner: number; readonly done: HelperDone }>();
  const alarms = new Map<string, () => void>();
  const unborn = new Map<string, number>();
  let waiters: { readonly owner: number; readonly settled: () => void }[] = [];
  const left = new Set(hello.children.map(({ id }) => id).filter((id) => id.startsWith(`${NUMBER}.`)));
  // A new manager must not take the numbers of those that an old one has left running.
  let next =
    Math.max(Math.floor(clock.now()) % NUMBERS, ...[...left].map((id) => Number(id.slice(id.indexOf(".") + 1)) + 1)) %
    NUMBERS;
  const idOf = (child: number) => `${NUMBER}.${child}`;
  const born = (id: string) => {
    alarms.get(id)?.();
    alarms.delete(id);
    if (!unborn.delete(id) || waiters.length === 0) return;
    const due = waiters.filter(({ owner }) => ![...unborn.values()].includes(owner));
    waiters = waiters.filter((waiter) => !due.includes(waiter));
    for (const { settled } of due) settled();
  };
  const start = (owner: number, request: SpawnRequest, done: HelperDone): Helper => {
    const child = next;
    next = (next + 1) % NUMBERS;
    helpers.set(idOf(child), { owner, done });
    unborn.set(idOf(child), owner);
    core.spawn(idOf(child), owner, request);
    return { child, kill: () => core.kill(idOf(child), SIGKILL, true) };
  };
  const ended = (id: string, exit: Exit | null) => {
    const helper = helpers.get(id);
    helpers.delete(id);
    born(id);
    helper?.done(exit);
    return helper !== undefined;
  };
  return {
    run(runner, program, done) {
      const streams = outputs.streams(runner, roster.get(`${runner.name}/log`)?.number ?? null);
      // What a check prints is for nobody, as sv has it: a service that is long in coming would fill its own log.
      const own = program.role === "check" ? { ...streams, input: "null" as const, output: "null" as const } : streams;
      const helper = start(runner.number, spawnRequest(runner.spec, program, own), done);
      const id = idOf(helper.child);
      const giveUp = () => {
        helper.kill();
        ended(id, null);
      };
      if (program.role === "control") alarms.set(id, clock.at(clock.now() + BEGINS_WITHIN, giveUp));
      return helper;
    },
    runAlone(spec, done) {
      const streams = { input: "null", output: "inherit", error: "inherit" } as const;
      return start(NUMBERS, spawnRequest(spec, { role: "main" }, streams), done).kill;
    },
    adopt(runner, child, done) {
      if (!left.has(idOf(child))) return false;
      helpers.set(idOf(child), { owner: runner.number, done });
      return true;
    },
    isHelper: (id) => helpers.has(id),
    began(id) {
      const owner = helpers.get(id)?.owner;
      // After its pid is noted.
      queueMicrotask(() => born(id));
      return owner;
    },
    awaits(owner, settled) {
      const isAwaited = [...unborn.values()].includes(owner);
      if (isAwaited) waiters.push({ owner, settled });
      return isAwaited;
    },
    ended,
  };
}
