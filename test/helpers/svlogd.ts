// Our svlogd beside runit's, and what is found in their log directories.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { upkeep } from "./pid-namespace.ts";
import { temporaryDirectory } from "./service-dir.ts";

/** A link to the built command by the name svlogd, in a directory that anybody may enter. */
export function ourSvlogd(): string {
  const link = join(temporaryDirectory(), "svlogd");
  symlinkSync(upkeep, link);
  return link;
}

/** All that is in a log directory, in the order of its writing. */
export function logged(directory: string): string {
  if (!existsSync(directory)) return "";
  for (;;) {
    const names = () => readdirSync(directory).filter((name) => name.startsWith("@") || name === "current");
    const before = names().sort();
    try {
      const text = before.map((name) => readFileSync(join(directory, name), "latin1")).join("");
      // Rotated in between, something would be there twice or not at all.
      if (names().length === before.length) return text;
    } catch {
      // ENOENT: it was rotated
    }
  }
}

/**
 * A `run` that writes numbered lines, 200 in a burst, with `pause` seconds between bursts; `before` comes first. Where it
 * has to wait for room it hears no trap.
 */
export const counter = (pause: string, before = ""): string => `#!/bin/sh
${before}
i=0
while :; do
  n=0
  while [ $n -lt 200 ]; do n=$((n + 1)) i=$((i + 1)); echo "line $i of many."; done
  sleep ${pause}
done
`;

/** The numbers of its lines; NaN for what is none of them. */
export const numbersOf = (text: string): number[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => Number(/^line (\d+) of many\.$/.exec(line)?.[1] ?? `not a line: ${line}`));

/** A log directory with this `config`. */
export function logDirectory(config: string, path: string = join(temporaryDirectory(), "log")): string {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "config"), config);
  return path;
}

/** A program and its streams, which are pipes. */
export interface Running {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  /** Waits for this on its standard error. */
  said(text: string): Promise<unknown>;
  /** Its exit code; -1 for a signal. */
  readonly ended: Promise<number>;
}

/** Runs a program in a directory; nothing of the test's own environment but PATH goes with it. */
export function run(
  words: readonly [string, ...string[]],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Running {
  const [program, ...rest] = words;
  // A real pipe, as a supervisor makes it: Node's own are sockets, which nobody can open a second time.
  const child = spawn("sh", ["-c", 'cat | { exec 3>&-; "$0" "$@"; echo "$?" >&2; }', program, ...rest], {
    cwd,
    env: { PATH: process.env["PATH"], UPKEEP_SOCKET: "/nonexistent", ...env },
    stdio: ["pipe", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr?.on("data", (piece: Buffer) => {
    stderr += piece.toString();
  });
  const ended = new Promise<number>((resolve) => {
    child.once("close", () => {
      const code = /(\d+)\n$/.exec(stderr)?.[1];
      stderr = stderr.replace(/\d+\n$/, "");
      resolve(Number(code ?? -1));
    });
  });
  return {
    child,
    stderr: () => stderr,
    said: (text) => eventually(`it says ${text}`, () => stderr.includes(text)),
    ended,
  };
}
