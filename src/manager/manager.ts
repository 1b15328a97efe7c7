// Everything that the core tells, brought to whom it concerns. It must survive any service's mistake; what it cannot
// do it says, and goes on.
import type { Clock } from "../base/clock.ts";
import type { Exit } from "../base/exit.ts";
import { signalName } from "../base/signals.ts";
import type { Core, Hello, Listener } from "../channel/core.ts";
import type { VoiceFields, VoiceLevel } from "../log/voice.ts";
import { failureText, type Program } from "../process/spawn.ts";
import { whereabouts } from "../process/whereabouts.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { type Controls, createControls } from "./controls.ts";
import { createHelpers } from "./helpers.ts";
import { createLeftovers, type Leftovers } from "./leftovers.ts";
import type { Outputs } from "./outputs.ts";
import { isPatient } from "./patience.ts";
import type { Disks } from "./reach.ts";
import { createReadiness } from "./readiness.ts";
import { encodePutOff, type House, putOffKey } from "./remembered.ts";
import { createRoster, type Roster } from "./roster.ts";
import type { Runner } from "./runner.ts";
import { createServices, type Happening, type Services } from "./services.ts";
import { createSupervise, type Supervise } from "./supervise.ts";

export interface ManagerParts extends Disks {
  readonly core: Core;
  readonly clock: Clock;
  readonly hello: Hello;
  readonly house: House;
  readonly pid: number;
  readonly outputs: Outputs;
  readonly say: (level: VoiceLevel, text: string, fields?: VoiceFields) => void;
  readonly happened: (happening: Happening) => void;
  /** A signal to the supervisor, by number; acknowledged by the caller. `what` names it and, where one sent it, the process. */
  readonly signalled: (serial: string, signal: number, what: string) => void;
  /** The final end of a critical service. */
  readonly fatal: (code: number, why: string) => void;
  /** Something was reaped or has changed its state; a shutdown looks on. */
  readonly progress: (runner: Runner | null) => void;
  readonly listening: (path: string, errno: number) => void;
  /** A letter for this service has come by its `control`; acknowledged once `done` is called. */
  readonly letter: (runner: Runner, letter: string, done: () => void) => void;
  /** Somebody else has the lock of its supervise directory at `path`. */
  readonly refused: (runner: Runner, path: string, mayRun: boolean) => void;
  /** A place for the supervise directory of this service where its own cannot be written to; null is none. */
  readonly fallback: (name: string, home: string) => string | null;
}

export interface Manager
  extends Listener,
    Pick<
      Services,
      | "add"
      | "change"
      | "remove"
      | "isLeaving"
      | "isStopping"
      | "resume"
      | "remember"
      | "letGo"
      | "refuse"
      | "isLetGo"
      | "keep"
      | "letGoes"
      | "recall"
    > {
  readonly roster: Roster;
  readonly leftovers: Leftovers;
  /** Runs a program that is no service's, on upkeep's own streams; `done` hears null where it could not be started. */
  help(spec: ServiceSpec, done: (exit: Exit | null) => void): () => void;
  readonly controls: Controls;
  readonly supervise: Supervise;
  /** All that boots is started: what had to wait until then is done. */
  begin(): void;
  /** What the doctor found, or why it waits: one sentence or null. */
  why(runner: Runner): string | null;
}

