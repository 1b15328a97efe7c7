// The set of services and everything that happens to it: facts of the core in, requests out. It must survive any
// service's mistake; what it cannot do it says, and goes on.
import type { Clock } from "../base/clock.ts";
import { type Exit, shellCode } from "../base/exit.ts";
import { signalName } from "../base/signals.ts";
import type { Core, Hello, Listener } from "../channel/core.ts";
import type { VoiceFields, VoiceLevel } from "../log/voice.ts";
import { failureText, type Program, spawnRequest } from "../process/spawn.ts";
import { initial } from "../service/machine.ts";
import type { Cause, Event, Report, State } from "../service/model.ts";
import { reportText } from "../service/report-text.ts";
import { differences } from "../spec/differences.ts";
import type { ServiceSpec, Settings } from "../spec/spec.ts";
import { createDoctor } from "./doctor.ts";
import { createLeftovers, type Leftovers } from "./leftovers.ts";
import type { Outputs } from "./outputs.ts";
import { createReadiness } from "./readiness.ts";
import { decodeServices, encodeHouse, encodeSpec, HOUSE_KEY, type House, specKey } from "./remembered.ts";
import { createRoster, isAtRest, type Roster } from "./roster.ts";
import { Runner, type Surroundings, stateKey } from "./runner.ts";

/** What is told to whoever watches a service. */
export interface Happening {
  readonly runner: Runner;
  /** `state`, `removed`, or what a report is called. */
  readonly event: string;
  readonly text: string;
}

export interface ManagerParts {
  readonly core: Core;
  readonly clock: Clock;
  readonly hello: Hello;
  readonly house: House;
  readonly pid: number;
  readonly outputs: Outputs;
  readonly settings: () => Settings;
  readonly say: (level: VoiceLevel, text: string, fields?: VoiceFields) => void;
  readonly happened: (happening: Happening) => void;
  /** A signal to the supervisor, by number; acknowledged by the caller. */
  readonly signalled: (serial: string, signal: number, from: { readonly pid: number; readonly uid: number }) => void;
  /** The final end of a critical service. */
  readonly fatal: (runner: Runner, code: number, why: string) => void;
  /** Something was reaped or has changed its state; a shutdown looks on. */
  readonly progress: () => void;
  readonly listening: (path: string, errno: number) => void;
}

export interface Manager extends Listener {
  readonly roster: Roster;
  readonly leftovers: Leftovers;
  /** Takes over what an earlier manager left: its services, their processes and what was under way. */
  resume(): void;
  /** A new service; it is started unless it is marked down. */
  add(spec: ServiceSpec): void;
  /** Its definition has changed; with `restarts` a new process takes it up where one is needed. Answers which keys differ. */
  change(runner: Runner, spec: ServiceSpec, restarts: boolean): readonly string[];
  /** Stops it and forgets it. */
  remove(name: string): void;
  /** Remembers what is true of the whole, in one frame with the acknowledgment of `serial` if there is one. */
  remember(stop: House["stop"], serial?: string): void;
  /** What the doctor found, or why it waits: one sentence or null. */
  why(runner: Runner): string | null;
}

// Checks run under numbers that no service has; a new manager must not take the numbers of the old one's.
const HELPERS = 0;

