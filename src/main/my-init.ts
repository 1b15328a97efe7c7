// An image laid out as baseimage-docker has it: startup files before the services, hooks around their stop, and one
// environment for all. docs/others.md tells what differs from its my_init.
import { monotonic } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import { exitText, shellCode } from "../base/exit.ts";
import type { Core, Hello } from "../channel/core.ts";
import { inspectRun } from "../config/run-file.ts";
import type { Defaults } from "../config/settings.ts";
import type { Voice } from "../log/voice.ts";
import type { Manager } from "../manager/manager.ts";
import type { Runner } from "../manager/runner.ts";
import type { Interlude } from "../manager/shutdown.ts";
import { type Env, wholeEnvironment } from "../process/environ.ts";
import { globalDefaults } from "../spec/keys.ts";
import type { ServiceSpec, Settings } from "../spec/spec.ts";
import { createContainerEnvironment } from "./container-env.ts";
import { createHooks, executablesIn, isExecutable } from "./hooks.ts";
import { fixedSpec } from "./main-command.ts";
import type { Compat } from "./words.ts";
import type { World } from "./world.ts";

const MEMORY_KEY = "my-init";
const RC_LOCAL = "/etc/rc.local";
const INSECURE_KEY = "/usr/sbin/enable_insecure_key";
const PRE_SHUTDOWN = "/etc/my_init.pre_shutdown.d";
const POST_SHUTDOWN = "/etc/my_init.post_shutdown.d";
/** What my_init itself waits for a process, and at the end for all of them, where no variable says otherwise. */
const PATIENCE_SECONDS = 5;
/** As a shell has it for a program that is there and cannot be run. */
const NOT_EXECUTED = 126;
const SECONDS_MOST = 86_400;

export interface MyInitParts {
  readonly core: Core;
  readonly hello: Hello;
  readonly world: World;
  readonly options: Compat;
  readonly manager: () => Manager;
  readonly voice: Voice;
  /** Ends everything. */
  readonly stop: (code: number, why: string) => void;
}

export interface MyInit {
  /** The settings and defaults with what the layout and its variables say of them. */
  settle<C extends { readonly settings: Settings; readonly defaults: Defaults }>(config: C): C;
  /** Runs the startup files that have not been run; false if it came to a stop instead. */
  startUp(): Promise<boolean>;
  /** True once services may be started, if there are to be any. */
  scans(): boolean;
  /** A service has changed its state. */
  changed(runner: Runner): void;
  /** What the main command is given. */
  forMain(): Partial<ServiceSpec>;
  /** After the main command and before the services. */
  readonly before: Interlude;
  /** After the services and their loggers. */
  readonly after: Interlude;
  /** What the hooks have failed with; 0 if they have not. */
  failure(): number;
  /** For what is left of other processes at the end, in milliseconds. */
  readonly strayGrace: number;
}

/** Why nothing can be applied. */
export const notNow: Problem = {
  severity: "error",
  where: "apply",
  text: "startup files still run, or --skip-runit leaves the services out",
};

interface Memory {
  readonly started: boolean;
  /** The files that were run, hooks included. */
  readonly ran: readonly string[];
}

const asleep: Memory = { started: false, ran: [] };

function decode(text: string | undefined): Memory {
  try {
    const { started, ran } = JSON.parse(text ?? "{}") as Partial<Memory>;
    return { started: started === true, ran: Array.isArray(ran) ? ran.map(String) : [] };
  } catch {
    return asleep; // not ours: everything is run again
  }
}

