// The native client against the server, over a real socket.
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runCommand } from "../../src/cli/run-command.ts";
import type { Runner } from "../../src/control/exec.ts";
import { createControl } from "../../src/control/server.ts";
import { eventually, timed } from "../helpers/eventually.ts";
import { type FakeSupervisor, fakeSupervisor, statusOf } from "../helpers/fake-supervisor.ts";
import { status } from "../helpers/proc.ts";

const core = join(import.meta.dirname, "../../src/core");
const parts = ["client.c", "client-request.c", "client-socket.c", "client-reply.c"].map((name) => join(core, name));
const isRoot = process.getuid?.() === 0;

let built: string;
let client: string;
beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), "upkeep-client-"));
  chmodSync(built, 0o755);
  client = join(built, "upkeep");
  const main = join(built, "main.c");
  writeFileSync(main, '#include "client.h"\nint main(int argc, char **argv) { return client_main(argc, argv); }\n');
  const flags = [
    "-std=gnu11",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-I",
    core,
    '-DUPKEEP_VERSION="0.1.0"',
    "-o",
    client,
  ];
  const checked = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  execFileSync(process.env["CC"] ?? "cc", [...flags, ...checked, main, ...parts]);
});
afterAll(() => rmSync(built, { recursive: true }));

let dir: string;
let server: Server;
let supervisor: FakeSupervisor;
let sockets: Set<Socket>;
let connected: number;
let runner: Runner;
let serve: (socket: Socket) => void;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "upkeep-control-"));
  supervisor = fakeSupervisor(statusOf("db"), statusOf("web"));
  runner = runCommand;
  await listen();
});
afterEach(async () => {
  await close();
  rmSync(dir, { recursive: true, force: true });
});

async function listen(by: (socket: Socket) => void = serveControl()) {
  serve = by;
  sockets = new Set();
  connected = 0;
  server = createServer((socket) => {
    connected++;
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(join(dir, "control"), resolve));
}

function serveControl() {
  const run: Runner = (...all) => runner(...all);
  const control = createControl({ supervisor, run, note: () => {}, fault: () => {}, writeLogs: () => {} });
  return (socket: Socket) => control.serve(socket, { uid: 0, gid: 0, pid: 1 });
}

async function close() {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
}

interface Ran {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: Buffer;
  readonly err: string;
}

function start(words: readonly (string | Buffer)[], over: NodeJS.ProcessEnv = {}, cwd = dir) {
  const env = { PATH: process.env["PATH"], UPKEEP_RUNTIME_DIR: dir, ASAN_OPTIONS: "detect_leaks=0", ...over };
  // Bytes that are no UTF-8 get to the command through the shell's printf.
  const isBinary = words.some((word) => Buffer.isBuffer(word));
  const quoted = words.map((word) =>
    Buffer.isBuffer(word)
      ? `"$(printf '${[...word].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}')"`
      : `'${word}'`,
  );
  const child = isBinary
    ? spawn("/bin/sh", ["-c", `exec ${client} ${quoted.join(" ")}`], { env, cwd })
    : spawn(client, words as string[], { env, cwd });
  const out: Buffer[] = [];
  let err = "";
  let heard = () => {};
  child.stdout.on("data", (bytes: Buffer) => {
    out.push(bytes);
    heard();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    err += bytes.toString();
  });
  const ended = new Promise<Ran>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal, out: Buffer.concat(out), err })),
  );
  const saw = (text: string) =>
    new Promise<void>((resolve) => {
      heard = () => {
        if (Buffer.concat(out).toString().includes(text)) resolve();
      };
      heard();
    });
  return { child, ended, saw };
}

const run = (words: readonly (string | Buffer)[], over: NodeJS.ProcessEnv = {}) => start(words, over).ended;

