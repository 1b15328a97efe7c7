// The core against a manager that is broken, slow, mute or gone; and its control socket.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { encode, FRAME_MAX } from "../../src/channel/messages.ts";
import { buildCore, type Driver, run, start, startCore, type Tools } from "../helpers/core.ts";
import { eventually, throughout } from "../helpers/eventually.ts";
import { fixture } from "../helpers/init.ts";
import { need } from "../helpers/need.ts";
import { launch } from "../helpers/pid-namespace.ts";
import { children, comesToRest, fds, isAlive, send, stat, waits } from "../helpers/proc.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";

let tools: Tools;
beforeAll(async () => {
  tools = await buildCore();
});

const SLEEP = ["arg=/bin/sleep", "arg=60"] as const;
const die = (driver: Driver) => send(driver.pid, "SIGKILL");
const head = (length: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(length);
  return bytes;
};
const body = (text: string) => Buffer.concat([head(text.length), Buffer.from(text, "latin1")]);

describe("kills the manager, and nothing else, for", () => {
  const broken: readonly (readonly [title: string, bytes: Buffer])[] = [
    ["a frame without length", head(0)],
    ["a frame over the largest", head(FRAME_MAX + 1)],
    ["a length of all ones", head(0xffffffff)],
    ["text", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["a frame that does not end in NUL", body("ready")],
    ["an unknown name", body("jump\0")],
    ["an empty name", body("\0")],
    ["too few fields", body("kill\x001.1\0")],
    ["too many fields", body(`stop_on\0${"1\0".repeat(8193)}`)],
  ];

  test.each(broken)("%s; of what follows nothing is done", async (_title, bytes) => {
    const core = await startCore(tools);
    const first = await core.ready();
    const { id, pid } = await start(first, ...SLEEP);
    const before = fds(core.pid).size;
    const after = encode("remember", ["after", "x"]);
    first.raw(Buffer.concat([encode("remember", ["before", "x"]), bytes, ...Array(20_000).fill(after)]));
    const second = await core.ready();
    expect(isAlive(pid)).toBe(true);
    expect(second.messages("blob").map(({ fields }) => fields[0])).toEqual(["before"]);
    expect(second.messages("child").map(({ fields }) => fields[0])).toEqual([id]);
    expect((await run(second, ["/bin/true"])).code).toBe("0");
    second.send("drop", "run1");
    await eventually("nothing is left open", () => fds(core.pid).size <= before + 2);
  });

  test("nothing, if it cannot be reaped: then the next one is started beside it", async () => {
    const hold = await fixture("hold");
    const core = await startCore(tools);
    const first = await core.ready();
    const { pid } = await start(first, ...SLEEP);
    const holder = spawn(hold, [String(first.pid)], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void holder.kill("SIGKILL"));
    await once(holder.stdout, "data");
    die(first);
    const second = await core.ready();
    expect(stat(first.pid)?.state).toBe("Z");
    expect(isAlive(pid)).toBe(true);
    expect(core.stderr()).toMatch(/^upkeep: the manager \(pid \d+\) does not end: .*; it is not waited for$/m);
    // Reaped at last, it is nobody's orphan.
    holder.kill("SIGKILL");
    await eventually("it is gone", () => stat(first.pid) === null);
    expect((await run(second, ["/bin/true"])).code).toBe("0");
    expect(second.messages("orphans")).toEqual([]);
  });

  test("a channel that it closes while it lives on", async () => {
    const core = await startCore(tools);
    const first = await core.ready();
    first.hangUp();
    const second = await core.ready();
    expect(second.pid).not.toBe(first.pid);
    await eventually("the first is dead", () => !isAlive(first.pid));
  });
});

test("half a frame is waited for, byte by byte, while others are served", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  const { pid } = await start(driver, ...SLEEP);
  for (const byte of encode("kill", ["1.1", "0", "0"]).subarray(0, -1)) driver.raw(Buffer.from([byte]));
  send(pid, "SIGKILL");
  await driver.heard("exited");
  driver.raw(Buffer.from([0]));
  expect((await run(driver, ["/bin/true"])).code).toBe("0");
});

