// A manager over a core that only writes down what it is asked for, and that outlives the manager.
import type { Core, Hello, Stream } from "../../../src/channel/core.ts";
import type { Looks } from "../../../src/manager/looks.ts";
import { createManager, type Manager, type ManagerParts } from "../../../src/manager/manager.ts";
import type { Outputs } from "../../../src/manager/outputs.ts";
import type { Reach } from "../../../src/manager/reach.ts";
import { decodeHouse } from "../../../src/manager/remembered.ts";
import type { State } from "../../../src/service/model.ts";
import type { ServiceSpec } from "../../../src/spec/spec.ts";
import { fakeClock } from "../log/fakes.ts";

const NOBODY = 2 ** 22 + 1;

/** A core of the imagination: its memory, its children by id, what it was asked for. */
export function imaginaryCore() {
  const blobs = new Map<string, string>();
  const children = new Map<string, number>();
  const asked: string[] = [];
  let pid = 100;
  let serial = 0;
  const core = {
    spawn(id: string) {
      asked.push(`spawn ${id}`);
      children.set(id, pid++);
    },
    kill: (id: string, signal: number) => asked.push(`kill ${id} ${signal}`),
    remember: (key: string, blob: string) => blobs.set(key, blob),
    forget: (key: string) => blobs.delete(key),
    hasten() {},
    supervise() {},
    offer() {},
    release() {},
    ack(_serial: string, key?: string, blob?: string) {
      if (key !== undefined && blob !== undefined) blobs.set(key, blob);
    },
  } as unknown as Core;
  return { core, blobs, children, asked, serial: () => String(serial++) };
}

const stream: Stream = "null";
const outputs = {
  streams: () => ({ input: stream, output: stream, error: stream }),
  takeOver: () => {},
  changed: () => {},
  ended: () => {},
  removed: () => {},
  closeInput: () => {},
} as unknown as Outputs;

/** Where every file system answers. */
export const anywhere: Reach = {
  isSure: () => true,
  isSureAt: () => true,
  ask: (_path, done) => done(true),
  onReturn() {},
};

/** One manager of an imaginary core; another one over the same core has taken over from it. */
export function house(world = imaginaryCore(), clock = fakeClock(), onRemoved = () => {}) {
  const { core, blobs, children, asked } = world;
  const hello: Hello = {
    corePid: NOBODY,
    isPid1: false,
    instance: 1,
    children: [...children].map(([id, pid]) => ({ id, pid, notified: false, executed: true })),
    pipes: [],
    directories: [],
    blobs: new Map(blobs),
  };
  const fatal: string[] = [];
  const removed: string[] = [];
  // There is nothing to be seen on its disk.
  const looks: Looks = { look: (_path, done) => done(null), ask: (_point, done) => done(true), onReturn() {} };
  const parts: ManagerParts = {
    mounts: { isLocal: () => true, pointOf: (path) => path, now: () => new Map() },
    looks,
    reach: anywhere,
    core,
    clock,
    hello,
    house: decodeHouse(hello.blobs),
    pid: NOBODY,
    outputs,
    say: () => {},
    happened: ({ runner, event }) => {
      if (event !== "removed") return;
      removed.push(runner.name);
      onRemoved();
    },
    signalled: () => {},
    fatal: (code, why) => fatal.push(`${code} ${why}`),
    progress: () => {},
    listening: () => {},
    letter: () => {},
    refused: () => {},
    fallback: () => null,
  };
  const manager: Manager = createManager(parts);
  manager.resume();
  const runner = (name: string) => {
    const found = manager.roster.get(name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  const state = (name: string): State => runner(name).state;
  const current = (name: string) => {
    const now = state(name);
    if (!("child" in now)) throw new Error(`${name} is ${now.phase}`);
    return runner(name).id(now.child);
  };
  return {
    manager,
    world,
    clock,
    asked,
    fatal,
    removed,
    state,
    phase: (name: string) => manager.roster.get(name)?.state.phase ?? null,
    /** Its process is there, and has settled. */
    up(name: string) {
      const id = current(name);
      manager.spawned(id, children.get(id) ?? 0);
    },
    /** Its process ends. */
    die(name: string, exit: { code: number } | { signal: number } = { signal: 15 }) {
      const id = current(name);
      const pid = children.get(id) ?? 0;
      children.delete(id);
      manager.exited(world.serial(), id, pid, exit);
    },
    /** This manager is no more; the next one. */
    takenOver: () => house(world, clock),
    spawns: (name: string) => asked.filter((word) => word.startsWith(`spawn ${runner(name).number}.`)).length,
  };
}

export type House = ReturnType<typeof house>;

/** Adds it and brings it up. */
export function addUp({ manager, up }: House, spec: ServiceSpec): void {
  manager.add(spec);
  up(spec.name);
}
