// Runs the built program as the real PID 1 of a fresh PID namespace, with a /run and a /proc of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, onTestFailed, onTestFinished } from "vitest";
import type { Exit } from "../../src/base/exit.ts";
import { parseSignal } from "../../src/base/signals.ts";
import { eventually } from "./eventually.ts";
import { children, descendants, exe, findDescendant, innerPid, isAlive, stat } from "./proc.ts";
import { temporaryDirectory } from "./service-dir.ts";

/** The built command. */
export const upkeep: string = join(import.meta.dirname, "../../dist/upkeep");

export interface LaunchOptions {
  /** Added to a small clean environment; undefined takes a name away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Shell lines run inside before the program, as root of the namespace: `mount -t tmpfs tmpfs /var/spool/cron`. */
  readonly setup?: string;
  /** True: a shell is PID 1 and the program its child; what outlives the program can then be seen in `processes()`. */
  readonly asChild?: boolean;
  /** Descriptors for its standard streams instead of `/dev/null` and two files; they stay the caller's to close. */
  readonly stdin?: number;
  readonly stdout?: number;
  readonly stderr?: number;
  /** The program instead of the built command; absolute. */
  readonly program?: string;
}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Namespace {
  /** The namespace's PID 1, by its pid on this side. */
  readonly init: number;
  /** The program under test: PID 1 itself, unless `asChild`. */
  readonly pid: number;
  /** All that the program and its services have written so far. */
  stdout(): string;
  stderr(): string;
  /** Both, one after the other: for a line that may come on either. */
  output(): string;
  /** Every process of the namespace but PID 1 and `inside` commands, zombies included, by the pids of this side. */
  processes(): number[];
  /** The pid on this side of what `status` calls `inner`; null if it is gone. */
  outer(inner: number): number | null;
  /** Sends a signal to the program, as the container engine would. */
  signal(name: string): void;
  /** Runs a command inside; it never throws for a code that is not 0. */
  inside(
    argv: readonly [string, ...string[]],
    options?: { readonly input?: string; readonly timeout?: number },
  ): Promise<Result>;
  /** Runs the thin client inside: `upkeep("status", "web")`. */
  upkeep(...words: readonly string[]): Promise<Result>;
  /** How the program ended; waits for it at most `within` (default 15 s). A KILL is told as code 1: unshare's habit. */
  exit(within?: number): Promise<Exit>;
  /** Kills all of it; done by itself at the end of the test, or of the file if it was launched in beforeAll. */
  dispose(): Promise<void>;
}

const isRoot = process.getuid?.() === 0;
const living = new Set<Namespace>();
afterAll(async () => {
  await Promise.all([...living].map((each) => each.dispose()));
});

/** Starts `upkeep WORDS…` in a namespace of its own; returns once the program runs (or has ended already). */
export async function launch(words: readonly string[], options: LaunchOptions = {}): Promise<Namespace> {
  const directory = temporaryDirectory();
  const program = options.program ?? upkeep;
  const files = { stdout: join(directory, "stdout"), stderr: join(directory, "stderr") };
  const opened = [openSync("/dev/null", "r"), openSync(files.stdout, "a"), openSync(files.stderr, "a")] as const;
  const unshare = spawn("setpriv", unshareWords(program, words, options), {
    cwd: "/",
    env: environment(options.env ?? {}),
    stdio: [options.stdin ?? opened[0], options.stdout ?? opened[1], options.stderr ?? opened[2], "pipe", "pipe"],
  });
  for (const fd of opened) closeSync(fd);
  const ended = end(unshare);
  // What outlives the program is still seen after the program is gone, so a child's end is told by PID 1.
  const exited = options.asChild === true ? Promise.race([told(unshare), ended]) : ended;
  const { init, pid } = await find(unshare, program, options.asChild === true, exited);
  // Once it has gone its pid may be another's, for thousands of processes come and go beside it.
  const born = stat(init)?.startTime;
  const isThere = () => isAlive(init) && stat(init)?.startTime === born;
  const namespace: Namespace = {
    init,
    pid,
    stdout: () => readFileSync(files.stdout, "utf8"),
    stderr: () => readFileSync(files.stderr, "utf8"),
    output: () => namespace.stdout() + namespace.stderr(),
    processes: () => descendants(init),
    outer: (inner) => findDescendant(init, (each) => innerPid(each) === inner),
    signal: (name) => {
      // Pid 0 would be the test runner's own group.
      if (pid === 0) throw new Error(`cannot send ${name}: the program has ended`);
      process.kill(pid, parseSignal(name) ?? name);
    },
    inside: (argv, how) => inside(init, argv, options.env ?? {}, how),
    upkeep: (...rest) => inside(init, [program, ...rest], options.env ?? {}, {}),
    exit: async (within = 15_000) => {
      let exit: Exit | null = null;
      void exited.then((value) => {
        exit = value;
      });
      return eventually("the program has ended", () => exit, within);
    },
    dispose: async () => {
      living.delete(namespace);
      if (isThere()) process.kill(init, "SIGKILL");
      unshare.kill("SIGKILL");
      await ended;
      // The kernel lets PID 1 become a zombie only after all else in its namespace is gone.
      await eventually("the namespace is gone", () => !isThere());
    },
  };
  living.add(namespace);
  attachToTest(namespace);
  return namespace;
}