/** Resolves once `done` holds. */
async function until(done: () => boolean) {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe("a command", () => {
  test("prints what comes back and leaves with its code", async () => {
    const { code, out, err } = await run(["status"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.toString()).toMatch(/^NAME .*\ndb +up .*\nweb +up /);
    expect(await run(["stop", "weeb"])).toMatchObject({
      code: 4,
      err: 'upkeep: no service "weeb"; did you mean web?\n',
    });
  });

  test.each([0, 1, 2, 64, 127, 255])("leaves with %i where that is the code", async (code) => {
    runner = async () => code;
    expect((await run(["status"])).code).toBe(code);
  });

  test("waits for the outcome of its order", async () => {
    supervisor.change("web", { state: "down", want: "down", pid: null });
    const { ended } = start(["start", "web"]);
    await until(() => supervisor.orders.length > 0);
    supervisor.change("web", { state: "up", ready: true, pid: 5, want: "up" });
    expect(await ended).toMatchObject({ code: 0, err: "" });
  });

  test("takes paths against its own directory", async () => {
    let seen = "";
    runner = async (_, { cwd }) => {
      seen = cwd;
      return 0;
    };
    await run(["status", "./web"]);
    expect(seen).toBe(dir);
  });

  test("hands every byte of its words on that is text, and marks what is not", async () => {
    let seen: readonly string[] = [];
    runner = async (argv) => {
      seen = argv;
      return 0;
    };
    const plain = ["status", 'a"b\\c', "tab\there", "line\nbreak", "\u0001\u007f", "", "äöü €", "日本", "😀"];
    await run(plain);
    expect(seen).toEqual(plain);
    const bytes = Buffer.from([0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xc0, 0xaf, 0xf5, 0xe2, 0x82]);
    await run(["status", bytes]);
    expect(seen[1]).toBe("a\ufffd\ufffd(\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd");
  });

  test("of every single byte and pair of odd bytes arrives as JSON", async () => {
    const seen: string[] = [];
    runner = async (argv) => {
      seen.push(...argv.slice(1));
      return 0;
    };
    const every = Array.from({ length: 254 }, (_, at) => Buffer.from([at + 1, 0x78]));
    expect((await run(["status", ...every])).code).toBe(0);
    expect(seen).toHaveLength(254);
    for (const [at, word] of seen.entries()) expect(word).toBe(every[at]?.toString("utf8"));
  });

  test("with more than 64 KB of words is refused", async () => {
    expect(await run(["status", "x".repeat(70_000)])).toMatchObject({ code: 64 });
    runner = async () => 0;
    expect(await run(["status", "x".repeat(60_000)])).toMatchObject({ code: 0 });
  });

  test("copies 20 MB byte for byte to a reader that is slow", async () => {
    const piece = Buffer.alloc(100_000, "0123456789\n");
    runner = async (_, __, ___, io) => {
      for (let at = 0; at < 200; at++) {
        io.out(piece);
        await io.drained();
      }
      return 0;
    };
    const { code, out } = await run(["logs"]);
    expect(code).toBe(0);
    expect(out.length).toBe(200 * piece.length);
    expect(out.subarray(-piece.length).equals(piece)).toBe(true);
  });

  test("ends quietly when nobody reads it any more, also while nothing comes", async () => {
    const { child, ended, saw } = start(["logs", "-f", "web"]);
    supervisor.print("web", "hello");
    await saw("hello");
    child.stdout.destroy();
    expect(await ended).toMatchObject({ code: 141, err: "" });
    await until(() => supervisor.followers() === 0);
  });

  test("with its output closed does not write into the socket, and fails", async () => {
    const command = `exec ${client} status >&- 2>&- <&-`;
    const env = { UPKEEP_RUNTIME_DIR: dir, ASAN_OPTIONS: "detect_leaks=0" };
    const child = spawn("/bin/sh", ["-c", command], { env, stdio: "ignore" });
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(1);
  });

  test("interrupted by its user is forgotten by the manager", async () => {
    const { child, ended } = start(["wait", "--for", "down", "web"]);
    await until(() => supervisor.watchers() > 0);
    child.kill("SIGINT");
    expect((await ended).signal).toBe("SIGINT");
    await until(() => supervisor.watchers() === 0);
  });

  test("version needs no supervisor", async () => {
    await close();
    expect(await run(["version"])).toMatchObject({ code: 0, out: Buffer.from("upkeep 0.1.0\n") });
    await listen();
  });
});

describe("a manager that ends", () => {
  test("is followed by the next one, for logs -f with what that one has read, and without a line twice", async () => {
    const { child, ended, saw } = start(["logs", "-f", "web"]);
    supervisor.print("web", "one");
    await saw("one");
    supervisor = fakeSupervisor(statusOf("web"));
    supervisor.print("web", "meanwhile");
    serve = serveControl();
    for (const socket of sockets) socket.destroy();
    await until(() => connected === 2 && supervisor.followers() === 1);
    supervisor.print("web", "two");
    await saw("two");
    child.kill();
    expect((await ended).out.toString()).toBe("one\nmeanwhile\ntwo\n");
  });

  test("is asked again for status, once", async () => {
    await close();
    await listen((socket) => socket.once("data", () => socket.destroy()));
    expect(await run(["status"])).toMatchObject({ code: 1, err: expect.stringContaining("the manager restarted") });
    expect(connected).toBe(2);
  });

  test.each(["restart", "once", "signal", "reload", "shutdown"])("is not told to %s twice", async (verb) => {
    await close();
    await listen((socket) => socket.once("data", () => socket.destroy()));
    expect(await run([verb, "web"])).toMatchObject({ code: 1, err: expect.stringContaining("the manager restarted") });
    expect(connected).toBe(1);
  });

  test("in the middle of a status does not make it come twice", async () => {
    await close();
    await listen((socket) => socket.once("data", () => socket.end('{"out":100}\nhalf')));
    const { code, out } = await run(["status"]);
    expect(code).toBe(1);
    expect(out.toString()).toBe("half");
  });

  test.each([
    "nonsense\n",
    "{\n",
    '{"out":-1}\n',
    '{"out":99999999999999999999}\n',
    '{"exit":"1"}\n',
    "x".repeat(70_000),
  ])("answers %.20j and the client says so", async (answer) => {
    await close();
    await listen((socket) => socket.once("data", () => socket.end(answer)));
    const { code, err } = await run(["status"]);
    expect(code).toBe(1);
    expect(err).toMatch(/^upkeep: [^\n]+\n$/);
  });
});

describe("the socket", () => {
  test("that is nowhere is told with every place", async () => {
    await close();
    const { code, err } = await run(["status"], { XDG_RUNTIME_DIR: "/nowhere", UPKEEP_RUNTIME_DIR: "" });
    expect(code).toBe(7);
    expect(err).toContain("no supervisor listens at /run/upkeep/control, /nowhere/upkeep/control, /tmp/upkeep-");
    await listen();
  });

  test("in the directory that is asked for is looked for nowhere else", async () => {
    await close();
    const { code, err } = await run(["status"], { XDG_RUNTIME_DIR: "/nowhere" });
    expect(code).toBe(7);
    expect(err).toContain(`no supervisor listens at ${dir}/control; `);
    await listen();
  });

  test("that is not there yet is waited for by wait, and by nobody else", async () => {
    await close();
    const over = { UPKEEP_SOCKET: join(dir, "control") };
    const waiting = start(["wait", "db"], over);
    // Each look that finds nobody ends in a sleep.
    const looks = () => Number(status(waiting.child.pid ?? 0, "voluntary_ctxt_switches"));
    await eventually("the client has looked again and again", () => looks() >= 10);
    // So many looks and no more: it must not come to the last one while we are busy.
    waiting.child.kill("SIGSTOP");
    expect((await run(["status"], over)).code).toBe(7);
    await listen();
    waiting.child.kill("SIGCONT");
    expect((await waiting.ended).code).toBe(0);
  });

  test("that never comes is waited for three seconds", async () => {
    await close();
    const { result, took } = await timed(() => run(["wait", "db"], { UPKEEP_SOCKET: join(dir, "control") }));
    expect(result.code).toBe(7);
    expect(took).toBeGreaterThanOrEqual(3000);
    await listen();
  });

  test("that is named is used and no other", async () => {
    expect((await run(["status"], { UPKEEP_SOCKET: join(dir, "control"), UPKEEP_RUNTIME_DIR: "/nowhere" })).code).toBe(
      0,
    );
    expect((await run(["status"], { UPKEEP_SOCKET: "/nowhere/control" })).code).toBe(7);
    expect((await run(["status"], { UPKEEP_SOCKET: `/${"x".repeat(200)}` })).code).toBe(7);
  });

  test.runIf(isRoot)("in a directory of a stranger is refused", async () => {
    const theirs = join(dir, "theirs");
    mkdirSync(theirs);
    chownSync(theirs, 4242, 4242);
    const { code, err } = await run(["status"], { UPKEEP_RUNTIME_DIR: theirs });
    expect(code).toBe(5);
    expect(err).toContain("belongs to another user");
  });

  test.runIf(isRoot)("that does not let its caller in ends the command with 5", async () => {
    const env = { UPKEEP_RUNTIME_DIR: dir, ASAN_OPTIONS: "detect_leaks=0" };
    const child = spawn(client, ["status"], { env, cwd: "/", uid: 4242, gid: 4242 });
    let err = "";
    child.stderr.on("data", (bytes: Buffer) => {
      err += bytes.toString();
    });
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(5);
    expect(err).toContain("not permitted to use");
  });

  test.runIf(isRoot)("of a stranger in a directory of ours is refused", async () => {
    await close();
    chmodSync(dir, 0o777);
    const script = `require("node:net").createServer((s) => s.end('{"exit":0}\\n')).listen(${JSON.stringify(join(dir, "control"))}, () => console.log("up"))`;
    const stranger = spawn(process.execPath, ["-e", script], { uid: 4242, gid: 4242 });
    await new Promise((resolve) => stranger.stdout.once("data", resolve));
    expect(await run(["status"])).toMatchObject({ code: 5, err: expect.stringContaining("belongs to another user") });
    stranger.kill();
    await new Promise((resolve) => stranger.once("exit", resolve));
    rmSync(join(dir, "control"));
    await listen();
  });
});

test("1,000 connections at a time do not keep a command from its answer", async () => {
  let refused = 0;
  const others = Array.from({ length: 1_000 }, () =>
    // Those that the socket's backlog cannot hold are turned away by the kernel.
    connect(join(dir, "control")).on("error", () => refused++),
  );
  await until(() => connected + refused >= 1_000);
  expect(connected).toBeGreaterThan(256);
  expect((await run(["status"])).code).toBe(0);
  for (const other of others) other.destroy();
});
