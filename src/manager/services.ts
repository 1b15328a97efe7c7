// The set of services: how one comes, changes and goes, and what the house around its runner does for it.
import { type Exit, executionCode, shellCode } from "../base/exit.ts";
import type { Core, Hello } from "../channel/core.ts";
import { spawnRequest } from "../process/spawn.ts";
import { encode } from "../service/blob.ts";
import { initial } from "../service/machine.ts";
import type { State } from "../service/model.ts";
import { reportText } from "../service/report-text.ts";
import type { Differences } from "../spec/differences.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { createChange } from "./change.ts";
import type { Controls } from "./controls.ts";
import { createDepartures, type Departures } from "./departures.ts";
import { createDoctor, type Doctor, type DoctorParts } from "./doctor.ts";
import type { Helpers } from "./helpers.ts";
import type { Outputs } from "./outputs.ts";
import { decodeLetGo, decodeServices, encodeHouse, encodeSpec, HOUSE_KEY, type House, specKey } from "./remembered.ts";
import { levelOf } from "./report-level.ts";
import { isAtRest, type Roster } from "./roster.ts";
import { Runner, type Surroundings, stateKey } from "./runner.ts";
import type { Supervise } from "./supervise.ts";
import { createSweeps, type Sweeps } from "./sweeps.ts";

/** What is told to whoever watches a service. */
export interface Happening {
  readonly runner: Runner;
  /** `state`, `removed`, or what a report is called. */
  readonly event: string;
  /** Empty where the status says it all. */
  readonly text: string;
}

export interface ServicesParts extends Omit<DoctorParts, "changed"> {
  readonly core: Core;
  readonly hello: Hello;
  readonly house: House;
  readonly roster: Roster;
  readonly outputs: Outputs;
  readonly controls: Controls;
  readonly supervise: Supervise;
  readonly helpers: Helpers;
  /** Runs its check until it is ready, or no more. */
  readonly watchReady: (runner: Runner, on: boolean) => void;
  readonly happened: (happening: Happening) => void;
  /** The final end of a critical service. */
  readonly fatal: (code: number, why: string) => void;
  /** A state has changed; a shutdown looks on. */
  readonly progress: (runner: Runner) => void;
}

export interface Services
  extends Pick<Departures, "letGo" | "keep" | "refuse" | "isLeaving" | "isLetGo" | "letGoes" | "recall"> {
  readonly doctor: Doctor;
  /** A new service; it is started unless it is marked down. */
  add(spec: ServiceSpec): void;
  /** Its definition has changed; with `restarts` a new process takes it up where one is needed. Answers what differs. */
  change(runner: Runner, spec: ServiceSpec, restarts: boolean): Differences;
  /** Stops it and forgets it, whatever was asked of it. */
  remove(name: string): void;
  /** The ordered stop has begun. */
  isStopping(): boolean;
  /** Takes over what an earlier manager left: its services, their processes and what was under way. */
  resume(): void;
  /** Remembers what is true of the whole, in one frame with the acknowledgment of `serial` if there is one. */
  remember(stop: House["stop"], serial?: string): void;
  /** The service that a child belongs to, by the core's name for the child; or the one of this number. */
  runnerOf(id: string): Runner | undefined;
  numbered(number: number): Runner | undefined;
  readonly recount: Sweeps["recount"];
  /** The errno with which the program of a service could not be executed. */
  readonly unexecuted: Map<Runner, number>;
}

const NUMBERS_AHEAD = 1000;

