// One service: its mailbox, its timer and its effects. It decides nothing; the machine does.
import type { Clock } from "../base/clock.ts";
import type { Exit } from "../base/exit.ts";
import type { Core } from "../channel/core.ts";
import { encode } from "../service/blob.ts";
import { deadlineOf, step } from "../service/machine.ts";
import type { Effect, Event, Report, State } from "../service/model.ts";
import { resume } from "../service/resume.ts";
import type { ServiceSpec } from "../spec/spec.ts";

/** What a runner needs of the house around it. None of these may send to the same runner before it returns. */
export interface Surroundings {
  readonly core: Core;
  readonly clock: Clock;
  /** True if all that the service waits for is there. */
  isClear(runner: Runner): boolean;
  /** Starts one of its programs under this number. */
  spawn(
    runner: Runner,
    child: number,
    program: { role: "main" | "pre" | "undo" } | { role: "finish"; exit: Exit },
  ): void;
  /** Counts what is left of it; the returned function signals that. Null: it is counted and signalled later. */
  sweep(runner: Runner, signal: number): { readonly left: number; readonly signal: () => void } | null;
  /** Signals one of its processes, or with `group` its group. */
  kill(runner: Runner, child: number, signal: number, group: boolean): void;
  watchReady(runner: Runner, on: boolean): void;
  closeInput(runner: Runner): void;
  /** Its main process has ended: its output is complete. */
  ended(runner: Runner): void;
  /** Its state has changed from `before`, and is remembered. */
  changed(runner: Runner, before: State): void;
  reported(runner: Runner, report: Report): void;
}

/** The key of a service's state in the core's memory. */
export const stateKey = (name: string): string => `state:${name}`;

/** Nothing is to be forgotten. */
const nothing = () => {};

interface Letter {
  readonly event: Event;
  readonly serial: string | null;
}

const NEVER_MADE = "the manager ended before it was started";
const isEnd = ({ what }: Report): boolean => what === "ended" || what === "stopped";

/** Owns one service from its first start to its removal. */
export class Runner {
  spec: ServiceSpec;
  /** Names the service to the core; no other service ever has it. */
  readonly number: number;
  /** Which of its processes has ended last; null before the first, and after a change of the manager. */
  lastPid: number | null = null;
  #state: State;
  readonly #house: Surroundings;
  readonly #mailbox: Letter[] = [];
  #isBusy = false;
  #requests: (() => void)[] = [];
  #isStart = false;
  #reports: Report[] = [];
  #forgetAlarm: () => void = nothing;
  #alarmAt = Number.POSITIVE_INFINITY;
  #isGone = false;

  constructor(spec: ServiceSpec, number: number, state: State, house: Surroundings) {
    this.spec = spec;
    this.number = number;
    this.#state = state;
    this.#house = house;
  }

  get name(): string {
    return this.spec.name;
  }

  get state(): State {
    return this.#state;
  }

  /** The core's name for one of its processes. */
  id(child: number): string {
    return `${this.number}.${child}`;
  }

  /** Takes an event; it is stepped before this returns, unless a step is under way. */
  send(event: Event): void {
    this.#take(event, null);
  }

  /** Takes a fact of the core, which is acknowledged together with the state that it led to. */
  fact(serial: string, event: Event): void {
    this.#take(event, serial);
  }

  /** Events wait until `resume`: before that it does not know what is still to be asked for. */
  hold(): void {
    this.#isBusy = true;
  }

  /** Carries on from a remembered state: asks again for what may not have been done, and sets its timer. */
  resume(isKnown: (child: number) => boolean): void {
    this.#isBusy = true;
    const before = this.#state;
    this.#perform(resume(this.spec, before, isKnown));
    this.#commit(before, null, true);
    this.#isBusy = false;
    const { state } = this;
    // Its process was never made, and nobody will tell of its end.
    if (state.phase === "stopping" && state.pid === 0 && !isKnown(state.child))
      this.#take({ type: "unspawned", child: state.child, reason: NEVER_MADE, ended: true }, null);
    else this.#drain();
  }

