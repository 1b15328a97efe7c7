// The foreground doctor: why a program that seems right does not stay, and the one change that mends it.
import { basename } from "node:path";
import type { Clock, Ms } from "../base/clock.ts";
import { readWhole } from "../config/read-file.ts";
import { inspectRun } from "../config/run-file.ts";
import type { VoiceFields, VoiceLevel } from "../log/voice.ts";
import type { Stray } from "../process/census.ts";
import { childrenOf, processOf } from "../process/proc.ts";
import { commandOf, errnoName, type Program } from "../process/spawn.ts";
import type { State } from "../service/model.ts";
import { foreground } from "./foreground.ts";
import type { Leftovers } from "./leftovers.ts";
import type { Runner } from "./runner.ts";

const shells: ReadonlySet<string> = new Set(["sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"]);
/** A main process that has left others behind within this time has probably put itself in the background. */
const AT_ONCE: Ms = 5000;
/** A longer script is a program, and needs no advice. */
const SCRIPT_MOST = 64 * 1024;
/** When a shell that is still there is looked at. */
const LATER: Ms = 2000;

export interface DoctorParts {
  readonly clock: Clock;
  readonly leftovers: Leftovers;
  readonly say: (level: VoiceLevel, text: string, fields?: VoiceFields) => void;
  /** A finding has come or gone. */
  readonly changed: (runner: Runner) => void;
}

export interface Doctor {
  /** Its main process has ended, and left these. */
  saw(runner: Runner, strays: readonly Stray[]): void;
  changed(runner: Runner, before: State): void;
  /** A better reason for a start that failed with this errno; null if the errno says it all. */
  explain(runner: Runner, program: Program, errno: number): string | null;
  /** What was found, for the status. */
  finding(runner: Runner): string | null;
  forget(runner: Runner): void;
}

/** One sentence per service and finding, said once. */
export function createDoctor({ clock, leftovers, say, changed }: DoctorParts): Doctor {
  const findings = new Map<Runner, string>();
  const timers = new Map<Runner, () => void>();

  const find = (runner: Runner, text: string) => {
    if (findings.get(runner) === text) return;
    findings.set(runner, text);
    say("warn", `${runner.name}: ${text}`, { service: runner.name });
    changed(runner);
  };
  const examine = (runner: Runner, pid: number) => {
    const { state } = runner;
    if (!("pid" in state) || state.pid !== pid) return;
    const process = processOf(pid);
    if (process === null || !shells.has(process.comm)) return;
    const children = childrenOf(pid) ?? [];
    const child = children.length === 1 && children[0] !== undefined ? processOf(children[0]) : null;
    // A child that is a shell itself, or a pause of a loop, is a script at work.
    if (child === null || shells.has(child.comm) || child.comm === "sleep") return;
    // Only a shell that waits for its last command: one that will go on needs to stay.
    if (!isLastCommand(runner, child.comm)) return;
    find(
      runner,
      `run stays a shell (pid ${pid}) above ${child.comm}, and signals reach the shell alone; write "exec ${child.comm} ..." as the last line of ${commandOf(runner.spec, { role: "main" }).at(-1)}`,
    );
  };

  return {
    saw(runner, strays) {
      const { state } = runner;
      const [first] = strays;
      const { last } = state;
      if (first === undefined || last?.exit == null || !("code" in last.exit) || last.exit.code !== 0) return;
      if (state.want === "down" || runner.spec.type === "oneshot") return;
      const name =
        strays.find(({ process }) => foreground[process.comm] !== undefined)?.process.comm ?? first.process.comm;
      const flag = foreground[name];
      find(
        runner,
        `its main process ended with exit 0 and left ${name} (pid ${first.process.pid}) in the background; ` +
          (flag === undefined ? `keep ${name} in the foreground, most daemons have an option for it` : `use ${flag}`),
      );
    },
    changed(runner, before) {
      const { state } = runner;
      if (state.phase !== "up" && state.phase !== "starting") {
        timers.get(runner)?.();
        timers.delete(runner);
        return;
      }
      if (state.phase === "up" && before.phase !== "up") clearLater(runner);
      if (state.pid === 0 || timers.has(runner)) return;
      const { pid } = state;
      timers.set(
        runner,
        clock.at(clock.now() + LATER, () => examine(runner, pid)),
      );
    },
    explain(runner, program, errno) {
      const path = commandOf(runner.spec, program)[0] ?? "";
      if (!path.startsWith("/") || !["ENOENT", "ENOEXEC", "EACCES"].includes(errnoName(errno))) return null;
      const file = inspectRun(path, basename(path));
      return file.kind === "broken" || file.kind === "incomplete" ? file.fault : null;
    },
    finding: (runner) => findings.get(runner) ?? null,
    forget(runner) {
      timers.get(runner)?.();
      timers.delete(runner);
      findings.delete(runner);
    },
  };

  /** A service that has stayed up for a while needs no advice on staying. */
  function clearLater(runner: Runner): void {
    const text = findings.get(runner);
    if (text === undefined || leftovers.of(runner).length > 0) return;
    clock.at(clock.now() + AT_ONCE, () => {
      if (runner.state.phase !== "up" || findings.get(runner) !== text || text.startsWith("run stays")) return;
      findings.delete(runner);
      changed(runner);
    });
  }
}

/** True if the script's last command line begins with this program. */
function isLastCommand(runner: Runner, comm: string): boolean {
  const file = readWhole(commandOf(runner.spec, { role: "main" }).at(-1) ?? "", SCRIPT_MOST);
  const lines = file.ok ? file.bytes.toString("latin1").split("\n") : [];
  const line = lines.map((text) => text.trim()).findLast((text) => text !== "" && !text.startsWith("#")) ?? "";
  const word = line.replace(/^(\w+=\S*\s+)*/, "").split(/\s+/)[0] ?? "";
  return basename(word).slice(0, 15) === comm;
}