/** The services of one manager. */
export function createServices(parts: ServicesParts): Services {
  const { core, clock, roster, leftovers, outputs, controls, supervise, say } = parts;
  const byNumber = new Map<number, Runner>();
  const unexecuted = new Map<Runner, number>();
  let { nextNumber, stop } = parts.house;
  // Numbers are set aside many at a time: a thousand new services need not be a thousand words about the house.
  let reserved = nextNumber;
  const houseBlob = () => {
    reserved = nextNumber + NUMBERS_AHEAD;
    return encodeHouse({ nextNumber: reserved, stop });
  };
  const rememberHouse = () => core.remember(HOUSE_KEY, houseBlob());

  const publish = (runner: Runner, event: string, text: string) => parts.happened({ runner, event, text });
  const doctor = createDoctor({ ...parts, changed: (runner) => publish(runner, "state", "") });
  const loggerOf = (runner: Runner) => roster.get(`${runner.name}/log`);

  const sweeps = createSweeps(leftovers, parts.helpers, doctor);

  const surroundings: Surroundings = {
    core,
    clock,
    isClear: (runner) => roster.blocked(runner) === null,
    spawn(runner, child, program: { role: "main" | "pre" | "undo" } | { role: "finish"; exit: Exit }) {
      const begin = () => {
        const streams = outputs.streams(runner, loggerOf(runner)?.number ?? null);
        const whole = program.role === "finish" ? { ...program, pid: runner.lastPid } : program;
        core.spawn(runner.id(child), runner.number, spawnRequest(runner.spec, whole, streams));
      };
      const start = () => {
        if (program.role !== "main" || !controls.defers(runner, child, begin)) begin();
      };
      if (!supervise.defers(runner, child, start)) start();
    },
    kill: controls.kill,
    sweep: sweeps.sweep,
    watchReady: parts.watchReady,
    closeInput: (runner) => outputs.closeInput(runner.number),
    changed(runner, before) {
      if (before.phase !== runner.state.phase || before.want !== runner.state.want) publish(runner, "state", "");
      controls.changed(runner);
      supervise.changed(runner, false);
      doctor.changed(runner, before);
      roster.changed(runner, before);
      settle(runner, before);
      parts.progress(runner);
    },
    ended: (runner) => outputs.ended(runner),
    reported(runner, report) {
      const text = reportText(runner.name, report);
      say(levelOf(report), text, { service: runner.name });
      publish(runner, report.what, text);
    },
  };

  /** What an end means beyond the service: a critical one takes everything with it, a removed one is forgotten. */
  const settle = (runner: Runner, before: State) => {
    const { state, spec } = runner;
    if (!isAtRest(state) || state.phase === before.phase) return;
    if (departures.settled(runner)) return;
    const isFinal = state.phase === "failed" || state.phase === "done";
    if (!spec.critical || !isFinal || stop !== null) return;
    const exit = state.last?.exit ?? null;
    const code = exit === null ? executionCode(unexecuted.get(runner)) : shellCode(exit);
    parts.fatal(code, `${runner.name} ${spec.foreground ? "has ended" : "is critical and has ended"}`);
  };
  const departures = createDepartures({
    core,
    roster,
    outputs,
    doctor,
    rememberSpec: (runner) => rememberSpec(runner),
    forgotten(runner) {
      byNumber.delete(runner.number);
      unexecuted.delete(runner);
      controls.forget(runner);
      supervise.leave(runner);
    },
    removed: (runner) => publish(runner, "removed", `${runner.name} is removed`),
    letGo: decodeLetGo(parts.hello.blobs),
  });
  const { dismiss, isLeaving } = departures;
  const enter = (spec: ServiceSpec, number: number, state: State): Runner => {
    const runner = new Runner(spec, number, state, surroundings);
    roster.add(runner);
    byNumber.set(number, runner);
    return runner;
  };
  const rememberSpec = (runner: Runner) =>
    core.remember(specKey(runner.name), encodeSpec(runner.spec, runner.number, isLeaving(runner)));
  const addOne = (spec: ServiceSpec, starts: boolean): Runner => {
    const number = nextNumber++;
    const runner = enter(spec, number, initial(clock.now(), number));
    if (nextNumber > reserved) rememberHouse();
    rememberSpec(runner);
    supervise.enter(runner);
    if (starts) roster.start(runner, false);
    // Without a state the next manager would not know it, and make another one of it.
    else core.remember(stateKey(runner.name), encode(runner.state));
    return runner;
  };
  const runnerOf = (id: string) => byNumber.get(Number(id.slice(0, id.indexOf("."))));
  const change = createChange({
    roster,
    outputs,
    watchReady: parts.watchReady,
    rememberSpec,
    addOne,
    dismiss,
    publish,
  });
  return {
    ...departures,
    doctor,
    unexecuted,
    runnerOf,
    recount: sweeps.recount,
    numbered: (number) => byNumber.get(number),
    change(runner, spec, restarts) {
      // Who goes has no use for it; and once everything stops nothing is started again.
      return isLeaving(runner) || stop !== null ? { keys: [], needsRestart: false } : change(runner, spec, restarts);
    },
    isStopping: () => stop !== null,
    add(spec) {
      if (stop !== null) return;
      departures.recall(spec.name);
      if (spec.logger !== null) addOne(spec.logger, true);
      publish(addOne(spec, !spec.down), "state", "");
    },
    remove(name) {
      const runner = roster.get(name);
      departures.recall(name);
      if (runner !== undefined && !isLeaving(runner)) dismiss(runner, false);
    },
    remember(begun, serial) {
      stop = begun;
      if (stop !== null) roster.freeze();
      if (serial === undefined) rememberHouse();
      else core.ack(serial, HOUSE_KEY, houseBlob());
    },
    resume() {
      const known = new Set(parts.hello.children.map((child) => child.id));
      for (const { spec, number, state, ...was } of decodeServices(parts.hello.blobs)) {
        const runner = enter(spec, number, state);
        runner.hold();
        if (was.leaving) departures.wasLeaving(runner);
        if (was.putOff !== null) roster.putOff(runner, was.putOff);
        controls.takeOver(runner);
        supervise.enter(runner);
      }
      for (const { id, pid } of parts.hello.children) {
        const runner = runnerOf(id);
        if (runner !== undefined) leftovers.began(pid, runner.number);
        // A check of the earlier manager: nobody waits for it any more.
        else if (!parts.helpers.isHelper(id)) core.kill(id, 9, true);
      }
      if (stop !== null) roster.freeze();
      outputs.takeOver([...roster.all()].map((runner) => [runner, loggerOf(runner)?.number ?? null]));
      // One that has been forgotten meanwhile, with the service that it wrote the log of, is to stay forgotten.
      for (const runner of [...roster.all()])
        if (roster.get(runner.name) === runner) runner.resume((child) => known.has(runner.id(child)));
      if (stop !== null) return;
      roster.release();
      for (const runner of departures.leaving())
        if (isAtRest(runner.state)) dismiss(runner, runner.spec.loggerOf !== null);
    },
  };
}