  /** After the last step: no timer of it fires any more. */
  dispose(): void {
    this.#isGone = true;
    this.#forgetAlarm();
  }

  #take(event: Event, serial: string | null): void {
    const letter = { event, serial };
    // Most are alone, and need no mailbox: it would keep room for many more.
    const isAlone = !this.#isBusy && this.#mailbox.length === 0;
    if (!isAlone) this.#mailbox.push(letter);
    if (!this.#isBusy) this.#drain(isAlone ? letter : undefined);
  }

  #drain(first: Letter | undefined = undefined): void {
    this.#isBusy = true;
    try {
      for (let item = first ?? this.#mailbox.shift(); item !== undefined; item = this.#mailbox.shift()) {
        const before = this.#state;
        this.#step(item.event);
        this.#commit(before, item.serial, false);
      }
    } finally {
      // Also where a mistake of ours ends it: the service must not be deaf for ever.
      this.#isBusy = false;
    }
  }

  /** An effect's outcome is stepped before the next queued event. */
  #step(event: Event): void {
    const [next, effects] = step(this.spec, this.#state, event, this.#house.clock.now());
    this.#state = next;
    this.#perform(effects);
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      const outcome = this.#do(effect);
      if (outcome !== null) this.#step(outcome);
    }
  }

  /** What the core is asked for waits until the state is remembered: a manager that dies in between asks again. */
  #do(effect: Effect): Event | null {
    const later = (request: () => void) => void this.#requests.push(request);
    switch (effect.type) {
      case "gate":
        return this.#house.isClear(this) ? { type: "clear" } : null;
      case "spawn":
        this.#isStart = true;
        later(() => this.#house.spawn(this, effect.child, { role: effect.role }));
        return null;
      case "spawn-finish":
        later(() => this.#house.spawn(this, effect.child, { role: "finish", exit: effect.exit }));
        return null;
      case "spawn-undo":
        later(() => this.#house.spawn(this, effect.child, { role: "undo" }));
        return null;
      case "kill":
        later(() => this.#house.kill(this, effect.child, effect.signal, effect.group));
        return null;
      case "close-input":
        later(() => this.#house.closeInput(this));
        return null;
      case "sweep": {
        const found = this.#house.sweep(this, effect.signal);
        if (found !== null && found.left > 0 && effect.signal > 0) later(found.signal);
        return found === null ? null : { type: "swept", left: found.left };
      }
      case "watch-ready":
        later(() => this.#house.watchReady(this, effect.on));
        return null;
      case "report":
        this.#reports.push(effect.report);
        return null;
    }
  }

  #commit(before: State, serial: string | null, always: boolean): void {
    const { core } = this.#house;
    const hasChanged = always || before !== this.#state;
    if (serial !== null) core.ack(serial, stateKey(this.name), encode(this.#state));
    else if (hasChanged) core.remember(stateKey(this.name), encode(this.#state));
    const requests = this.#requests;
    const isStart = this.#isStart;
    this.#isStart = false;
    const reports = this.#reports;
    this.#requests = [];
    this.#reports = [];
    // The last words of one process come before the next one is asked for; what people read of it comes after.
    if (reports.some(isEnd)) this.#house.ended(this);
    for (const request of requests) request();
    // A start does not wait for what else the turn has to do, nor do a thousand signals for the last of them.
    core.hasten(isStart);
    for (const report of reports) this.#house.reported(this, report);
    if (hasChanged) {
      this.#arm();
      this.#house.changed(this, before);
    }
  }

  #arm(): void {
    const at = deadlineOf(this.#state);
    if (at === this.#alarmAt || this.#isGone) return;
    this.#forgetAlarm();
    this.#alarmAt = at;
    this.#forgetAlarm = nothing;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#forgetAlarm = this.#house.clock.at(at, () => {
      this.#alarmAt = Number.POSITIVE_INFINITY;
      this.#forgetAlarm = nothing;
      this.send({ type: "timeout" });
    });
  }
}
