// Every key there is: how it is spelled, what it means, its default. Readers, `differences` and the reference follow it.
import type { Ms } from "../base/clock.ts";
import { type Kind, kinds } from "./kinds.ts";
import type {
  GiveUp,
  Limit,
  LimitName,
  LogTarget,
  RestartPolicy,
  ServiceSpec,
  ServiceType,
  Settings,
  StopScope,
  StreamName,
} from "./spec.ts";

/** What the keys of service.ini say, before accounts, paths and files are looked up; null is "not said". */
export interface ServiceValues {
  readonly command: readonly [string, ...string[]] | null;
  readonly argv0: string | null;
  readonly root: string | null;
  readonly dir: string | null;
  readonly user: string | null;
  readonly group: string | null;
  readonly groups: readonly string[] | null;
  readonly umask: number | null;
  readonly nice: number | null;
  readonly limits: Readonly<Partial<Record<LimitName, Limit>>>;
  readonly lock: string | null;
  readonly lockWait: boolean;
  readonly close: readonly StreamName[];
  readonly env: Readonly<Record<string, string>>;
  readonly envDir: string | null;
  readonly envUser: string | null;
  readonly after: readonly string[];
  readonly requires: readonly string[];
  readonly wants: readonly string[];
  readonly type: ServiceType;
  readonly startPre: readonly [string, ...string[]] | null;
  readonly notifyFd: number | null;
  readonly settle: Ms;
  readonly startTimeout: Ms;
  readonly restart: RestartPolicy | null;
  readonly restartDelay: Ms;
  readonly restartDelayMax: Ms;
  readonly stable: Ms;
  readonly successCodes: readonly number[];
  readonly giveUp: GiveUp | null;
  readonly critical: boolean;
  readonly stopSignal: number;
  readonly stopScope: StopScope;
  readonly stopGrace: Ms;
  readonly finishTimeout: Ms;
  readonly log: LogTarget | null;
  readonly logTimestamps: boolean;
  readonly logLineMax: number;
}

/** What the keys of the global configuration say. */
export interface GlobalValues extends Omit<Settings, "controlGroup"> {
  readonly controlGroup: string | null;
}

/** A row of the tables below. */
export interface Key<T> {
  readonly spelling: string;
  readonly kind: Kind<NonNullable<T>> | Kind<T>;
  /** As one would write it; null is said by `defaultText` instead. */
  readonly default: string | null;
  readonly defaultText?: string;
  /** One sentence. */
  readonly doc: string;
  readonly example: string;
  /** What other supervisors call it; a near miss that no count of letters would find. */
  readonly alias?: readonly string[];
}

export interface ServiceKey<T> extends Key<T> {
  readonly group: Group;
  readonly field: keyof ServiceSpec;
  /** True if a running process does not take it up: a change wants a restart. */
  readonly newProcess: boolean;
  /** True if it is one service's own: it is no default for all, or none for their loggers. */
  readonly own?: "service" | "logger";
}

/** The headings of the reference, in its order. */
export const groups = ["Process", "Order and readiness", "Restart", "Stop", "Output"] as const;
export type Group = (typeof groups)[number];

const main = { group: "Process", newProcess: true } as const;
const order = { group: "Order and readiness", newProcess: false, own: "logger" } as const;
const restart = { group: "Restart", newProcess: false } as const;
const stop = { group: "Stop", newProcess: false } as const;
const output = { group: "Output", newProcess: false } as const;
const nothing = { default: null, defaultText: "none" } as const;

