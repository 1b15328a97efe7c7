// The foreground doctor: why a program that seems right does not stay, and the one change that mends it.
import { existsSync } from "node:fs";
import { basename } from "node:path";
import type { Clock, Ms } from "../base/clock.ts";
import { createDelay } from "../base/delay.ts";
import { quoted } from "../base/words.ts";
import { inspectRun } from "../config/run-file.ts";
import type { VoiceFields, VoiceLevel } from "../log/voice.ts";
import type { Stray } from "../process/census.ts";
import { argumentsOf } from "../process/proc.ts";
import { commandOf, errnoName, type Program } from "../process/spawn.ts";
import type { State } from "../service/model.ts";
import { foreground } from "./foreground.ts";
import { idleShell, isShell } from "./idle-shell.ts";
import type { Leftovers } from "./leftovers.ts";
import type { Reach } from "./reach.ts";
import type { Runner } from "./runner.ts";

/** A main process that has left others behind within this time has probably put itself in the background. */
const AT_ONCE: Ms = 5000;
/** When a shell that is still there is looked at. */
const LATER: Ms = 2000;

export interface DoctorParts {
  readonly clock: Clock;
  readonly leftovers: Leftovers;
  readonly reach: Reach;
  readonly say: (level: VoiceLevel, text: string, fields?: VoiceFields) => void;
  /** A finding has come or gone. */
  readonly changed: (runner: Runner) => void;
}

export interface Doctor {
  /** Its main process has ended, and left these. */
  saw(runner: Runner, strays: readonly Stray[]): void;
  changed(runner: Runner, before: State): void;
  /** Tells a better reason for a start that failed with this errno; null if the errno says it all. */
  explain(runner: Runner, program: Program, errno: number, done: (reason: string | null) => void): void;
  /** What was found, for the status. */
  finding(runner: Runner): string | null;
  forget(runner: Runner): void;
}

interface Finding {
  /** The same key is the same finding; its text may name another pid. */
  readonly key: string;
  readonly text: string;
  /** True if it holds for as long as the service stays up. */
  readonly stays: boolean;
}

/** One sentence per service and finding, said once. */
export function createDoctor({ clock, leftovers, reach, say, changed }: DoctorParts): Doctor {
  const findings = new Map<Runner, Finding>();
  const began = new Map<Runner, Ms>();
  // Those whose present process is to be looked at, or was.
  const known = new Set<Runner>();

  const find = (runner: Runner, finding: Finding) => {
    const isKnown = findings.get(runner)?.key === finding.key;
    findings.set(runner, finding);
    if (isKnown) return;
    say("warn", `${runner.name}: ${finding.text}`, { service: runner.name });
    changed(runner);
  };
  const examine = (runner: Runner, pid: number) => {
    const { state } = runner;
    if (!("pid" in state) || state.pid !== pid) return;
    // The script of a shell beneath another root is not to be found by its name.
    const idle = runner.spec.root === null ? idleShell(pid, runner.spec.dir, reach.isSure) : null;
    if (idle === null) return noteShellText(runner);
    find(runner, {
      key: `exec ${idle.command}`,
      text:
        `its pid and its signals are those of a shell (pid ${pid}) that only waits for ${idle.command}; ` +
        `write exec before ${idle.command} in the last command of ${idle.script}`,
      stays: true,
    });
  };
  /** Said when the directory was read, so it is only kept for the status. */
  const noteShellText = (runner: Runner) => {
    const [shell, script] = runner.spec.command;
    if (shell !== "/bin/sh" || script === undefined || script !== runner.spec.source["command"]) return;
    if (!reach.isSure(script)) return;
    const file = inspectRun(script, basename(script));
    if (file.kind !== "shell-text" || findings.has(runner)) return;
    findings.set(runner, { key: "shell-text", text: file.advice, stays: true });
    changed(runner);
  };
  const later = createDelay(clock, LATER, (runner: Runner, pid: number) =>
    reach.ask(runner.spec.dir, (answers) => {
      if (answers) examine(runner, pid);
    }),
  );

  return {
    saw(runner, strays) {
      const { state } = runner;
      const [first] = strays;
      const { last } = state;
      if (first === undefined || last?.exit == null || !("code" in last.exit) || last.exit.code !== 0) return;
      if (state.want === "down" || runner.spec.type === "oneshot") return;
      if (clock.now() - (began.get(runner) ?? 0) > AT_ONCE) return;
      const known = strays.find(({ process }) => Object.hasOwn(foreground, process.comm)) ?? first;
      const { comm, pid } = known.process;
      const flag = Object.hasOwn(foreground, comm) ? foreground[comm] : undefined;
      // A fork of the script that has not become anything else yet; of one that has gone meanwhile its name is known.
      const [program] = argumentsOf(pid);
      const isScript = program === undefined ? comm === "run" || isShell(comm) : isShell(program);
      find(runner, {
        key: `background ${flag === undefined ? "" : comm}`,
        text:
          `its main process ended with exit 0 and left ${isScript ? "a process" : comm} (pid ${pid}) in the background; ` +
          (flag === undefined
            ? "keep it in the foreground: no & after it, and most daemons have an option for that"
            : `use ${flag}`),
        stays: false,
      });
    },
    changed(runner, before) {
      const { state } = runner;
      if (state.phase !== "up" && state.phase !== "starting") {
        known.delete(runner);
        return later.delete(runner);
      }
      if (state.phase === "up" && before.phase !== "up") clearLater(runner);
      if (state.pid === 0 || known.has(runner)) return;
      began.set(runner, clock.now());
      known.add(runner);
      later.add(runner, state.pid);
    },
    explain(runner, program, errno, done) {
      const path = commandOf(runner.spec, program)[0] ?? "";
      if (!["ENOENT", "ENOEXEC", "EACCES"].includes(errnoName(errno))) return done(null);
      reach.ask(path, (answers) => done(answers ? explain(runner, path) : null));
    },
    finding: (runner) => findings.get(runner)?.text ?? null,
    forget(runner) {
      later.delete(runner);
      known.delete(runner);
      findings.delete(runner);
      began.delete(runner);
    },
  };

  function explain({ spec }: Runner, path: string): string | null {
    // One word that holds a whole command line, as `CMD ["a && b"]` makes it.
    if (!existsSync(path) && spec.foreground && /[\s&|;$<>]/.test(path))
      return `there is no program ${quoted(path)}; a line for a shell is written "sh", "-c", ${quoted(path)}`;
    if (!path.startsWith("/") || !existsSync(path)) return null;
    const file = inspectRun(path, basename(path));
    return file.kind === "broken" || file.kind === "incomplete" ? file.fault : null;
  }

  /** A service that has stayed up for a while needs no advice on staying. */
  function clearLater(runner: Runner): void {
    const finding = findings.get(runner);
    if (finding === undefined || finding.stays || leftovers.of(runner).length > 0) return;
    clock.at(clock.now() + AT_ONCE, () => {
      if (runner.state.phase !== "up" || findings.get(runner) !== finding) return;
      findings.delete(runner);
      changed(runner);
    });
  }
}
