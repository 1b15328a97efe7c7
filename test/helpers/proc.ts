// What /proc knows of processes, by the pids of this side; nothing here throws for a process that is gone.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Ms } from "../../src/base/clock.ts";
import { eventually, running } from "./eventually.ts";

/** The fields of /proc/PID/stat that tests ask for. */
export interface Stat {
  readonly pid: number;
  /** The program's name, at most 15 bytes. */
  readonly comm: string;
  /** One letter: R, S, D, T (stopped), Z (zombie)… */
  readonly state: string;
  readonly ppid: number;
  readonly pgrp: number;
  readonly session: number;
  /** The group that its terminal is in the hands of; -1 without a terminal. */
  readonly foreground: number;
  /** In clock ticks since boot; with the pid it names a process for ever. */
  readonly startTime: number;
}

/** Null if there is no such process. */
export function stat(pid: number): Stat | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name may hold spaces and brackets; all else comes after its last bracket.
  const close = text.lastIndexOf(")");
  const [state = "", ppid, pgrp, session, _terminal, foreground, ...rest] = text.slice(close + 2).split(" ");
  return {
    pid,
    comm: text.slice(text.indexOf("(") + 1, close),
    state,
    ppid: Number(ppid),
    pgrp: Number(pgrp),
    session: Number(session),
    foreground: Number(foreground),
    startTime: Number(rest[13]),
  };
}

/** There, and not a zombie. */
export function isAlive(pid: number): boolean {
  const state = stat(pid)?.state;
  return state !== undefined && state !== "Z" && state !== "X";
}

/** Signals one process. There must be one: pid 0 would be the tests' own group, and -1 everybody. */
export function send(pid: number | null | undefined, signal: NodeJS.Signals | number): void {
  if (pid === null || pid === undefined || pid <= 0) throw new Error(`no process to send ${signal} to: ${pid}`);
  process.kill(pid, signal);
}

/** Ends a process that may have ended by itself. */
export function end(pid: number): void {
  try {
    send(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** All its threads are stopped: a SIGSTOP is under way for a while before it has stopped anything. */
export function isStopped(pid: number): boolean {
  const threads = names(`/proc/${pid}/task`);
  return threads.length > 0 && threads.every((thread) => stat(Number(thread))?.state === "T");
}

/** One line of /proc/PID/status, as `status(pid, "SigCgt")`; null if the process or the line is not there. */
export function status(pid: number, key: string): string | null {
  const line = read(`/proc/${pid}/status`)
    ?.split("\n")
    .find((each) => each.startsWith(`${key}:`));
  return line === undefined ? null : line.slice(key.length + 1).trim();
}

/** Which sleep each of its threads is in; null while one of them runs, wants to run, or is gone. */
function sleepOf(pid: number): string | null {
  const sleeps = names(`/proc/${pid}/task`).map((thread) =>
    stat(Number(thread))?.state === "S" ? status(Number(thread), "voluntary_ctxt_switches") : null,
  );
  return sleeps.length === 0 || sleeps.includes(null) ? null : sleeps.join();
}

/** True if a process slept for 200 ms, and did not only lack a processor: it waits for room, or for something to read. */
export async function waits(pid: number): Promise<boolean> {
  const before = sleepOf(pid);
  // Again and again: where the machine stalls it is nobody's own will to sleep.
  for (const since = running(); before !== null && running() - since < 200; await delay(10))
    if (sleepOf(pid) !== before) return false;
  return before !== null && sleepOf(pid) === before;
}

/**
 * Waits until a process has slept for `span` without a break: for "nothing more happens". What was told just before may
 * still be dealt with; what goes round and round never rests.
 */
export async function comesToRest(pid: number, span: Ms = 500, within?: Ms): Promise<void> {
  let before: string | null = null;
  let since = running();
  const isAtRest = () => {
    const now = sleepOf(pid);
    if (now === null || now !== before) since = running();
    before = now;
    return running() - since >= span;
  };
  await eventually(`process ${pid} comes to rest`, isAtRest, within);
}

/** The children of all threads of a process. */
export function children(pid: number): number[] {
  return names(`/proc/${pid}/task`).flatMap((thread) => numbers(readTwice(`/proc/${pid}/task/${thread}/children`)));
}

/** The kernel leaves a child out of its list where one before it ends while it is read: what is read twice alike is right. */
function readTwice(file: string): string | null {
  let before = read(file);
  // Not for ever, where they come and go all the time.
  for (let left = 5; left > 0; left--) {
    const now = read(file);
    if (now === before) break;
    before = now;
  }
  return before;
}

/** Its children and theirs, the process itself left out, parents first. */
export function descendants(pid: number): number[] {
  const found = children(pid);
  return [...found, ...found.flatMap(descendants)];
}

/** Dead descendants that nobody has reaped. */
export function zombies(pid: number): number[] {
  return descendants(pid).filter((each) => stat(each)?.state === "Z");
}

/** The argument vector; empty for a zombie or a process that is gone. */
export function argv(pid: number): string[] {
  return records(read(`/proc/${pid}/cmdline`));
}

/** The environment it was started with, first entry of a name first; bytes that are no UTF-8 are replaced. */
export function environ(pid: number): ReadonlyMap<string, string> {
  const entries = records(read(`/proc/${pid}/environ`)).map((entry): [string, string] => {
    const equals = entry.indexOf("=");
    return [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  return new Map(entries.reverse());
}

/** What each open descriptor points to: `pipe:[123]`, `/dev/null`. */
export function fds(pid: number): ReadonlyMap<number, string> {
  const found = names(`/proc/${pid}/fd`).map((fd): [number, string | null] => [
    Number(fd),
    link(`/proc/${pid}/fd/${fd}`),
  ]);
  return new Map(found.filter((pair): pair is [number, string] => pair[1] !== null));
}

/** The program file it runs; null for a zombie, a kernel thread or where we may not look. */
export function exe(pid: number): string | null {
  return link(`/proc/${pid}/exe`);
}

/** The pid that a process of a PID namespace has inside it. */
export function innerPid(pid: number): number | null {
  const last = status(pid, "NSpid")?.split(/\s+/).at(-1);
  return last === undefined ? null : Number(last);
}

/** The first descendant that this is true of; null if there is none. */
export function findDescendant(pid: number, is: (pid: number) => boolean): number | null {
  return descendants(pid).find(is) ?? null;
}

function read(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null; // ENOENT or ESRCH: the process is gone; EACCES: not ours to know
  }
}

function link(file: string): string | null {
  try {
    return readlinkSync(file);
  } catch {
    return null; // as above
  }
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // as above
  }
}

function numbers(text: string | null): number[] {
  return (text ?? "").split(" ").filter(Boolean).map(Number);
}

function records(text: string | null): string[] {
  return (text ?? "").split("\0").slice(0, -1);
}