// biome-ignore format: a table
export const serviceKeys: { readonly [F in keyof ServiceValues]: ServiceKey<ServiceValues[F]> } = {
  command: { ...main, spelling: "command", field: "command", kind: kinds.command, default: null, defaultText: "the file `run`", own: "service",
    doc: "The program and its arguments, started without a shell; quotes and backslashes work as in one, nothing is expanded.", example: "nginx -g 'daemon off;'", alias: ["exec", "run", "execstart", "cmd"] },
  argv0: { ...main, spelling: "argv0", field: "argv0", kind: kinds.text, default: null, defaultText: "the first word of `command`", own: "service",
    doc: "What the program is told to be called, where it goes by that.", example: "-sh" },
  root: { ...main, spelling: "root", field: "root", kind: kinds.path, default: null, defaultText: "upkeep's own", own: "service",
    doc: "The root directory (chroot) of the main process; a relative one starts at the service directory. `command`, `dir` and `lock` are looked for inside, accounts and `env-dir` outside; `start-pre`, `check` and `finish` stay outside, in the service directory. Only root can change it.", example: "/srv/jail", alias: ["chroot", "rootdirectory"] },
  dir: { ...main, spelling: "dir", field: "dir", kind: kinds.path, default: null, defaultText: "the service directory",
    doc: "The working directory; a relative one starts at the service directory. With `root` it is within that, and `/` is where it starts.", example: "/srv/app", alias: ["directory", "cwd", "workingdirectory", "chdir"] },
  user: { ...main, spelling: "user", field: "identity", kind: kinds.account, default: null, defaultText: "upkeep's own",
    doc: "Whom it runs as, `user` or `user:group`; `HOME`, `USER`, `LOGNAME` and `SHELL` follow unless `env` sets them.", example: "www-data", alias: ["uid", "run-as"] },
  group: { ...main, spelling: "group", field: "identity", kind: kinds.account, default: null, defaultText: "that of `user`",
    doc: "The primary group; a user that has no entry in /etc/passwd gets the group of the same number.", example: "adm", alias: ["gid"] },
  groups: { ...main, spelling: "groups", field: "identity", kind: kinds.accounts, default: null, defaultText: "those of `user`",
    doc: "The supplementary groups beside the primary one, instead of those in /etc/group; nothing after the `=` drops them all.", example: "ssl-cert, adm", alias: ["supplementarygroups"] },
  umask: { ...main, spelling: "umask", field: "umask", kind: kinds.umask, default: null, defaultText: "inherited",
    doc: "The permissions that new files do not get.", example: "027" },
  nice: { ...main, spelling: "nice", field: "nice", kind: kinds.nice, default: null, defaultText: "inherited",
    doc: "The scheduling priority; a higher number yields to others.", example: "10", alias: ["priority"] },
  limits: { ...main, spelling: "limits", field: "limits", kind: kinds.limits, default: "", defaultText: "inherited",
    doc: "Resource limits (`nofile`, `core`, `as`, `nproc`, `stack`, `fsize`, `cpu`, `data`, `rss`, `memlock`; `memory` for `data`, `stack`, `memlock` and `as`), soft and hard; with `SOFT:inherited`, and `memory=SOFT`, the hard one stays and bounds the soft one; also a section `[limits]`.", example: "nofile=1024:4096 core=unlimited", alias: ["rlimits", "ulimit"] },
  lock: { ...main, ...nothing, spelling: "lock", field: "lock", kind: kinds.path, own: "service",
    doc: "A file that the main process locks before it runs, and keeps locked (flock) for as long as it or what it started lives; made if it is not there. A relative one starts at the working directory.", example: "/var/lock/app" },
  lockWait: { ...main, spelling: "lock-wait", field: "lock", kind: kinds.boolean, default: "yes", own: "service",
    doc: "Whether it waits for a `lock` that another holds, being `starting` for as long; `no` makes that a failed start.", example: "no" },
  close: { ...main, spelling: "close", field: "close", kind: kinds.streams, default: "", defaultText: "none", own: "logger",
    doc: "The standard streams that the main process is started without.", example: "stdin" },
  env: { ...main, spelling: "env", field: "env", kind: kinds.variables, default: "", defaultText: "the container's",
    doc: "Variables set on top of the container's and of the files in `env-dir` and `env/`; also a section `[env]`.", example: "PORT=8080 GREETING='good day'", alias: ["environment"] },
  envDir: { ...main, ...nothing, spelling: "env-dir", field: "env", kind: kinds.path,
    doc: "A directory whose files are variables, as those of `env/` are, which come after it; a relative one starts at the service directory.", example: "/etc/app/env", alias: ["envdir", "environment-dir"] },
  envUser: { ...main, ...nothing, spelling: "env-user", field: "env", kind: kinds.account,
    doc: "An account, `user` or `user:group`, whose numbers are in `UID` and `GID`; whom it runs as stays.", example: "www-data", alias: ["envuidgid"] },

  after: { ...order, spelling: "after", field: "after", kind: kinds.names, default: "", defaultText: "none",
    doc: "Starts after these have been started and stops before them, where they exist and are wanted.", example: "syslog", alias: ["depends-on"] },
  requires: { ...order, spelling: "requires", field: "requires", kind: kinds.names, default: "", defaultText: "none",
    doc: "Starts once these are ready and goes down with them.", example: "db", alias: ["depends-on", "depends_on", "dependencies", "needs"] },
  wants: { ...order, spelling: "wants", field: "wants", kind: kinds.names, default: "", defaultText: "none",
    doc: "Starts these too, and after them, but lives without them.", example: "metrics" },
  type: { ...order, spelling: "type", field: "type", kind: kinds.type, default: "service", newProcess: true,
    doc: "A `service` is to stay up; a `oneshot` is done when it has exited with one of `success-codes`.", example: "oneshot" },
  startPre: { ...order, ...nothing, spelling: "start-pre", field: "startPre", kind: kinds.command,
    doc: "A command line that must exit 0 before each start.", example: "ssh-keygen -A", alias: ["execstartpre", "pre-start"] },
  notifyFd: { ...order, ...nothing, spelling: "notify-fd", field: "notifyFd", kind: kinds.descriptor, newProcess: true,
    doc: "The descriptor on which it writes a newline once it is ready.", example: "3", alias: ["notification-fd", "notification_fd"] },
  settle: { ...order, spelling: "settle", field: "settle", kind: kinds.duration, default: "1s",
    doc: "Alive for this long is ready, where neither `notify-fd` nor a file `check` says so.", example: "3s", alias: ["startsecs"] },
  startTimeout: { ...order, spelling: "start-timeout", field: "startTimeout", kind: kinds.durationOrNever, default: "never",
    doc: "Not ready by then is a failed start.", example: "30s", alias: ["timeoutstartsec", "timeout-up"] },

  restart: { ...restart, spelling: "restart", field: "restart", kind: kinds.restart, default: null, defaultText: "`always`; `on-failure` for a oneshot",
    doc: "Which ends are answered with a restart.", example: "on-failure", alias: ["autorestart"] },
  restartDelay: { ...restart, spelling: "restart-delay", field: "restartDelay", kind: kinds.duration, default: "100ms",
    doc: "The first crash after a stable run restarts at once, the second after this; it doubles from then on.", example: "1s", alias: ["restartsec", "backoff"] },
  restartDelayMax: { ...restart, spelling: "restart-delay-max", field: "restartDelayMax", kind: kinds.duration, default: "30s",
    doc: "The longest delay; never taken as less than `restart-delay`.", example: "5m" },
  stable: { ...restart, spelling: "stable", field: "stable", kind: kinds.duration, default: "10s",
    doc: "Up for this long forgets earlier crashes.", example: "1m" },
  successCodes: { ...restart, spelling: "success-codes", field: "successCodes", kind: kinds.codes, default: "0",
    doc: "Exit codes that are no failure.", example: "0, 3", alias: ["exitcodes", "successexitstatus"] },
  giveUp: { ...restart, spelling: "give-up", field: "giveUp", kind: kinds.giveUp, default: "never",
    doc: "So many crashes within so long, and it is `failed` until it is started by hand.", example: "5 in 60s", alias: ["startretries", "max-death-tally"] },
  critical: { ...restart, spelling: "critical", field: "critical", kind: kinds.boolean, default: "no", own: "logger",
    doc: "Its final end stops the container, with its exit code.", example: "yes" },

  stopSignal: { ...stop, spelling: "stop-signal", field: "stopSignal", kind: kinds.signal, default: "TERM",
    doc: "The signal that asks it to stop.", example: "QUIT", alias: ["stopsignal", "killsignal", "down-signal"] },
  stopScope: { ...stop, spelling: "stop-scope", field: "stopScope", kind: kinds.stopScope, default: "session",
    doc: "Whom a stop reaches first: the main process and then what is left (`session`), the whole group at once (`group`), or the main process alone, survivors left alive until shutdown (`process`).", example: "group", alias: ["killmode", "stopasgroup", "killasgroup"] },
  stopGrace: { ...stop, spelling: "stop-grace", field: "stopGrace", kind: kinds.durationOrNever, default: "7s",
    doc: "From the stop signal to KILL; `stop-budget` bounds it at shutdown.", example: "20s", alias: ["stopwaitsecs", "timeoutstopsec", "timeout-kill", "stop-timeout"] },
  finishTimeout: { ...stop, spelling: "finish-timeout", field: "finishTimeout", kind: kinds.durationOrNever, default: "30s",
    doc: "From the start of `finish` to KILL.", example: "5s", alias: ["timeout-finish"] },

  log: { ...output, spelling: "log", field: "log", kind: kinds.log, default: null, defaultText: "`prefix`; `logger` where there is a `log/run`", own: "logger", newProcess: true,
    doc: "Each line with the service's name (`prefix`) or as an object (`json`), upkeep's own descriptors (`inherit`), nowhere (`none`), to `log/run` (`logger`), or into a directory as svlogd writes it (`file:DIR`, from the service directory; the file `config` in there is understood), which may stand beside the first two. `upkeep logs` has nothing of the output of `inherit`, and what the logger prints of `logger`.", example: "json", alias: ["stdout_logfile", "standardoutput"] },
  logTimestamps: { ...output, spelling: "log-timestamps", field: "logTimestamps", kind: kinds.boolean, default: "no",
    doc: "A time stamp before each line of `prefix`, and before each in a log directory (that of svlogd's `-tt`).", example: "yes" },
  logLineMax: { ...output, spelling: "log-line-max", field: "logLineMax", kind: kinds.lineMax, default: "64KB",
    doc: "Longer lines go on in marked pieces.", example: "16KB" },
};