/** The manager of one core. */
export function createManager(parts: ManagerParts): Manager {
  const { core, clock, hello, outputs, say } = parts;
  const roster = createRoster((name, event) => {
    if (event === null) core.forget(putOffKey(name));
    else core.remember(putOffKey(name), encodePutOff(event));
    const runner = roster.get(name);
    if (runner !== undefined) supervise.changed(runner, true);
  });
  const leftovers = createLeftovers(core, hello, parts.pid, (name) => roster.get(name)?.number ?? null);
  const childOf = (id: string): number => Number(id.slice(id.indexOf(".") + 1));
  const helpers = createHelpers(core, clock, hello, outputs, roster);
  const controls = createControls({
    core,
    hello,
    helpers,
    looks: parts.looks,
    say,
    termed: (runner) => supervise.changed(runner, true),
    restart: (runner) => roster.end(runner, { type: "restart", cause: "request", patient: isPatient(runner.spec) }),
  });
  const supervise = createSupervise({
    core,
    clock,
    hello,
    say,
    looks: parts.looks,
    find: (path, names) => whereabouts(path, names, parts.mounts.isLocal),
    outside: (runner) => ({
      leaves: services.isLeaving(runner),
      ends: roster.ends(runner),
      gotTerm: controls.gotTerm(runner),
    }),
    fallback: parts.fallback,
    refused: parts.refused,
  });
  const readiness = createReadiness({
    clock,
    run: (runner, done) => helpers.run(runner, { role: "check" }, done).kill,
  });
  let haveOrphansGone = false;

  const services = createServices({
    ...parts,
    roster,
    leftovers,
    controls,
    supervise,
    helpers,
    watchReady: (runner, on) => readiness.watch(runner, on),
  });
  const { doctor, runnerOf } = services;

  return {
    ...services,
    roster,
    leftovers,
    controls,
    supervise,
    why: (runner) => (runner.state.phase === "waiting" ? roster.blocked(runner) : doctor.finding(runner)),
    begin: supervise.begin,
    help: helpers.runAlone,
    hello: () => {},
    spawned(id, pid) {
      const runner = runnerOf(id);
      // What a check leaves behind is its service's.
      leftovers.began(pid, runner?.number ?? helpers.began(id) ?? 0);
      runner?.send({ type: "spawned", child: childOf(id), pid });
    },
    failed(id, step, errno) {
      const runner = runnerOf(id);
      if (helpers.ended(id, null) || runner === undefined) return;
      const program = programOf(runner);
      if (step === "exec") services.unexecuted.set(runner, errno);
      doctor.explain(runner, program, errno, (better) => {
        const reason = better ?? failureText(runner.spec, program, step, errno);
        runner.send({ type: "unspawned", child: childOf(id), reason, ended: step === "ended" });
      });
    },
    exited(serial, id, pid, exit) {
      const runner = runnerOf(id);
      leftovers.ended(pid);
      if (runner !== undefined) {
        runner.lastPid = pid;
        return runner.fact(serial, { type: "exited", child: childOf(id), exit });
      }
      helpers.ended(id, exit);
      core.ack(serial);
    },
    letter(serial, number, letter) {
      const runner = services.numbered(number);
      if (runner === undefined) core.ack(serial);
      else parts.letter(runner, letter, () => core.ack(serial));
    },
    inscribed: supervise.inscribed,
    supervised(...told) {
      if (!outputs.locked(told[0], told[1], told[2], told[3])) supervise.supervised(...told);
    },
    orphans(count) {
      leftovers.stale();
      haveOrphansGone = true;
      say("debug", `reaped ${count} adopted ${count === 1 ? "process" : "processes"}`, { count });
    },
    signal(serial, signal, pid, uid) {
      parts.signalled(serial, signal, `${signalName(signal)}${pid > 0 ? ` from pid ${pid} (uid ${uid})` : ""}`);
    },
    notified(id) {
      const runner = runnerOf(id);
      // Not of the next process what an earlier one, or whoever it left its descriptor to, says late.
      if (runner !== undefined && "child" in runner.state && runner.state.child === childOf(id))
        runner.send({ type: "ready" });
    },
    readable: (tags) => outputs.readable(tags),
    piped: (tag, errno) => outputs.piped(tag, errno),
    listening: (path, errno) => parts.listening(path, errno),
    turn() {
      leftovers.stale();
      if (!haveOrphansGone) return;
      haveOrphansGone = false;
      for (const runner of roster.all()) services.recount(runner, 0);
      parts.progress(null);
    },
  };
}

/** What its newest process was to run. */
function programOf({ spec, state }: Runner): Program {
  if (state.phase === "preparing" || (state.phase === "stopping" && state.preparing)) return { role: "pre" };
  if (state.phase === "finishing" && spec.undo !== null) return { role: "undo" };
  if (state.phase === "finishing" && state.last?.exit != null) return { role: "finish", exit: state.last.exit };
  return { role: "main" };
}
