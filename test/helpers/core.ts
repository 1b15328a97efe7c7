// The core under test, without the manager: compiled with sanitizers, and driven through a stand-in for Node that
// carries the channel to the test (test/fixtures/core-driver.c).
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { expect, onTestFailed, onTestFinished } from "vitest";
import type { Exit } from "../../src/base/exit.ts";
import { type Down, decoder, encode, type Message, type Up } from "../../src/channel/messages.ts";
import { eventually } from "./eventually.ts";
import { end, isAlive, stat } from "./proc.ts";
import { temporaryDirectory } from "./service-dir.ts";

const root = join(import.meta.dirname, "../..");
const core = join(root, "src/core");
const fixtures = join(root, "test/fixtures");
/** Reports go to files: standard error may be closed or full in a test. */
const SANITIZED = ["-std=gnu11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-omit-frame-pointer"];

/** Compiles once for each state of the sources; the result is kept beside the installed packages. */
export async function compile(name: string, sources: readonly string[], flags: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify([name, flags]));
  const headers = readdirSync(core).filter((file) => file.endsWith(".h"));
  for (const file of [...sources, ...headers.map((header) => join(core, header))]) hash.update(readFileSync(file));
  const cache = join(root, "node_modules/.cache/upkeep-test");
  const output = join(cache, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(output)) return output;
  mkdirSync(cache, { recursive: true });
  const fresh = `${output}.${process.pid}`;
  await execa(process.env["CC"] ?? "cc", [...flags, "-Wall", "-Wextra", "-Werror", "-o", fresh, ...sources]);
  renameSync(fresh, output);
  return output;
}

/** The core's sources, `but` these. */
export function coreSources(but: readonly string[] = []): string[] {
  return readdirSync(core)
    .filter((file) => file.endsWith(".c") && !but.includes(file))
    .map((file) => join(core, file));
}

export { SANITIZED };

export interface Tools {
  /** The core, with an empty manager.cjs beside it. */
  readonly upkeep: string;
  /** The programs of core-driver.c. */
  readonly driver: string;
}

/** Builds both into a directory that anybody may enter. */
export async function buildCore(): Promise<Tools> {
  const directory = temporaryDirectory();
  const built = await compile("core", coreSources(), [...SANITIZED, '-DUPKEEP_VERSION="test"']);
  const driver = await compile("driver", [join(fixtures, "core-driver.c")], ["-std=gnu11", "-O1"]);
  const tools = { upkeep: join(directory, "upkeep"), driver: join(directory, "driver") };
  copyFileSync(built, tools.upkeep);
  copyFileSync(driver, tools.driver);
  writeFileSync(join(directory, "manager.cjs"), "");
  return tools;
}

/** A descriptor that the core has handed to the manager. */
export interface Handle {
  readonly fd: number;
  readonly message: {
    readonly pipe?: string;
    readonly connection?: true;
    readonly pid?: number;
    readonly uid?: number;
  };
}

/** One life of the stand-in manager. */
export interface Driver {
  readonly pid: number;
  readonly handles: readonly Handle[];
  send(name: Down, ...fields: readonly string[]): void;
  raw(bytes: Uint8Array): void;
  /** An order to the stand-in itself: `mute`, `close 7`. */
  order(text: string): void;
  /** Bytes that have gone into the channel. */
  written(): number;
  /** Closes the channel and lives on. */
  hangUp(): void;
  /** All messages so far, or those of one name. */
  messages(name?: Up): readonly Message[];
  /** The first message of this name, heard or still to come, of which `is` is true. */
  heard(name: Up, is?: (fields: readonly string[]) => boolean): Promise<readonly string[]>;
  handle(is: (handle: Handle) => boolean): Promise<Handle>;
  /** What a handed pipe holds now. */
  read(fd: number): Promise<Buffer>;
  kill(): void;
}

export interface CoreOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the core's own: `setpriv`, `prlimit`, or the driver's `launch`. */
  readonly before?: readonly string[];
  /** After the core's own; default is `run /`. */
  readonly words?: readonly string[];
  /** Sanitizers' reports are not looked at: a test that ends the core from outside. */
  readonly stdio?: readonly ("ignore" | number)[];
}