// biome-ignore format: a table
export const globalKeys: { readonly [F in keyof GlobalValues]: Key<GlobalValues[F]> } = {
  stopBudget: { spelling: "stop-budget", kind: kinds.duration, default: "9s",
    doc: "From the stop request to the last KILL, whatever the services' `stop-grace`; keep it under the container runtime's own. `UPKEEP_STOP_BUDGET` overrides it.", example: "25s" },
  stopOn: { spelling: "stop-on", kind: kinds.signals, default: "", defaultText: "none",
    doc: "Signals that stop upkeep beside TERM, INT, QUIT, PWR and RTMIN+3.", example: "WINCH" },
  forward: { spelling: "forward", kind: kinds.forward, default: "", defaultText: "none",
    doc: "Signals that upkeep hands on to the main process of a service.", example: "WINCH:web USR1:app" },
  runtimeDir: { spelling: "runtime-dir", kind: kinds.absolute, default: null, defaultText: "the first that works",
    doc: "Where the control socket is. `UPKEEP_RUNTIME_DIR` overrides it, and tells the commands where to look; read at the start only.",
    example: "/run/upkeep" },
  logLevel: { spelling: "log-level", kind: kinds.logLevel, default: "info",
    doc: "How much upkeep says about itself.", example: "warn", alias: ["loglevel"] },
  controlGroup: { spelling: "control-group", kind: kinds.account, default: null, defaultText: "none",
    doc: "The group that may use the control socket beside its owner; read at the start only.", example: "adm" },
};

/** The value of a key that nobody has set. */
function fallback<T>(key: Key<T>): T | null {
  if (key.default === null) return null;
  const parsed = key.kind.parse(key.default);
  if (!parsed.ok) throw new Error(`the default of ${key.spelling} is wrong: ${parsed.why}`);
  return parsed.value;
}

const fallbacks = (table: Readonly<Record<string, Key<unknown>>>): Readonly<Record<string, unknown>> =>
  Object.freeze(Object.fromEntries(Object.entries(table).map(([field, key]) => [field, fallback(key)])));

/** What holds for a service of which nothing is said. */
export const serviceDefaults = fallbacks(serviceKeys) as unknown as ServiceValues;
/** What holds for the supervisor of which nothing is said. */
export const globalDefaults = fallbacks(globalKeys) as unknown as GlobalValues;
