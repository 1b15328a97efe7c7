// Runs the log engine, as a program of its own, and runit's svlogd on the same input.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { watForEsbuild } from "../../wat.mjs";
import { temporaryDirectory } from "./service-dir.ts";

/** Bundles test/fixtures/log-stream.ts; returns the file that Node runs. */
export async function buildEngine(): Promise<string> {
  const outfile = join(temporaryDirectory(), "log-stream.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "../fixtures/log-stream.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    plugins: [watForEsbuild],
    outfile,
    logLevel: "error",
  });
  return outfile;
}

export interface LogRun {
  readonly code: number | null;
  readonly stderr: string;
  readonly directory: string;
}

/** Files to be there before: a directory's path below the one that the program runs in, then its files. */
export type Before = Readonly<Record<string, Readonly<Record<string, string | { text: string; mode: number }>>>>;

/** Makes a new directory with these log directories in it. */
export function logDirectories(before: Before): string {
  const home = temporaryDirectory();
  for (const [name, files] of Object.entries(before)) {
    mkdirSync(join(home, name), { recursive: true });
    for (const [file, content] of Object.entries(files)) {
      const { text, mode } = typeof content === "string" ? { text: content, mode: 0o644 } : content;
      writeFileSync(join(home, name, file), text, { mode });
    }
  }
  return home;
}

/** Starts `svlogd WORDS` or the engine, in `home`, with its standard input as a pipe. */
export function startLogger(program: readonly string[], words: readonly string[], home: string): ChildProcess {
  const [file = "", ...rest] = program;
  return spawn(file, [...rest, ...words], {
    cwd: home,
    stdio: ["pipe", "ignore", "pipe"],
    env: { ...process.env, SAY_READY: "yes" },
  });
}

/** Runs it on all of the input, to its end. */
export async function runLogger(
  program: readonly string[],
  words: readonly string[],
  before: Before,
  input: Buffer | string,
): Promise<LogRun> {
  const directory = logDirectories(before);
  const child = startLogger(program, words, directory);
  let stderr = "";
  child.stderr?.on("data", (data: Buffer) => {
    stderr += data.toString("latin1");
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stdin?.on("error", () => {}); // EPIPE: it ended before it had read all
  child.stdin?.end(input);
  return { code: await ended, stderr: stderr.replace("svlogd: ready\n", ""), directory };
}

const OLD = /@4[0-9a-f]{23}(?=\.[stu])/g;

/** What differs from run to run taken away: names of old files are numbered, stamps are named by their form. */
export function withoutTime(text: string): string {
  return text
    .replace(OLD, "@OLD")
    .replace(/@4[0-9a-f]{23} /g, "@TAI64N ")
    .replace(/\d{4}-\d\d-\d\d([_T])\d\d:\d\d:\d\d\.\d{5} /g, "DATE$1TIME ");
}

/** Each file with its mode and its content, oldest first; the lock left out. */
export function contents(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name !== "lock" && name !== "config")
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const mode = (statSync(path).mode & 0o7777).toString(8);
      return `${withoutTime(name)} ${mode} ${withoutTime(readFileSync(path, "latin1"))}`;
    });
}

/** All lines of a log directory in their order. */
export function lines(directory: string): string[] {
  const old = readdirSync(directory).filter((name) => name.startsWith("@"));
  return [...old.sort(), "current"].flatMap((name) => {
    const text = readFileSync(join(directory, name), "latin1");
    return text === "" ? [] : text.replace(/\n$/, "").split("\n");
  });
}
