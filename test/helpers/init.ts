// What the tests of init mode share: the programs' faces, fixtures in C, and a plain way to run a command line.
import { spawn } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { eventually } from "./eventually.ts";
import { upkeep } from "./pid-namespace.ts";
import { descendants, send, stat, waits } from "./proc.ts";
import { temporaryDirectory } from "./service-dir.ts";

/** Compiles `test/fixtures/NAME.c`; the program stays until the end of the file's tests. */
export async function fixture(name: string): Promise<string> {
  const program = join(temporaryDirectory(), name);
  await execa("cc", ["-O1", "-o", program, join(import.meta.dirname, `../fixtures/${name}.c`)]);
  return program;
}

/** A directory with links to the built command under the names of the programs that it stands in for. */
export function faces(): string {
  const directory = temporaryDirectory();
  for (const name of ["tini", "dumb-init", "docker-init"]) symlinkSync(upkeep, join(directory, name));
  return directory;
}

/** The first words of each way to run one command under the built program; none asks for a warning. */
export const ways: Readonly<Record<"upkeep" | "tini" | "dumb-init", readonly string[]>> = {
  upkeep: ["--"],
  tini: ["tini", "-s", "--"],
  "dumb-init": ["dumb-init", "--"],
};

export interface Ran {
  /** As a shell tells it: 128+N for signal N. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
}

/** Runs a line of /bin/sh; `$0` is the built command, `$1…` are the words given. It never throws. */
export async function shell(line: string, words: readonly string[] = [], options: RunOptions = {}): Promise<Ran> {
  const result = await execa("/bin/sh", ["-c", line, upkeep, ...words], {
    reject: false,
    extendEnv: false,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", LANG: "C.UTF-8", ...options.env },
    stripFinalNewline: false,
    timeout: 30_000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
  });
  return { code: result.exitCode ?? -1, stdout: String(result.stdout), stderr: String(result.stderr) };
}

export interface Session {
  /** All that the terminal has shown. */
  shown(): string;
  type(text: string): void;
  /** Makes the terminal's window 33 rows by 99 columns. */
  grow(): void;
  readonly pid: number;
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
}

/** Waits until a bash of this terminal has it and reads from it: what is typed while a job has it is the job's, or lost. */
export const atPrompt = (session: Session): Promise<true> =>
  eventually("bash waits for a line", async () => {
    const bash = descendants(session.pid).find((pid) => stat(pid)?.comm === "bash") ?? 0;
    return inForeground(bash) && (await waits(bash));
  });

/** Waits until the one descendant of which `is` is true has the terminal. */
export const hasTerminal = (session: Session, is: (pid: number) => boolean): Promise<true> =>
  eventually("the job has the terminal", () => inForeground(descendants(session.pid).find(is) ?? 0));

function inForeground(pid: number): boolean {
  const found = stat(pid);
  return found !== null && found.pgrp === found.foreground;
}

/** Runs a command as the leader of a session on a terminal of its own; `pty` is that fixture. */
export function onTerminal(pty: string, command: readonly string[]): Session {
  const child = spawn(pty, command, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: "/usr/bin:/bin", PS1: "$ ", TERM: "dumb" },
  });
  let shown = "";
  child.stdout.on("data", (data: Buffer) => {
    shown += data.toString();
  });
  // What ends while we type is told by the exit code.
  child.stdin.on("error", () => {});
  return {
    shown: () => shown,
    type: (text) => child.stdin.write(text),
    grow: () => send(child.pid, "SIGUSR1"),
    pid: child.pid ?? 0,
    // By then all that it has shown has been read.
    ended: new Promise((resolve) => child.once("close", (code) => resolve(code ?? -1))),
  };
}