test("the largest frame is taken, in pieces of any size and with another behind it", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  const value = "x".repeat(FRAME_MAX - "remember\0big\0\0".length);
  const big = encode("remember", ["big", value]);
  for (const cut of [1, 4, 65_536, big.length - 1]) {
    const before = driver.written();
    driver.raw(big.subarray(0, cut));
    await eventually("the first piece is in the channel", () => driver.written() >= before + cut);
    driver.raw(
      Buffer.concat([
        big.subarray(cut),
        encode("remember", ["small", "y"]),
        ...Array(3000).fill(encode("budget", ["9000"])),
      ]),
    );
    expect((await run(driver, ["/bin/true"])).code).toBe("0");
  }
  die(driver);
  const second = await core.manager();
  expect(new Map(second.messages("blob").map(({ fields }) => [fields[0], fields[1]?.length]))).toEqual(
    new Map([
      ["big", value.length],
      ["small", 1],
    ]),
  );
});

test("what is remembered has a bound, which is said, and every hello fits", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  const value = "x".repeat(1_000_000);
  for (let i = 0; i < 12; i++) driver.send("remember", `key${i}`, value);
  await run(driver, ["/bin/true"]);
  die(driver);
  const second = await core.ready();
  expect(second.messages("blob").map(({ fields }) => fields[1]?.length)).toEqual(Array(8).fill(value.length));
  expect(core.stderr()).toMatch(/cannot remember key8/);
});

test("a manager that reads nothing keeps nobody from being reaped, and hears it all later", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  const ids: string[] = [];
  for (let i = 0; i < 100; i++) ids.push((await start(driver, ...SLEEP)).id);
  send(driver.pid, "SIGSTOP");
  const storm = children(core.pid).filter((pid) => pid !== driver.pid);
  for (const pid of storm) send(pid, "SIGKILL");
  await eventually("all are reaped", () => children(core.pid).length === 1);
  await comesToRest(core.pid);
  send(driver.pid, "SIGCONT");
  await eventually("all are told", () => driver.messages("exited").length === ids.length);
});

test("three managers that fail before anything was started end the program, with 111", async () => {
  const core = await startCore(tools, { env: { UPKEEP_NODE: "/bin/false" } });
  expect(await core.exit()).toEqual({ code: 111 });
});

test("a Node that is not there ends the program at once, with 127", async () => {
  const core = await startCore(tools, { env: { UPKEEP_NODE: "/nowhere/node" } });
  expect(await core.exit()).toEqual({ code: 127 });
});

test("managers that fail once something was started are started again for ever", async () => {
  const core = await startCore(tools);
  let driver = await core.ready();
  const { pid } = await start(driver, ...SLEEP);
  for (let i = 0; i < 5; i++) {
    die(driver);
    driver = await core.ready();
  }
  expect(isAlive(pid)).toBe(true);
  expect(driver.messages("child").length).toBe(1);
});

test("1,000 pipes are handed up at once, each once, and again to the next manager", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  const tags = Array.from({ length: 1000 }, (_, i) => `t${i}`);
  for (const tag of tags) driver.send("pipe", tag, "1");
  await eventually("all are handed up", () => driver.handles.length === tags.length, 20_000);
  expect(driver.handles.map(({ message }) => message.pipe).sort()).toEqual([...tags].sort());
  die(driver);
  const second = await core.ready();
  await eventually("all are handed up again", () => second.handles.length === tags.length, 20_000);
});