/** The manager of one core. */
export function createManager(parts: ManagerParts): Manager {
  const { core, clock, hello, outputs, say } = parts;
  const roster = createRoster();
  const byNumber = new Map<number, Runner>();
  const leaving = new Set<Runner>();
  const programs = new Map<string, { readonly runner: Runner; readonly program: Program }>();
  const helpers = new Map<string, (exit: Exit | null) => void>();
  const leftovers = createLeftovers(core, hello, parts.pid, (name) => roster.get(name)?.number ?? null);
  const doctor = createDoctor({ clock, leftovers, say, changed: (runner) => publish(runner, "state", "") });
  let { nextNumber, stop } = parts.house;
  let nextHelper = Math.floor(clock.now()) % 0x7fffffff;
  let haveOrphansGone = false;

  const loggerNumber = (runner: Runner): number | null => roster.get(`${runner.name}/log`)?.number ?? null;
  const publish = (runner: Runner, event: string, text: string) => parts.happened({ runner, event, text });

  const readiness = createReadiness({
    clock,
    run(runner, done) {
      const id = `${HELPERS}.${nextHelper}`;
      nextHelper = (nextHelper + 1) % 0x7fffffff;
      helpers.set(id, done);
      core.spawn(id, runner.number, spawnRequest(runner.spec, { role: "check" }, outputs.streams(runner, loggerNumber(runner))));
      return () => core.kill(id, 9, true);
    },
  });

  const surroundings: Surroundings = {
    core,
    clock,
    isClear: (runner) => stop !== null || roster.blocked(runner) === null,
    spawn(runner, id, program) {
      programs.set(id, { runner, program });
      core.spawn(id, runner.number, spawnRequest(runner.spec, program, outputs.streams(runner, loggerNumber(runner))));
    },
    sweep(runner) {
      const strays = leftovers.of(runner);
      doctor.saw(runner, strays);
      return { left: strays.length, signal: (signal) => leftovers.signal(strays, signal) };
    },
    watchReady: (runner, on) => readiness.watch(runner, on),
    closeInput: (runner) => outputs.closeInput(runner.number),
    changed(runner, before) {
      if (before.phase !== runner.state.phase || before.want !== runner.state.want) publish(runner, "state", "");
      doctor.changed(runner, before);
      roster.changed(runner, before);
      settle(runner, before);
      parts.progress();
    },
    reported(runner, report) {
      const text = reportText(runner.name, report);
      say(levelOf(report), text, { service: runner.name });
      publish(runner, report.what, text);
      if (report.what === "ended" || report.what === "stopped") outputs.ended(runner);
    },
  };

  /** What an end means beyond the service: a critical one takes everything with it, a removed one is forgotten. */
  const settle = (runner: Runner, before: State) => {
    const { state, spec } = runner;
    if (!isAtRest(state) || state.phase === before.phase) return;
    if (leaving.has(runner)) return forget(runner);
    const isFinal = state.phase === "failed" || state.phase === "done";
    if (spec.critical && isFinal && stop === null) {
      const exit = state.last?.exit ?? null;
      const code = exit === null ? 111 : shellCode(exit);
      parts.fatal(runner, code, `${runner.name} is critical and has ended`);
    }
  };

  const forget = (runner: Runner) => {
    leaving.delete(runner);
    runner.dispose();
    roster.remove(runner.name);
    byNumber.delete(runner.number);
    doctor.forget(runner);
    core.forget(stateKey(runner.name));
    core.forget(specKey(runner.name));
    outputs.removed(runner);
    publish(runner, "removed", `${runner.name} is removed`);
    const logger = roster.get(`${runner.name}/log`);
    if (logger !== undefined) dismiss(logger, true);
  };

  const dismiss = (runner: Runner, eof: boolean) => {
    leaving.add(runner);
    if (isAtRest(runner.state) && runner.state.phase !== "backoff") return forget(runner);
    roster.end(runner, { type: "stop", cause: "removed", grace: null, eof });
  };

  const enter = (spec: ServiceSpec, number: number, state: State): Runner => {
    const runner = new Runner(spec, number, state, surroundings);
    roster.add(runner);
    byNumber.set(number, runner);
    return runner;
  };

  const rememberSpec = (runner: Runner) => core.remember(specKey(runner.name), encodeSpec(runner.spec, runner.number));

  const addOne = (spec: ServiceSpec): Runner => {
    const number = nextNumber++;
    const runner = enter(spec, number, initial(clock.now(), number));
    core.remember(HOUSE_KEY, encodeHouse({ nextNumber, stop }));
    rememberSpec(runner);
    return runner;
  };

  const runnerOf = (id: string): Runner | undefined => byNumber.get(Number(id.slice(0, id.indexOf("."))));
  const childOf = (id: string): number => Number(id.slice(id.indexOf(".") + 1));

  return {
    roster,
    leftovers,
    add(spec) {
      if (spec.logger !== null) roster.start(addOne(spec.logger), false);
      const runner = addOne(spec);
      publish(runner, "state", "");
      if (!spec.down && stop === null) roster.start(runner, false);
    },
    change(runner, spec, restarts) {
      const { keys, needsRestart } = differences(runner.spec, spec);
      const logger = roster.get(`${runner.name}/log`);
      if (spec.logger !== null && logger === undefined) roster.start(addOne(spec.logger), false);
      if (spec.logger !== null && logger !== undefined) this.change(logger, spec.logger, restarts);
      if (keys.length === 0) return keys;
      runner.spec = spec;
      rememberSpec(runner);
      roster.reindex();
      outputs.changed(runner);
      if (spec.logger === null && logger !== undefined) dismiss(logger, true);
      const isRunning = !isAtRest(runner.state);
      if (restarts && needsRestart && isRunning) roster.end(runner, { type: "restart", cause: "changed" });
      // What it waited for may be another thing now.
      else if (runner.state.phase === "waiting" && roster.blocked(runner) === null) runner.send({ type: "clear" });
      publish(runner, "state", "");
      return keys;
    },
    remove(name) {
      const runner = roster.get(name);
      if (runner !== undefined && !leaving.has(runner)) dismiss(runner, false);
    },
    remember(begun, serial) {
      stop = begun;
      if (stop !== null) roster.freeze();
      const blob = encodeHouse({ nextNumber, stop });
      if (serial === undefined) core.remember(HOUSE_KEY, blob);
      else core.ack(serial, HOUSE_KEY, blob);
    },
    why: (runner) => (runner.state.phase === "waiting" ? roster.blocked(runner) : doctor.finding(runner)),
    resume() {
      const known = new Set(hello.children.map((child) => child.id));
      for (const { spec, number, state } of decodeServices(hello.blobs)) enter(spec, number, state);
      for (const { id, pid } of hello.children) {
        const runner = runnerOf(id);
        if (runner !== undefined) leftovers.began(pid, runner.number);
        // A check of the earlier manager: nobody waits for it any more.
        else core.kill(id, 9, true);
      }
      if (stop !== null) roster.freeze();
      for (const runner of roster.all()) outputs.streams(runner, loggerNumber(runner));
      for (const runner of [...roster.all()]) runner.resume((child) => known.has(runner.id(child)));
    },
    hello: () => {},
    spawned(id, pid) {
      const runner = runnerOf(id);
      if (helpers.has(id)) leftovers.began(pid, HELPERS);
      if (runner === undefined) return;
      leftovers.began(pid, runner.number);
      runner.send({ type: "spawned", child: childOf(id), pid });
    },
    failed(id, step, errno) {
      const helper = helpers.get(id);
      helpers.delete(id);
      if (helper !== undefined) return helper(null);
      const runner = runnerOf(id);
      const program = programs.get(id)?.program ?? { role: "main" };
      programs.delete(id);
      if (runner === undefined) return;
      const reason = doctor.explain(runner, program, errno) ?? failureText(runner.spec, program, step, errno);
      runner.send({ type: "unspawned", child: childOf(id), reason });
    },
    exited(serial, id, pid, exit) {
      leftovers.ended(pid);
      programs.delete(id);
      const helper = helpers.get(id);
      const runner = runnerOf(id);
      if (helper !== undefined || runner === undefined) {
        core.ack(serial);
        helpers.delete(id);
        helper?.(exit);
        return;
      }
      runner.fact(serial, { type: "exited", child: childOf(id), exit });
    },
    orphans(count, some) {
      leftovers.stale();
      haveOrphansGone = true;
      if (count > some.length || some.length > 0) say("debug", `reaped ${count} adopted ${count === 1 ? "process" : "processes"}`, { count });
    },
    signal(serial, signal, pid, uid) {
      say("info", `received ${signalName(signal)}${pid > 0 ? ` from pid ${pid} (uid ${uid})` : ""}`, { signal });
      parts.signalled(serial, signal, { pid, uid });
    },
    notified(id) {
      runnerOf(id)?.send({ type: "ready" });
    },
    readable: (tags) => outputs.readable(tags),
    piped: (tag, errno) => outputs.piped(tag, errno),
    listening: (path, errno) => parts.listening(path, errno),
    turn() {
      if (!haveOrphansGone) return;
      haveOrphansGone = false;
      for (const runner of roster.all())
        if (runner.state.phase === "sweeping") runner.send({ type: "swept", left: leftovers.of(runner).length });
      parts.progress();
    },
  };
}

const levels: { readonly [W in Report["what"]]?: VoiceLevel } = {
  unstartable: "error",
  ended: "warn",
  killed: "warn",
  leftovers: "warn",
  unfinished: "warn",
  "gave-up": "error",
  ready: "debug",
  stopping: "debug",
};

function levelOf(report: Report): VoiceLevel {
  if (report.what === "ended" && !report.failure) return "info";
  return levels[report.what] ?? "info";
}

/** The event for a stop that somebody asked for. */
export const stopEvent = (cause: Cause): Event => ({ type: "stop", cause, grace: null, eof: false });

