// A kernel and a core in one, small and moody: it carries out what the machine asks for, late and out of turn where
// the real ones may, and complains of whatever could not be asked of a real one.
import { expect } from "vitest";
import { decode, encode } from "../../../src/service/blob.ts";
import { deadlineOf, initial, step } from "../../../src/service/machine.ts";
import type { Effect, Event, Role, State } from "../../../src/service/model.ts";
import type { ServiceSpec } from "../../../src/spec/spec.ts";

/** A number in [0, 1): the same sequence for the same seed (mulberry32's mixing, by other constants). */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

interface Process {
  readonly child: number;
  readonly role: Role;
  readonly stubborn: boolean;
  alive: boolean;
}

/** What outlived a main process: ends by TERM, by KILL only, or not at all. */
type Stray = "meek" | "stubborn" | "immortal";

export class Kernel {
  now = 0;
  state: State;
  process: Process | null = null;
  strays: Stray[] = [];
  /** Facts that are on their way, oldest first. */
  pending: Event[] = [];

  readonly spec: ServiceSpec;
  readonly roll: () => number;

  constructor(spec: ServiceSpec, roll: () => number) {
    this.spec = spec;
    this.roll = roll;
    this.state = initial(0, Math.floor(roll() * 2 ** 32));
  }

  chance(share: number): boolean {
    return this.roll() < share;
  }

  /** Steps one event, on a state that has been through the core's memory. */
  feed(event: Event): void {
    const remembered = decode(encode(this.state));
    expect(remembered).toEqual(this.state);
    const [state, effects] = step(this.spec, remembered as State, event, this.now);
    this.state = state;
    for (const effect of effects) this.carryOut(effect);
  }

  /** Delivers the oldest fact on its way; false if there is none. */
  deliver(): boolean {
    const fact = this.pending.shift();
    if (fact !== undefined) this.feed(fact);
    return fact !== undefined;
  }

  /** Lets time pass, but not beyond the deadline; there `timeout` is due. */
  pass(ms: number): void {
    const deadline = deadlineOf(this.state);
    this.now = Math.max(this.now, Math.min(this.now + ms, deadline));
    if (this.now >= deadline) this.feed({ type: "timeout" });
  }

  /** The process ends, leaving what it likes. */
  die(exit: { code: number } | { signal: number }): void {
    const { process } = this;
    if (process === null || !process.alive) return;
    process.alive = false;
    for (let n = Math.floor(this.roll() * 3); n > 0 && this.chance(0.4); n--) {
      this.strays.push(this.chance(0.6) ? "meek" : this.chance(0.8) ? "stubborn" : "immortal");
    }
    this.pending.push({ type: "exited", child: process.child, exit });
  }

  private spawn(child: number, role: Role): void {
    expect(this.process?.alive ?? false, "two live processes of one service").toBe(false);
    expect(child, "a child's number used again").toBeGreaterThan(this.process?.child ?? 0);
    this.process = { child, role, stubborn: this.chance(0.2), alive: !this.chance(0.1) };
    if (this.process.alive) this.pending.push({ type: "spawned", child, pid: 1000 + child });
    else this.pending.push({ type: "unspawned", child, reason: "no such file" });
  }

  private carryOut(effect: Effect): void {
    switch (effect.type) {
      case "gate":
        if (this.chance(0.8)) this.pending.push({ type: "clear" });
        break;
      case "spawn":
        this.spawn(effect.child, effect.role);
        break;
      case "spawn-finish":
        this.spawn(effect.child, "finish");
        break;
      case "spawn-undo":
        this.spawn(effect.child, "undo");
        break;
      case "kill":
        expect(effect.child, "a signal to a process of the past").toBe(this.process?.child);
        if (effect.signal === 9 || (effect.signal === 15 && !this.process?.stubborn))
          this.die({ signal: effect.signal });
        break;
      case "close-input":
        if (!this.process?.stubborn) this.die({ code: 0 });
        break;
      case "sweep": {
        const { signal } = effect;
        this.strays = this.strays.filter((stray) => stray === "immortal" || (stray === "stubborn" && signal !== 9));
        this.pending.unshift({ type: "swept", left: this.strays.length });
        break;
      }
      default:
    }
  }
}