test("lines of a pipe are told as readable once, and again only when it is drained", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  driver.send("pipe", "web", "1");
  const { fd } = await driver.handle(({ message }) => message.pipe === "web");
  await start(driver, "arg=/bin/sh", "arg=-c", "arg=echo one; echo two; echo three; exec sleep 60", "out=pipe:web");
  await driver.heard("readable");
  await run(driver, ["/bin/true"]);
  expect(driver.messages("readable").length).toBe(1);
  expect((await driver.read(fd)).toString()).toMatch(/^one\n/);
  driver.send("drained", "web", "0");
  await start(driver, "arg=/bin/echo", "arg=more", "out=pipe:web");
  await eventually("it is told again", () => driver.messages("readable").length === 2);
});

test("a pipe that is enlarged holds a megabyte, and a larger read of it may be lost with the manager", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  driver.send("pipe", "web", "1");
  await driver.handle(({ message }) => message.pipe === "web");
  const { pid } = await start(
    driver,
    "arg=/bin/sh",
    "arg=-c",
    "arg=head -c 1048576 /dev/zero; exec sleep 60",
    "out=pipe:web",
  );
  await driver.heard("readable");
  await eventually("it waits for room", () => children(pid).length === 1 && waits(children(pid)[0] ?? 0));
  driver.send("enlarge", "web");
  await eventually("all is in the pipe", () => children(pid).length === 0);
  driver.send("taking", "web");
  await run(driver, ["/bin/true"]);
  die(driver);
  const second = await core.ready();
  expect(second.messages("log").find(({ fields }) => fields[0] === "web")?.fields[3]).toBe("-524288");
});

