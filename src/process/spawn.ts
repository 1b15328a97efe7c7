import { getSystemErrorMap } from "node:util";
import { type Exit, finishArguments, s6FinishArguments } from "../base/exit.ts";
import type { SpawnRequest, Stream } from "../channel/core.ts";
import { type LimitName, type ServiceSpec, streamNames } from "../spec/spec.ts";

/** Which of a service's programs is to be started. */
export type Program =
  | { readonly role: "main" | "pre" | "check" }
  /** What a oneshot has to undo. */
  | { readonly role: "undo" }
  /** `exit`: how the main process ended; `pid`: which it was, where that is known. */
  | { readonly role: "finish"; readonly exit: Exit; readonly pid?: number | null }
  /** The script that may take the place of a signal. */
  | { readonly role: "control"; readonly letter: string };

/** Where the output of a service goes; standard input is /dev/null, a logger's is its pipe. */
export interface Streams {
  readonly input: Stream;
  readonly output: Stream;
  readonly error: Stream;
}

// The kernel's numbers (asm-generic/resource.h), the same on x86-64 and arm64.
const resources: Readonly<Record<LimitName, number>> = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
};

/** All that the core needs to start one of a service's programs. */
export function spawnRequest(spec: ServiceSpec, program: Program, streams: Streams): SpawnRequest {
  const { identity } = spec;
  const set: Record<string, string> = { UPKEEP_SERVICE: spec.name };
  const unset: string[] = [];
  for (const [name, value] of Object.entries(spec.env)) {
    if (value === null) unset.push(name);
    else set[name] = value;
  }
  const limits = Object.entries(spec.limits).map(([name, { soft, hard }]) => ({
    resource: resources[name as LimitName],
    soft,
    hard,
  }));
  const hasTerminal = spec.foreground && program.role === "main";
  return {
    argv: commandOf(spec, program),
    // The other programs stay outside of a root directory, where their files are.
    dir: program.role === "main" || spec.root === null ? spec.dir : spec.home,
    set,
    unset,
    ...streams,
    ...(hasTerminal ? { session: false } : {}),
    ...(identity === null ? {} : { uid: identity.uid, gid: identity.gid, groups: identity.groups }),
    ...(spec.umask === null ? {} : { umask: spec.umask }),
    ...(spec.nice === null ? {} : { nice: spec.nice }),
    ...(limits.length === 0 ? {} : { limits }),
    ...(program.role === "main" ? ofMain(spec) : {}),
  };
}

/** What the main process alone is given. */
function ofMain({ argv0, root, lock, close, notifyFd }: ServiceSpec): Partial<SpawnRequest> {
  return {
    ...(argv0 === null ? {} : { argv0 }),
    ...(root === null ? {} : { root }),
    ...(lock === null ? {} : { lock }),
    ...(close.length === 0 ? {} : { closed: close.map((name) => streamNames.indexOf(name)) }),
    ...(notifyFd === null ? {} : { notify: notifyFd }),
  };
}

/** The program and its arguments. */
export function commandOf(spec: ServiceSpec, program: Program): readonly string[] {
  switch (program.role) {
    case "main":
      return spec.command;
    case "pre":
      return spec.startPre ?? spec.command;
    case "check":
      return [spec.check ?? "false"];
    case "undo":
      return spec.undo ?? ["true"];
    case "finish": {
      const { exit, pid = null } = program;
      const words = spec.isS6 ? s6FinishArguments(exit, spec.name, pid) : finishArguments(exit);
      return [spec.finish ?? "false", ...words];
    }
    case "control":
      return [controlScript(spec.home, program.letter)];
  }
}

/** Where the scripts of letters are, if there are any. */
export const controlScripts = (home: string): string => `${home}/control`;

/** The script of a letter, whether it is there or not. */
export const controlScript = (home: string, letter: string): string => `${controlScripts(home)}/${letter}`;

// Node makes the whole map anew at each call.
let systemErrors: ReturnType<typeof getSystemErrorMap> | null = null;
const systemError = (errno: number) => {
  systemErrors ??= getSystemErrorMap();
  return systemErrors.get(-errno);
};

/** `ENOENT: no such file or directory` for an errno. */
export function errnoText(errno: number): string {
  const known = systemError(errno);
  return known === undefined ? `error ${errno}` : `${known[0]}: ${known[1]}`;
}

/** The symbolic name of an errno, as `ENOENT`. */
export function errnoName(errno: number): string {
  return systemError(errno)?.[0] ?? `error ${errno}`;
}

const steps: Readonly<Record<string, (spec: ServiceSpec, program: string) => string>> = {
  request: () => "the core refused the request",
  memory: () => "no memory for one more process",
  pipe: () => "no pipe could be made, see the limit nofile of upkeep itself",
  fork: () => "no process could be created, see the limit nproc and the container's limit of pids",
  session: () => "no session could be made",
  descriptors: () => "the descriptors could not be put in their places",
  limits: () => "a limit could not be set; a hard limit is raised by root only",
  nice: (spec) => `nice ${spec.nice} could not be set; a smaller value than the inherited one is for root only`,
  root: (spec) => `cannot make ${spec.root} the root directory`,
  directory: (spec) => `cannot change to the directory ${spec.dir}`,
  groups: () => "the groups could not be set",
  user: (spec) => `cannot become ${spec.identity?.name ?? `uid ${spec.identity?.uid}`}`,
  privileges: () => "no-new-privs or the death signal could not be set",
  lock_file: (spec) => `cannot lock ${spec.lock?.file}`,
  exec: (_spec, program) => `cannot execute ${program}`,
  lock: () => "its directory is supervised by another process",
  ended: (_spec, program) => `it was ended before it had executed ${program}`,
};

/** One sentence for a start that failed in the core or in the child before its program ran. */
export function failureText(spec: ServiceSpec, program: Program, step: string, errno: number): string {
  const what = steps[step]?.(spec, commandOf(spec, program)[0] ?? "?") ?? `cannot start (${step})`;
  if (step === "lock_file" && errnoName(errno) === "EAGAIN") return `${what}: another process holds it`;
  return errno === 0 ? what : `${what}: ${errnoText(errno)}`;
}