/** The layout of one image. */
export function createMyInit(parts: MyInitParts): MyInit {
  const { core, hello, world, options, manager, voice } = parts;
  const inherited: Env = wholeEnvironment(hello.corePid) ?? new Map(Object.entries(world.env) as [string, string][]);
  const warn = (text: string) => voice.warn(text);
  let memory = decode(hello.blobs.get(MEMORY_KEY));
  const isExported = memory.started || memory.ran.length > 0;
  const environment = createContainerEnvironment(inherited, isExported, warn);
  let failure = 0;
  let awaited: { readonly name: string; readonly settled: (runner: Runner) => void } | null = null;

  const remember = (change: Partial<Memory>) => {
    memory = { ...memory, ...change };
    core.remember(MEMORY_KEY, JSON.stringify(memory));
  };
  const seconds = (name: string): number => {
    const text = inherited.get(name);
    if (text === undefined || text === "") return PATIENCE_SECONDS;
    if (/^\d{1,5}$/.test(text)) return Math.min(Number(text), SECONDS_MOST);
    warn(`${name}: cannot use ${JSON.stringify(text.slice(0, 60))}: not a number of seconds`);
    return PATIENCE_SECONDS;
  };
  const patience = seconds("KILL_PROCESS_TIMEOUT") * 1000;
  const strayGrace = seconds("KILL_ALL_PROCESSES_TIMEOUT") * 1000;

  const commandOf = (path: string): [string, ...string[]] => {
    // Its start will fail, and say why.
    if (!isExecutable(path)) return [path];
    const file = inspectRun(path, path);
    if (file.kind === "program") return [path];
    warn(file.kind === "shell-text" ? file.advice : file.fault);
    return file.kind === "shell-text" ? ["/bin/sh", path] : [path];
  };
  const specOf = (path: string): ServiceSpec => {
    const base = path.slice(path.lastIndexOf("/") + 1).replace(/[\s,/\p{Cc}]/gu, "_");
    return fixedSpec(`init:${base}`, commandOf(path), world.cwd, {
      type: "oneshot",
      // What it leaves running, a daemon of its own making, lives until everything ends.
      stopScope: "process",
      stopGrace: patience,
      log: "inherit",
      env: environment.differences(),
    });
  };
  const startupFiles = (): string[] => {
    if (memory.started) return [];
    const directory = inherited.get("ENV_INIT_DIRECTORY") || "/etc/my_init.d";
    return [
      ...(options.enableInsecureKey ? [INSECURE_KEY] : []),
      ...(options.skipStartupFiles ? [] : [...executablesIn(directory), ...[RC_LOCAL].filter(isExecutable)]),
    ];
  };
  /** Runs one to its end; false where it failed, or where everything stops. */
  const runOne = async (path: string): Promise<boolean> => {
    const spec = specOf(path);
    const settled = new Promise<Runner>((resolve) => {
      awaited = { name: spec.name, settled: resolve };
    });
    const there = manager().roster.get(spec.name);
    if (there === undefined) manager().add(spec);
    else changed(there);
    const runner = await settled;
    awaited = null;
    const { state } = runner;
    if (state.phase === "done") {
      remember({ ran: [...memory.ran, path] });
      manager().remove(spec.name);
      return true;
    }
    if (state.phase !== "failed" || manager().isStopping()) return false;
    const exit = state.last?.exit ?? null;
    const how = exit === null ? (state.last?.reason ?? "it could not be started") : exitText(exit);
    parts.stop(exit === null ? NOT_EXECUTED : shellCode(exit), `${path} has failed: ${how}`);
    return false;
  };
  const changed = (runner: Runner) => {
    const { phase } = runner.state;
    if (runner.name === awaited?.name && (phase === "done" || phase === "failed" || phase === "down"))
      if (phase !== "down" || manager().isStopping()) awaited.settled(runner);
  };

  const hooks = (directory: string): Interlude =>
    createHooks({
      clock: monotonic,
      files: () => (memory.started && !options.skipRunit ? executablesIn(directory) : []).filter(isNew),
      run: (path, done) => manager().help(specOf(path), done),
      say: (level, text) => voice[level](text),
      begun: (path) => remember({ ran: [...memory.ran, path] }),
      failed: (code) => {
        failure ||= code;
      },
    });
  const isNew = (path: string) => !memory.ran.includes(path);

  return {
    settle(config) {
      const { settings, defaults } = config;
      const isSaid = inherited.has("KILL_PROCESS_TIMEOUT") || inherited.has("KILL_ALL_PROCESSES_TIMEOUT");
      // Whoever gives the processes more time has told the engine too: first the command, then services, then the rest.
      const wanted = 2 * patience + strayGrace;
      const isFree = isSaid && settings.stopBudget === globalDefaults.stopBudget;
      const isQuiet = options.quiet && settings.logLevel === globalDefaults.logLevel;
      return {
        ...config,
        settings: {
          ...settings,
          stopBudget: isFree ? Math.max(settings.stopBudget, wanted) : settings.stopBudget,
          logLevel: isQuiet ? ("warn" as const) : settings.logLevel,
        },
        defaults: {
          ...defaults,
          values: { stopGrace: patience, ...defaults.values },
          source: { "stop-grace": "KILL_PROCESS_TIMEOUT", ...defaults.source },
          environment: environment.differences(),
        },
      };
    },
    async startUp() {
      if (!isExported) environment.exportFirst();
      for (const path of startupFiles().filter(isNew)) {
        if (manager().isStopping()) return false;
        if (!(await runOne(path))) return false;
        environment.importAgain();
      }
      remember({ started: true });
      return true;
    },
    scans: () => memory.started && !options.skipRunit,
    changed,
    forMain: () => ({ env: environment.differences(), stopGrace: patience }),
    before: hooks(PRE_SHUTDOWN),
    after: hooks(POST_SHUTDOWN),
    failure: () => failure,
    strayGrace,
  };
}
