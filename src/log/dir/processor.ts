// Old files put through a shell command (svlogd(8), PROCESSOR): `@….u` → `@….t` → `@….s`. One at a time for a directory.
import type { ChildProcess } from "node:child_process";
import type { Clock, Ms } from "../../base/clock.ts";
import type { Env } from "../../process/environ.ts";
import type { DirectoryCalls, Links } from "./calls.ts";
import type { Told } from "./model.ts";
import { asKind } from "./names.ts";
import { persist } from "./trouble.ts";

/** What a processor needs of its directory. */
export interface ProcessorParts {
  readonly calls: DirectoryCalls;
  readonly clock: Clock;
  readonly told: Told;
  readonly path: string;
  readonly name: string;
  /** What its files may be. Default `follow`. */
  readonly links?: Links;
  /** The command now; null if there is none any more, and then the file stays as it is. */
  readonly command: () => string | null;
  /** The descriptor that the command has as standard error. Default 2. */
  readonly errorFd: number;
  /** The environment of the command; absent or null: our own. */
  readonly environment?: (() => Env | null) | undefined;
}

/**
 * Runs `sh -c command` on these descriptors (0, 1, 2, 4, 5) in this directory and environment (null: our own); resolves to
 * whether it exited with 0.
 */
export type RunShell = (
  command: string,
  cwd: string,
  fds: readonly [number, number, number, number, number],
  environment: Env | null,
) => Promise<boolean>;

// svlogd starts a failing one again at once, for ever.
const FIRST_RETRY: Ms = 1000;
const LAST_RETRY: Ms = 60_000;

/** Resolves when `file` (`@….u`) has been processed, or is no longer to be. Never rejects. */
export async function processFile(file: string, parts: ProcessorParts, run: RunShell = runShell): Promise<void> {
  const { calls, clock, told, path, name } = parts;
  const at = (entry: string) => `${path}/${entry}`;
  let retry = FIRST_RETRY;
  for (;;) {
    const command = parts.command();
    if (command === null) return;
    told.info?.(`processing: ${name}/${file}`);
    if (await attempt(command, file, parts, run)) break;
    told.warning(`processor failed, restart: ${name}`);
    await calls.unlink(at(asKind(file, "t"))).catch(() => {}); // it may not have come so far
    const wait = retry;
    await new Promise<void>((resolve) => clock.at(clock.now() + wait, resolve));
    retry = Math.min(2 * retry, LAST_RETRY);
  }
  const done = asKind(file, "s");
  await persist(parts, "unable to rename processed", () => calls.rename(at(asKind(file, "t")), at(done)));
  await persist(parts, "unable to set mode of processed", () => calls.chmod(at(done), 0o744));
  await calls.unlink(at(file)).catch(() => told.warning(`unable to unlink: ${name}/${file}`));
  await persist(parts, "unable to rename state", () => calls.rename(at("newstate"), at("state")));
  told.info?.(`processed: ${name}/${done}`);
}

async function attempt(command: string, file: string, parts: ProcessorParts, run: RunShell): Promise<boolean> {
  const { calls, path, links, errorFd, environment } = parts;
  const opened: number[] = [];
  const open = async (entry: string, how: "read" | "append" | "truncate") => {
    const fd = await calls.open(`${path}/${entry}`, how, links);
    opened.push(fd);
    return fd;
  };
  try {
    const input = await open(file, "read");
    const output = await open(asKind(file, "t"), "truncate");
    await open("state", "append"); // makes it where there is none
    const state = await open("state", "read");
    const newState = await open("newstate", "truncate");
    return await run(command, path, [input, output, errorFd, state, newState], environment?.() ?? null);
  } catch {
    return false; // no descriptor, no memory, no disk: told as a failure, and tried again
  } finally {
    for (const fd of opened) await calls.close(fd).catch(() => {}); // its content is the processor's affair
  }
}

async function runShell(
  command: string,
  cwd: string,
  [input, output, error, state, newState]: Parameters<RunShell>[2],
  environment: Env | null,
): Promise<boolean> {
  const { spawn } = process.getBuiltinModule("node:child_process");
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      child = spawn("/bin/sh", ["-c", command], {
        cwd,
        stdio: [input, output, error, "ignore", state, newState],
        ...(environment === null ? {} : { env: Object.fromEntries(environment) }),
      });
    } catch {
      return resolve(false);
    }
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
}
