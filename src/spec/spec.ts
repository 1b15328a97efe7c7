import type { Ms } from "../base/clock.ts";

/** `service` is to stay up; `oneshot` is done when it has exited with a success code. */
export type ServiceType = "service" | "oneshot";

/** Which ends are answered with a restart. */
export type RestartPolicy = "always" | "on-failure" | "never";

/**
 * Whom a stop reaches first. `session`: the main process, then whatever is left of the service. `group`: the whole
 * process group at once, then the rest. `process`: the main process alone; survivors are left alone until shutdown.
 */
export type StopScope = "session" | "group" | "process";

/** Where a service's output goes (design: Output). `logger` is a `log/run` process, as runit has it; `file`: nowhere else. */
export type LogKind = "prefix" | "json" | "inherit" | "none" | "logger" | "file";

/** What `log` says: one kind, and a log directory beside it where `kind` is `prefix`, `json` or `file`. */
export interface LogTarget {
  readonly kind: LogKind;
  readonly dir: string | null;
}

/** A numeric identity, resolved from names when the specification was read. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, the primary one included; empty drops them all. */
  readonly groups: readonly number[];
  /** From the passwd entry; null where the uid has none. */
  readonly name: string | null;
  readonly home: string | null;
  readonly shell: string | null;
}

/** The resources whose limits a service may set (setrlimit(2) without RLIMIT_). */
export const limitNames = ["nofile", "core", "as", "nproc", "stack", "fsize", "cpu", "data", "rss", "memlock"] as const;
export type LimitName = (typeof limitNames)[number];

/** Soft and hard limit; null is unlimited. A hard one that is inherited bounds the soft one. */
export interface Limit {
  readonly soft: number | null;
  readonly hard: number | null | "inherited";
}

/** A file that the main process keeps locked; `waits` for whoever holds it, else that is a failed start. */
export interface Lock {
  /** Absolute or seen from the working directory. */
  readonly file: string;
  readonly waits: boolean;
}

/** The standard streams that a process may be started without, by their descriptors' numbers. */
export const streamNames = ["stdin", "stdout", "stderr"] as const;
export type StreamName = (typeof streamNames)[number];

/** Give up after `count` crashes within `within`; the service is then `failed`. */
export interface GiveUp {
  readonly count: number;
  readonly within: Ms;
}

/**
 * Everything upkeep knows about one service, whichever files it came from.
 *
 * Frozen once read: a changed file makes a new spec, never a changed one. How each field is spelled, its default and
 * its documentation stand in keys.ts.
 */
export interface ServiceSpec {
  /** Unique among all services; the logger of `web` is `web/log`. */
  readonly name: string;
  /** The service directory, absolute and not resolved; the working directory unless `dir` says otherwise. */
  readonly home: string;
  readonly type: ServiceType;
  /** The program and its arguments, run without a shell; a relative first word is looked up in `dir`, then in PATH. */
  readonly command: readonly [string, ...string[]];
  /** What the main process is told to be called, in the place of the first word of `command`; null is that word. */
  readonly argv0: string | null;
  /** The root directory of the main process, absolute; its `command`, `dir` and `lock` are within. Null has none of its own. */
  readonly root: string | null;
  /** The working directory. */
  readonly dir: string;
  /** Null keeps the supervisor's own identity. */
  readonly identity: Identity | null;
  readonly umask: number | null;
  /** Null keeps the inherited one. */
  readonly nice: number | null;
  readonly limits: Readonly<Partial<Record<LimitName, Limit>>>;
  readonly lock: Lock | null;
  /** Standard streams that the main process does not have. */
  readonly close: readonly StreamName[];
  /** Differences to the container's environment: a value sets, null removes. `env-dir`, `env/`, `env` and `env-user` end here. */
  readonly env: Readonly<Record<string, string | null>>;
  readonly after: readonly string[];
  readonly requires: readonly string[];
  readonly wants: readonly string[];
  /** The descriptor on which the service writes a newline when it is ready; null has no such descriptor. */
  readonly notifyFd: number | null;
  /** An executable `check` in the service directory: it is ready once this exits 0; null has none. */
  readonly check: string | null;
  /** From spawn to ready; longer is a failed start. `Infinity` waits for ever. */
  readonly startTimeout: Ms;
  /** Alive for this long is ready, where neither `notifyFd` nor `check` says so. */
  readonly settle: Ms;
  /** Run to its end before each start; anything but exit 0 is a failed start. */
  readonly startPre: readonly [string, ...string[]] | null;
  /** An executable `finish` in the service directory, run after each end of the main process. */
  readonly finish: string | null;
  /** From the start of `finish` to SIGKILL; `Infinity` waits for ever. */
  readonly finishTimeout: Ms;
  /** Run when a oneshot that is done is stopped: the `down` of s6-rc. Null has nothing to undo. */
  readonly undo: readonly [string, ...string[]] | null;
  /** `finish` gets the arguments that s6 gives, and its exit code 125 is a permanent failure; else as runsv has it. */
  readonly isS6: boolean;
  readonly restart: RestartPolicy;
  readonly restartDelay: Ms;
  readonly restartDelayMax: Ms;
  /** Up for this long forgets earlier crashes. */
  readonly stable: Ms;
  /** Exit codes that are no failure. */
  readonly successCodes: readonly number[];
  /** Null never gives up. */
  readonly giveUp: GiveUp | null;
  readonly stopSignal: number;
  readonly stopScope: StopScope;
  /** From the stop signal to SIGKILL; `Infinity` never kills (the shutdown's budget still does). */
  readonly stopGrace: Ms;
  /** Its final end stops the container, with its exit code. */
  readonly critical: boolean;
  readonly log: LogKind;
  /** The log directory that its output is written to, absolute; null has none. */
  readonly logDir: string | null;
  /** A time stamp before each line, for `prefix` and in the log directory. */
  readonly logTimestamps: boolean;
  /** Longer lines go on in marked pieces. */
  readonly logLineMax: number;
  /** Not started at boot: there is a file `down`. */
  readonly down: boolean;
  /** The logger of this service (`log/run`), a service of its own; null has none. */
  readonly logger: ServiceSpec | null;
  /** For a logger: the service whose output it reads; null for all others. */
  readonly loggerOf: string | null;
  /** The command after `--`: it has the supervisor's own session, terminal and standard streams. */
  readonly foreground: boolean;
  /** It has no service directory: it came with the command line, or with the layout of an image. */
  readonly fixed: boolean;
  /** File and line of each key that was set: "/etc/service/db/service.ini:7". */
  readonly source: Readonly<Record<string, string>>;
}

/** What holds for the whole supervisor: `/etc/upkeep.ini`, `-c FILE` and the environment. */
export interface Settings {
  /** From the stop request to the last SIGKILL. Also `UPKEEP_STOP_BUDGET`. Default 9 s, under Docker's 10. */
  readonly stopBudget: Ms;
  /** Signals that stop, besides TERM, INT, QUIT, PWR and RTMIN+3. */
  readonly stopOn: readonly number[];
  /** Signals handed on to a service: its name by signal number. */
  readonly forward: Readonly<Record<number, string>>;
  /** Null looks for one. */
  readonly runtimeDir: string | null;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** The group that may use the control socket (mode 0660); null is the owner alone (0600). */
  readonly controlGroup: number | null;
}