describe("the control socket", () => {
  const client = (path: string): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(path, () => resolve(socket)).on("error", reject);
      onTestFinished(() => void socket.destroy());
    });
  const listen = async (driver: Driver, path: string, mode = 0o600, gid = -1): Promise<number> => {
    const before = driver.messages("listening").length;
    driver.send("listen", path, String(mode), String(gid));
    const { fields } = await eventually("it is answered", () => driver.messages("listening")[before]);
    expect(fields[0]).toBe(path);
    return Number(fields[1]);
  };
  const { EADDRINUSE, EEXIST, ENOENT, ENAMETOOLONG, EINVAL } = constants.errno;

  test("hands each connection up with its peer's pid and uid, and has the mode and group asked for", async (context) => {
    need(context, "root");
    const driver = await (await startCore(tools)).ready();
    const path = join(temporaryDirectory(), "control");
    expect(await listen(driver, path, 0o660, 54321)).toBe(0);
    expect([statSync(path).mode & 0o777, statSync(path).gid]).toEqual([0o660, 54321]);
    await client(path);
    const { message } = await driver.handle((handle) => handle.message.connection === true);
    expect(message).toMatchObject({ pid: process.pid, uid: 0, gid: 0 });
  });

  test("keeps its clients waiting while no manager lives, and while the next one asks for the socket again", async () => {
    const core = await startCore(tools);
    const first = await core.ready();
    const path = join(temporaryDirectory(), "control");
    await listen(first, path);
    die(first);
    const second = await core.manager();
    const clients = await Promise.all(Array.from({ length: 50 }, () => client(path)));
    const ended: Socket[] = [];
    for (const socket of clients) socket.on("close", () => ended.push(socket));
    expect(await listen(second, path, 0o640)).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(second.handles.length).toBe(0);
    second.send("ready");
    await eventually("all are handed up", () => second.handles.length === clients.length);
    expect(ended).toEqual([]);
  });

  test("loses no client where a manager is slow to take them", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const path = join(temporaryDirectory(), "control");
    await listen(driver, path);
    send(driver.pid, "SIGSTOP");
    const clients: Socket[] = [];
    const ended: Socket[] = [];
    // As many as the channel and the backlog take; the next one would wait.
    // Where the backlog is full for a moment, connect fails, for it does not wait in Node.
    while (clients.length < 300)
      clients.push(
        (await eventually("there is room", () => client(path))).on("close", function (this: Socket) {
          ended.push(this);
        }),
      );
    await comesToRest(core.pid);
    send(driver.pid, "SIGCONT");
    await eventually("all are handed up", () => driver.handles.length === clients.length);
    expect(ended).toEqual([]);
  });

  test("replaces a socket that nobody holds, and refuses a living one, a file, and what is no path for it", async () => {
    const core = await startCore(tools);
    const driver = await core.ready();
    const directory = temporaryDirectory();
    const at = (name: string) => join(directory, name);
    const living = createServer().listen(at("living"));
    await eventually("the other listens", () => living.listening);
    onTestFinished(() => void living.close());
    expect(await listen(driver, at("living"))).toBe(EADDRINUSE);
    writeFileSync(at("file"), "kept");
    expect(await listen(driver, at("file"))).toBe(EEXIST);
    expect(readFileSync(at("file"), "utf8")).toBe("kept");
    expect(await listen(driver, at("none/control"))).toBe(ENOENT);
    expect(await listen(driver, at("x".repeat(120)))).toBe(ENAMETOOLONG);
    expect(await listen(driver, at("mode"), 0o1000)).toBe(EINVAL);
    const other = await startCore(tools);
    const owner = await other.ready();
    expect(await listen(owner, at("stale"))).toBe(0);
    expect(await listen(driver, at("stale"))).toBe(EADDRINUSE);
    other.process.kill("SIGKILL");
    await other.exit();
    await eventually("nobody holds it", () => !isAlive(owner.pid));
    expect(await listen(driver, at("stale"))).toBe(0);
    await client(at("stale"));
    await driver.handle(({ message }) => message.connection === true);
  });

  test("moves where it is asked to, and comes back where its file was taken away", async () => {
    const driver = await (await startCore(tools)).ready();
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "new"));
    expect(await listen(driver, join(directory, "control"))).toBe(0);
    expect(await listen(driver, join(directory, "new/control"))).toBe(0);
    await expect(client(join(directory, "control"))).rejects.toThrow(/ECONNREFUSED/);
    await client(join(directory, "new/control"));
    await driver.handle(({ message }) => message.connection === true);
  });

  test("keeps connections that come while no descriptor is free, without spinning, until one is", async (context) => {
    need(context, "prlimit");
    const core = await startCore(tools);
    const driver = await core.ready();
    const path = join(temporaryDirectory(), "control");
    await listen(driver, path);
    const limit = (files: number) => execa("prlimit", ["--pid", String(core.pid), `--nofile=${files}:`]);
    await limit(3);
    const clients = await Promise.all(Array.from({ length: 5 }, () => client(path)));
    const ended: Socket[] = [];
    for (const socket of clients) socket.on("close", () => ended.push(socket));
    // It looks again now and then, for nobody tells of room.
    const used = core.ticks();
    await throughout("it lives", () => isAlive(core.pid), 300);
    expect(core.ticks() - used).toBeLessThan(6);
    expect(driver.handles).toEqual([]);
    await limit(256);
    await eventually("all are handed up", () => driver.handles.length === clients.length);
    expect(ended).toEqual([]);
  });
});

test("as PID 1 it TERMs everybody, services or not, where nobody answers a stop signal", async () => {
  const directory = temporaryDirectory();
  const report = join(directory, "report");
  // No manager that ever answers: a Node that sleeps.
  const node = join(directory, "node");
  writeFileSync(node, "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
  const namespace = await launch(["run", "/"], {
    program: tools.upkeep,
    env: { UPKEEP_NODE: node, ASAN_OPTIONS: `detect_leaks=0:log_path=${report}`, UBSAN_OPTIONS: `log_path=${report}` },
  });
  await eventually("the manager is there", () => namespace.processes().length === 1);
  void namespace.inside(["sleep", "61"]);
  namespace.signal("SIGTERM");
  expect(await namespace.exit()).toEqual({ code: 111 });
  expect(readdirSync(directory)).toEqual(["node"]);
});
