// What /proc knows. Every answer may be out of date when it is read; whoever acts on a pid gives its start time along.
import { readdirSync, readFileSync } from "node:fs";

/** Where children come and go all the time, the last reading has to do. */
const READINGS_MAX = 5;

/** A process as /proc/PID/stat shows it. */
export interface Process {
  readonly pid: number;
  readonly ppid: number;
  readonly session: number;
  /** Clock ticks since boot, as text: it does not fit a double for ever, and is only compared. */
  readonly start: string;
  /** It has ended, and nobody has reaped it yet. A leader may have ended and its threads go on: then it is not over. */
  readonly isOver: boolean;
  /** At most 15 characters, whatever the process calls itself. */
  readonly comm: string;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // ENOENT and ESRCH: it is gone. EACCES: hidepid. In every case nothing is known.
    return null;
  }
}

/** A process, or null if there is none (any more). */
export function processOf(pid: number): Process | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name may hold spaces and parentheses; the fields begin behind the last one.
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).split(" ");
  return {
    pid,
    comm: text.slice(open + 1, close),
    isOver: fields[0] === "Z" && Number(fields[17]) <= 1,
    ppid: Number(fields[1]),
    session: Number(fields[3]),
    start: fields[19] ?? "0",
  };
}

/**
 * True if /proc is there and is that of our PID namespace: that of another one has us and our parent by other numbers, and
 * by ours somebody else, who may well have a parent of the same number.
 */
export function isOwnProc(managerPid: number, corePid: number): boolean {
  const isUs = read("/proc/self/stat")?.startsWith(`${process.pid} (`) ?? false;
  return isUs && processOf(managerPid)?.ppid === corePid;
}

/** The children of a process whose every thread but the first has none (the core, a shell); null where /proc does not tell. */
export function childrenOf(pid: number): number[] | null {
  const text = alike(() => read(`/proc/${pid}/task/${pid}/children`));
  if (text === null) return null;
  return text.split(" ").filter(Boolean).map(Number);
}

/**
 * A list of children leaves a living one out where one before it is reaped while the kernel writes it (proc(5)): what is read
 * twice alike is right.
 */
export function alike(list: () => string | null): string | null {
  let text = list();
  for (let times = 1; times < READINGS_MAX; times++) {
    const before = text;
    text = list();
    if (text === before) break;
  }
  return text;
}

/** All processes of this PID namespace. */
export function allPids(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** The children of `pid`, by a walk over all processes where the kernel keeps no list of them (CONFIG_PROC_CHILDREN). */
export function childrenByWalk(pid: number): number[] {
  return allPids().filter((other) => processOf(other)?.ppid === pid);
}

/** The children of any process: those of all its threads. */
export function allChildrenOf(pid: number): number[] {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  return threads.flatMap((thread) =>
    (alike(() => read(`/proc/${pid}/task/${thread}/children`)) ?? "").split(" ").filter(Boolean).map(Number),
  );
}

/** The soft limit on file locks, which has no effect on Linux and carries the mark of the service; null if unlimited or unknown. */
export function markOf(pid: number): bigint | null {
  const match = /^Max file locks\s+(\d+)/m.exec(read(`/proc/${pid}/limits`) ?? "");
  return match?.[1] === undefined ? null : BigInt(match[1]);
}

/** One variable of the environment that a process was started with; null if it is not there or not ours to read. */
export function environmentOf(pid: number, name: string): string | null {
  const entry = (read(`/proc/${pid}/environ`) ?? "").split("\0").find((text) => text.startsWith(`${name}=`));
  return entry === undefined ? null : entry.slice(name.length + 1);
}

/** How a process takes a signal. */
export function reactionOf(pid: number, signal: number): "default" | "ignored" | "caught" | "blocked" | null {
  const status = read(`/proc/${pid}/status`);
  if (status === null) return null;
  const isSet = (field: string) => {
    const mask = new RegExp(`^${field}:\\s*([0-9a-f]+)`, "m").exec(status)?.[1];
    return mask !== undefined && ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
  };
  if (isSet("SigIgn")) return "ignored";
  if (isSet("SigBlk")) return "blocked";
  return isSet("SigCgt") ? "caught" : "default";
}

/** The words that a process was started with; none for a zombie or one that is gone. */
export function argumentsOf(pid: number): string[] {
  return (read(`/proc/${pid}/cmdline`) ?? "").split("\0").slice(0, -1);
}