export interface Running {
  readonly process: ChildProcess;
  /** Its pid; the program that `before` names must become it by exec. */
  readonly pid: number;
  /** The next manager that has come up, with its hello heard and `ready` not said. */
  manager(): Promise<Driver>;
  /** As `manager`, with `ready` said. */
  ready(): Promise<Driver>;
  stderr(): string;
  exit(): Promise<Exit>;
  /** CPU that it has used, in clock ticks of 10 ms. */
  ticks(): number;
}

/** Starts a core; it is killed at the end of the test, and a sanitizer's report fails the test. */
export async function startCore(tools: Tools, options: CoreOptions = {}): Promise<Running> {
  const directory = temporaryDirectory();
  const path = join(directory, "test.sock");
  const arrived: Driver[] = [];
  const server = await gate(path, (driver) => arrived.push(driver));
  const log = `log_path=${join(directory, "report")}`;
  const errors = join(directory, "stderr");
  const [command = "", ...words] = [...(options.before ?? []), tools.upkeep, ...(options.words ?? ["run", "/"])];
  const shell = ["-c", `exec "$@" 2>>"${errors}"`, "sh", command, ...words];
  rmSync(errors, { force: true });
  writeFileSync(errors, "");
  await execa("chmod", ["-R", "a+rwX", directory]);
  const child = spawn("sh", options.stdio === undefined ? shell : ["-c", 'exec "$@"', "sh", command, ...words], {
    stdio: [...(options.stdio ?? ["ignore", "ignore", "ignore"])],
    cwd: "/",
    env: {
      PATH: process.env["PATH"],
      UPKEEP_NODE: tools.driver,
      UPKEEP_TEST: path,
      ASAN_OPTIONS: `${log}:detect_leaks=0:abort_on_error=0`,
      UBSAN_OPTIONS: `${log}:print_stacktrace=1:halt_on_error=1`,
      ...options.env,
    },
  });
  const exited: Promise<Exit> = once(child, "exit").then(([code, signal]) => (code === null ? { signal } : { code }));
  let told = 0;
  const running: Running = {
    process: child,
    pid: child.pid ?? 0,
    manager: async () => {
      const driver = await eventually("the next manager is there", () => arrived[told]);
      told++;
      await driver.heard("begin");
      return driver;
    },
    ready: async () => {
      const driver = await running.manager();
      driver.send("ready");
      return driver;
    },
    stderr: () => readFileSync(errors, "utf8"),
    exit: () => exited,
    ticks: () => {
      const fields = readFileSync(`/proc/${running.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      return Number(fields[11]) + Number(fields[12]);
    },
  };
  onTestFailed(() => void process.stderr.write(`--- the core's stderr\n${running.stderr()}\n`));
  onTestFinished(async () => {
    const isUp = isAlive(running.pid);
    const reports = readdirSync(directory).filter((name) => name.startsWith("report"));
    const text = reports.map((name) => readFileSync(join(directory, name), "utf8")).join("\n");
    await endAll(child, arrived, server);
    expect(text, isUp ? "a sanitizer's report" : "a sanitizer's report, and the core has ended").toBe("");
  });
  return running;
}

async function endAll(child: ChildProcess, drivers: readonly Driver[], server: Server): Promise<void> {
  const ended = child.exitCode !== null || child.signalCode !== null ? null : once(child, "exit");
  // Its children first, while it still is their parent: nothing of a test outlives it. Later the pid may be another's.
  if (ended !== null) await execa("pkill", ["-KILL", "-P", String(child.pid)], { reject: false });
  child.kill("SIGKILL");
  await ended;
  for (const driver of drivers) driver.kill();
  server.close();
}

/** Where drivers come in: each makes two connections, which say their role and its pid first. */
async function gate(path: string, arrived: (driver: Driver) => void): Promise<Server> {
  const halves = new Map<number, { channel?: Socket; handles?: Socket }>();
  const server = createServer((socket) => {
    let greeting = "";
    socket.on("error", () => socket.destroy());
    socket.on("data", function greet(chunk: Buffer) {
      greeting += chunk.toString("latin1");
      const end = greeting.indexOf("\n");
      if (end < 0) return;
      socket.off("data", greet).pause();
      socket.unshift(Buffer.from(greeting.slice(end + 1), "latin1"));
      const [role, pid] = greeting.slice(0, end).split(" ");
      const half = halves.get(Number(pid)) ?? {};
      halves.set(Number(pid), half);
      half[role === "channel" ? "channel" : "handles"] = socket;
      if (half.channel !== undefined && half.handles !== undefined) {
        halves.delete(Number(pid));
        arrived(drive(Number(pid), half.channel, half.handles));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

function drive(pid: number, channel: Socket, handles: Socket): Driver {
  const messages: Message[] = [];
  const handed: Handle[] = [];
  const readings = new Map<number, Buffer[]>();
  const began = stat(pid)?.startTime;
  let written = 0;
  let line = "";
  const decode = decoder();
  channel.on("data", (chunk) => void messages.push(...decode(chunk)));
  const hear = (text: string) => {
    const [word, number, ...rest] = text.split(" ");
    if (word === "wrote") written = Number(number);
    if (word === "handle") handed.push({ fd: Number(number), message: JSON.parse(rest.join(" ")).msg });
    if (word === "read") {
      const pieces = readings.get(Number(number)) ?? [];
      readings.set(Number(number), [...pieces, Buffer.from(rest.join(""), "hex")]);
    }
  };
  handles.on("data", (chunk: Buffer) => {
    line += chunk.toString("latin1");
    for (let end = line.indexOf("\n"); end >= 0; end = line.indexOf("\n")) {
      hear(line.slice(0, end));
      line = line.slice(end + 1);
    }
  });
  channel.resume();
  handles.resume();
  return {
    pid,
    handles: handed,
    send: (name, ...fields) => void channel.write(encode(name, fields)),
    raw: (bytes) => void channel.write(bytes),
    order: (text) => void handles.write(`${text}\n`),
    written: () => written,
    hangUp: () => void channel.end(),
    messages: (name) => messages.filter((message) => name === undefined || message.name === name),
    heard: (name, is = () => true) =>
      eventually(
        `${name} is heard`,
        () => messages.find((message) => message.name === name && is(message.fields))?.fields,
      ),
    handle: (is) => eventually("a descriptor is handed up", () => handed.find(is)),
    async read(fd) {
      const before = readings.get(fd)?.length ?? 0;
      handles.write(`read ${fd}\n`);
      return eventually("the pipe is read", () => readings.get(fd)?.[before]);
    },
    kill() {
      // By then its pid may be another's, for thousands of processes come and go beside it.
      if (stat(pid)?.startTime === began) end(pid);
      channel.destroy();
      handles.destroy();
    },
  };
}

let sequence = 0;

/** Starts a program under a fresh id (`attributes` are `key=value` words); its id and its pid once it is executed. */
export async function start(
  driver: Driver,
  ...attributes: readonly string[]
): Promise<{ readonly id: string; readonly pid: number }> {
  const id = `1.${++sequence}`;
  driver.send("spawn", id, "1", ...attributes);
  const [, pid] = await driver.heard("spawned", (fields) => fields[0] === id);
  return { id, pid: Number(pid) };
}

/** Runs a program to its end: what it wrote, and its code and signal as the core tells them. */
export async function run(
  driver: Driver,
  argv: readonly string[],
  ...attributes: readonly string[]
): Promise<{ readonly output: Buffer; readonly code: string; readonly signal: string; readonly pid: number }> {
  const tag = `run${++sequence}`;
  driver.send("pipe", tag, "1");
  const { fd } = await driver.handle(({ message }) => message.pipe === tag);
  const words = argv.map((word) => `arg=${word}`);
  const { id, pid } = await start(driver, ...words, `out=pipe:${tag}`, `err=pipe:${tag}`, ...attributes);
  const [serial = "", , , code = "", signal = ""] = await driver.heard("exited", (fields) => fields[1] === id);
  driver.send("ack", serial);
  return { output: await driver.read(fd), code, signal, pid };
}

/** The step and errno with which a start fails. */
export async function failure(
  driver: Driver,
  ...attributes: readonly string[]
): Promise<readonly [step: string, errno: number]> {
  const id = `1.${++sequence}`;
  driver.send("spawn", id, "1", ...attributes);
  const [, step = "", errno] = await driver.heard("failed", (fields) => fields[0] === id);
  return [step, Number(errno)];
}
