// Service directories whose supervise/ stays as it is written: what `sv` says of a state can be compared at leisure.
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, closeSync, constants, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeAll, type ServiceFiles, temporaryDirectory, writeFiles } from "./service-dir.ts";

/** The 20 bytes of supervise/status, or what stands in their place. */
export interface Status {
  readonly state?: number;
  readonly pid?: number;
  readonly paused?: number;
  readonly want?: string;
  readonly term?: number;
  /** Seconds since the state began. */
  readonly age?: number;
  readonly bytes?: Buffer;
}

/** A service directory; what is not said is a service that runs, and was to. */
export interface Held {
  readonly status?: Status;
  /** Who is not there: `all` leaves supervise/ out, `dead` has fifos that nobody reads. */
  readonly without?: "all" | "ok" | "control" | "status" | "dead" | "reader";
  readonly log?: Held;
  readonly files?: ServiceFiles;
}

/** Seconds of TAI64 at the beginning of Unix' time. */
const EPOCH = 4611686018427387914n;

/** The bytes of a status file as runsv writes it. */
export function statusBytes({ bytes, state = 1, pid = state === 0 ? 0 : 4321, ...rest }: Status): Buffer {
  if (bytes !== undefined) return bytes;
  const { paused = 0, want = "u", term = 0, age = 1000 } = rest;
  const written = Buffer.alloc(20);
  written.writeBigUInt64BE(EPOCH + BigInt(Math.floor(Date.now() / 1000) - age), 0);
  written.writeUInt32LE(pid, 12);
  written.set([paused, want.charCodeAt(0), term, state], 16);
  return written;
}

export interface HeldDirectory {
  /** The scan directory, for SVDIR. */
  readonly path: string;
  /** The letters that have come since the last call, of the service and its log together. */
  letters(): string;
  close(): void;
}

/** Lays out `count` scan directories with the services in each; the fifos are held open until `close`. */
export function hold(services: Readonly<Record<string, Held>>, count = 1): readonly HeldDirectory[] {
  const root = temporaryDirectory();
  const bases = Array.from({ length: count }, (_, index) => join(root, `${index}`));
  const fifos: string[] = [];
  const readers = new Map<string, string[]>();
  const lay = (base: string, directory: string, held: Held): void => {
    mkdirSync(directory, { recursive: true });
    writeFiles(directory, held.files ?? {});
    if (held.log !== undefined) lay(base, join(directory, "log"), held.log);
    if (held.without === "all") return;
    const at = (name: string): string => join(directory, "supervise", name);
    mkdirSync(at(""));
    if (held.without !== "status") writeFileSync(at("status"), statusBytes(held.status ?? {}));
    for (const name of ["ok", "control"]) {
      if (held.without === name) continue;
      fifos.push(at(name));
      if (held.without === "dead" || (held.without === "reader" && name === "control")) continue;
      readers.get(base)?.push(at(name));
    }
  };
  for (const base of bases) {
    readers.set(base, []);
    mkdirSync(base);
    for (const [name, held] of Object.entries(services)) lay(base, join(base, name), held);
  }
  for (let at = 0; at < fifos.length; at += 500) execFileSync("mkfifo", fifos.slice(at, at + 500));
  return bases.map((path) => {
    const opened = (readers.get(path) ?? []).map((file) => ({
      fd: openSync(file, constants.O_RDONLY | constants.O_NONBLOCK),
      isControl: file.endsWith("/control"),
    }));
    return {
      path,
      letters: () => opened.map(({ fd, isControl }) => (isControl ? drain(fd) : "")).join(""),
      close: () => {
        for (const { fd } of opened) closeSync(fd);
        removeAll(path);
      },
    };
  });
}

function drain(fd: number): string {
  const bytes = Buffer.alloc(64);
  try {
    return bytes.toString("latin1", 0, readSync(fd, bytes, 0, 64, null));
  } catch {
    return ""; // EAGAIN: nothing has come
  }
}

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One program to run: its file and its words. */
export interface Call {
  readonly program: string;
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the one of all. */
  readonly cwd?: string;
}

/**
 * Runs all of these at once, by one shell: a fork of Node costs more than what is run here. Seconds of age in their
 * output become `N`.
 */
export async function runAll(calls: readonly Call[], options: { cwd?: string; uid?: number } = {}): Promise<Said[]> {
  const { cwd = "/", uid } = options;
  const directory = temporaryDirectory();
  chmodSync(directory, 0o777);
  const at = (name: string, index: number): string => join(directory, `${name}-${index}`);
  const lines = calls.map(({ program, words, env = {}, cwd: own }, index) => {
    // Nothing of a supervisor of this machine is to be found by mistake.
    const settings = Object.entries({ UPKEEP_RUNTIME_DIR: "/nonexistent", ...env }).map(
      ([name, value]) => `${name}=${quote(value)}`,
    );
    const command = [...settings, program, ...words.map(quote)].join(" ");
    return `(${own === undefined ? "" : `cd ${quote(own)}; `}${command} >${at("stdout", index)} 2>${at("stderr", index)}; echo $? >${at("code", index)}) &`;
  });
  const child = spawn("/bin/sh", ["-c", `${lines.join("\n")}\nwait`], {
    env: { PATH: "/usr/bin:/bin" },
    cwd,
    stdio: ["ignore", "inherit", "inherit"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  await new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  const text = (name: string, index: number): string => readFileSync(at(name, index), "latin1");
  return calls.map((_, index) => ({
    code: Number(text("code", index)),
    stdout: text("stdout", index).replaceAll(/\b\d+s\b/g, "Ns"),
    stderr: text("stderr", index),
  }));
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