/** The end of a pipe that is read when the test wants it, and the end that a program writes; both are the caller's to close. */
export async function realPipe(): Promise<{ readonly read: number; readonly write: number }> {
  const path = join(temporaryDirectory(), "pipe");
  await execa("mkfifo", [path]);
  // The reader's open does not wait for a writer, nor its reads for data; the writer's end is an ordinary blocking one.
  const read = openSync(path, 0o4000);
  return { read, write: openSync(path, "w") };
}

/** What is in the pipe now; it does not wait for more. */
export function drain(read: number): Buffer {
  const pieces: Buffer[] = [];
  const piece = Buffer.alloc(65_536);
  try {
    for (;;) {
      const count = readSync(read, piece);
      if (count === 0) break;
      pieces.push(Buffer.from(piece.subarray(0, count)));
    }
  } catch {
    // EAGAIN: there is a writer, and nothing in the pipe
  }
  return Buffer.concat(pieces);
}

function unshareWords(program: string, words: readonly string[], options: LaunchOptions): string[] {
  const user = isRoot ? [] : ["--user", "--map-root-user"];
  const run = options.asChild === true ? `"$@" 3>&- 4<&-; echo "$?" >&3; read -r _ <&4` : `exec "$@" 3>&- 4<&-`;
  const script = `set -e\nmount -t tmpfs -o mode=755 tmpfs /run\n${options.setup ?? ""}\nset +e\n${run}`;
  return [
    // Should the test runner be killed, nothing of this outlives it.
    ...["--pdeathsig", "KILL", "unshare", ...user, "--pid", "--fork", "--kill-child", "--mount-proc"],
    ...["sh", "-c", script, "sh", program, ...words],
  ];
}

/** What the tests' own environment (NODE_ENV, VITEST…) must not change. */
function environment(changes: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const path = [
    dirname(process.execPath),
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
  ];
  return { PATH: path.join(":"), HOME: "/root", LANG: "C.UTF-8", ...changes };
}

function end(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("error", () => resolve({ code: 127 }));
    child.once("exit", (code, signal) =>
      resolve(code === null ? { signal: parseSignal(signal ?? "") ?? 0 } : { code }),
    );
  });
}

/** The exit code that the shell, PID 1 in `asChild`, writes to descriptor 3. */
function told(unshare: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    unshare.stdio[3]?.once("data", (data: Buffer) => resolve({ code: Number(data.toString()) }));
  });
}

async function find(
  unshare: ChildProcess,
  program: string,
  asChild: boolean,
  exited: Promise<Exit>,
): Promise<{ readonly init: number; readonly pid: number }> {
  let over = false;
  void exited.then(() => {
    over = true;
  });
  const runs = (pid: number) => exe(pid) === program;
  return eventually(`${program} runs in its namespace`, () => {
    const init = children(unshare.pid ?? 0)[0];
    const pid = init === undefined ? null : asChild ? (children(init).find(runs) ?? null) : runs(init) ? init : null;
    if (init !== undefined && pid !== null) return { init, pid };
    // A program that is a child may have come and gone between two looks.
    return over ? { init: init ?? 0, pid: 0 } : null;
  });
}

async function inside(
  init: number,
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string | undefined>>,
  options: { readonly input?: string; readonly timeout?: number } = {},
): Promise<Result> {
  const user = isRoot ? [] : ["--user", "--preserve-credentials"];
  const words = ["--target", String(init), ...user, "--pid", "--mount", "--", ...argv];
  const result = await execa("nsenter", words, {
    reject: false,
    extendEnv: false,
    env: environment(env),
    timeout: options.timeout ?? 30_000,
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
  });
  return { code: result.exitCode ?? -1, stdout: String(result.stdout), stderr: String(result.stderr) };
}

function attachToTest(namespace: Namespace): void {
  try {
    onTestFinished(() => namespace.dispose());
    onTestFailed(() => {
      process.stderr.write(`--- upkeep's stdout\n${namespace.stdout()}\n--- its stderr\n${namespace.stderr()}\n`);
    });
  } catch {
    // Not in a test but in a hook: afterAll sees to it.
  }
}
