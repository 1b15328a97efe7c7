// Bad input of every kind: one clear sentence each, and nothing else is harmed.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { type RawClient, rawClient, rawClientSoon } from "../helpers/ask.ts";
import { eventually, timed } from "../helpers/eventually.ts";
import { need } from "../helpers/need.ts";
import { launch, type Namespace, type Result, upkeep } from "../helpers/pid-namespace.ts";
import { argv, children, exe, isAlive, send } from "../helpers/proc.ts";
import { type ServiceFiles, scanDir, temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";
import { allUp, statuses } from "../helpers/status.ts";

const web: ServiceFiles = { run: "#!/bin/sh\nexec sleep 100000\n" };
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`s${i}`, web]));

/** Runs the command to its end, with nothing but PATH in its environment. */
async function run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Result> {
  const result = await execa(upkeep, words, {
    reject: false,
    extendEnv: false,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    timeout: 20_000,
  });
  return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const firstLine = (text: string): string => lines(text)[0] ?? "";

test("lint whose reader has gone is silent and ends as one that SIGPIPE has ended", async () => {
  const dir = scanDir({ web: { run: "#!/nonesuch" } }).path;
  const { stdout, stderr } = await execa("bash", [
    "-c",
    // The reader of the pipe has ended before the command starts.
    'mkfifo "$1/.p"; exec 5<>"$1/.p" 6>"$1/.p" 5<&-; "$0" lint "$1" >&6; echo $?',
    upkeep,
    dir,
  ]);
  expect(stdout).toBe("141");
  expect(stderr).toBe("");
});

describe("a command line that is wrong", () => {
  const dir = scanDir().path;
  test.each([
    ["nothing at all", [], /nothing to do/],
    ["an empty word", [""], /the first word is empty/],
    ["a command that does not exist", ["frobnicate"], /unknown command frobnicate, and no directory either$/],
    ["a slip in a command", ["stauts"], /unknown command stauts; did you mean status\?/],
    ["the beginning of one", ["stat"], /unknown command stat; did you mean status\?/],
    ["what it is called elsewhere", ["doctor"], /unknown command doctor; did you mean lint\?/],
    ["a slip in one that needs no supervisor", ["hlep"], /unknown command hlep; did you mean help\?/],
    ["an unknown option", ["--frob", dir], /unknown option --frob/],
    ["an option without its file", ["-c"], /-c needs a file/],
    ["no directory after the options", ["-c", "/dev/null"], /no directory/],
    ["a word too many", [dir, "extra"], /unexpected word extra/],
    ["-- without a command", ["--"], /no command after --/],
    ["run without a directory", ["run"], /run needs a directory/],
  ])("with %s leaves with 64, a sentence and the usage", async (_what, words, sentence) => {
    const { code, stdout, stderr } = await run(words);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(firstLine(stderr)).toMatch(sentence);
    expect(stderr).toMatch(/^usage: upkeep .* DIR/m);
  });

  test("with a path to nothing leaves with 127, to what is no program with 126, in one sentence each", async () => {
    const directory = temporaryDirectory();
    writeFiles(directory, { notes: "text" });
    const nothing = await run([`${directory}/service`]);
    expect(nothing).toMatchObject({
      code: 127,
      stderr: expect.stringMatching(/^upkeep: cannot run or supervise \S+: No such file/),
    });
    const notes = await run([`${directory}/notes`]);
    expect(notes).toMatchObject({
      code: 126,
      stderr: expect.stringMatching(/^upkeep: cannot run \S+: Permission denied; chmod \+x/),
    });
    expect([...lines(nothing.stderr), ...lines(notes.stderr)]).toHaveLength(2);
  });
});

describe("a scan directory", () => {
  test("that is missing or a file is refused with 78 and a sentence", async () => {
    const directory = temporaryDirectory();
    writeFiles(directory, { file: "" });
    for (const [name, why] of [
      ["missing", "No such file or directory"],
      ["file", "Not a directory"],
    ] as const) {
      const { code, stderr } = await run(["run", join(directory, name)]);
      expect({ code, lines: lines(stderr) }).toEqual({
        code: 78,
        lines: [`upkeep: cannot supervise ${directory}/${name}: ${why}; name a directory of service directories`],
      });
    }
  });

  test("that we may not read is refused with 78 and a sentence", async (context) => {
    need(context, "root");
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "service"), { mode: 0o700 });
    const as = ["setpriv", "--reuid", "12345", "--clear-groups"] as const;
    const { code, stderr } = await execWith(as, [join(directory, "service")]);
    expect(code).toBe(78);
    expect(lines(stderr)).toEqual([expect.stringContaining("cannot supervise")]);
    expect(stderr).toContain("Permission denied");
  });

  test("that is empty is supervised: the first service that appears runs", async () => {
    const dir = scanDir();
    const space = await launch([dir.path]);
    await eventually("it is empty", () => space.stderr().includes("supervising 0 services"));
    const { code, stdout } = await eventually("status answers", async () => {
      const result = await space.upkeep("status");
      return result.code === 0 ? result : null;
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("no services in") });
    dir.write("web", web);
    await allUp(space, "web");
  });

  test("that goes away stops nothing, and is told once", async () => {
    const dir = scanDir({ web });
    const space = await launch([dir.path]);
    const pid = (await allUp(space, "web")).get("web") ?? 0;
    await execa("mv", [dir.path, `${dir.path}.away`]);
    await eventually("it is told", () => space.stderr().includes("cannot read the scan directory"));
    expect(isAlive(pid)).toBe(true);
    expect(space.stderr().split("cannot read the scan directory")).toHaveLength(2);
    expect((await statuses(space, "web"))[0]).toMatchObject({ state: "up" });
  });

  test("may hold names that no service can have, 10 MB of service.ini and bytes: each is named, and the rest runs", async () => {
    const dir = scanDir({
      web,
      "-dash": web,
      "two words": web,
      "bell\x07": web,
      garbage: { ...web, "service.ini": Buffer.from([0, 1, 2, 255, 254, 10, 61, 0]) },
      latin: { ...web, "service.ini": Buffer.from("umask = \xe9\n", "latin1") },
      huge: { ...web, "service.ini": `a = ${"x".repeat(10_000_000)}\n` },
      typo: { ...web, "service.ini": "stop-grase = 3s\n" },
    });
    const space = await launch([dir.path]);
    await allUp(space, "web", "typo", "--", "-dash");
    const told = space.stderr();
    expect(told).toMatch(/two\\+x20words: cannot use this name for a service: white space/);
    expect(told).toMatch(/bell\\+x07: cannot use this name for a service: it holds a control character/);
    expect(told).toMatch(/garbage\/service\.ini:1: cannot read the file: there is a NUL in it/);
    expect(told).toMatch(/latin\/service\.ini:1: /);
    expect(told).toMatch(/huge\/service\.ini: .*10000\d+ bytes, over the/);
    expect(told).toMatch(/typo\/service\.ini:1: unknown key .*stop-grase.*stop-grace/);
    for (const name of ["garbage", "latin", "huge"])
      expect((await statuses(space, name))[0]).toMatchObject({ state: "incomplete", why: expect.stringMatching(/./) });
  });
});

describe("a global file", () => {
  test.each([
    ["that is missing", null, /cannot read the configuration: there is no such file/],
    ["that is bytes", Buffer.from([0, 1, 2, 3]), /:1: cannot read the file: there is a NUL/],
    ["with a wrong value", "\nstop-budget = soon\n", /:2: cannot use stop-budget .*soon.*: not a duration/],
  ])("%s ends upkeep with 78 before anything runs", async (_what, text, sentence) => {
    const file = join(temporaryDirectory(), "upkeep.ini");
    if (text !== null) writeFileSync(file, text);
    const space = await launch(["-c", file, scanDir({ web }).path]);
    expect(await space.exit()).toEqual({ code: 78 });
    expect(space.stderr()).toMatch(sentence);
    expect(space.stderr()).not.toContain("started");
  });

  test("that becomes wrong under a running upkeep changes nothing at HUP, and is told", async () => {
    const file = join(temporaryDirectory(), "upkeep.ini");
    writeFileSync(file, "stop-budget = 5s\n");
    const dir = scanDir({ web });
    const space = await launch(["-c", file, dir.path]);
    const before = (await allUp(space, "web")).get("web");
    writeFileSync(file, "stop-budget = soon\n");
    writeFiles(dir.at("web"), { "service.ini": "umask = 999\n" });
    space.signal("HUP");
    await eventually("both are told", () => /soon/.test(space.stderr()) && /999/.test(space.stderr()));
    expect((await allUp(space, "web")).get("web")).toBe(before);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
  });
});

describe("where Node or the bundle is missing", () => {
  const dir = scanDir({ web });
  const cases: readonly [string, Readonly<Record<string, string>>, RegExp][] = [
    [
      "UPKEEP_NODE names nothing",
      { UPKEEP_NODE: "/opt/no/node" },
      /UPKEEP_NODE=\/opt\/no\/node: No such file.*set it to/,
    ],
    ["UPKEEP_NODE names a directory", { UPKEEP_NODE: "/tmp" }, /UPKEEP_NODE=\/tmp: Is a directory.*set it to/],
    ["UPKEEP_NODE names what is no program", { UPKEEP_NODE: "/etc/passwd" }, /Permission denied.*set it to/],
  ];
  test.each(cases)("%s: one sentence, and 127", async (_what, env, sentence) => {
    const { code, stderr } = await run([dir.path], env);
    expect({ code, lines: lines(stderr) }).toEqual({ code: 127, lines: [expect.stringMatching(sentence)] });
  });

  test("PATH and the usual places have no node: one sentence, and 127", async (context) => {
    need(context, "root");
    // A device is no program, and hides what lies beneath.
    const setup = `PATH=$PATH:/usr/local/bin:/usr/bin
for file in $(printf '%s/node ' $(printf %s "$PATH" | tr : ' ')); do [ ! -f "$file" ] || mount --bind /dev/null "$file"; done`;
    const space = await launch([dir.path], { setup });
    expect(await space.exit()).toEqual({ code: 127 });
    expect(lines(space.stderr())).toEqual([
      expect.stringMatching(
        /no node in PATH, \/usr\/local\/bin or \/usr\/bin; install Node.js 20\.19 or later, or set UPKEEP_NODE/,
      ),
    ]);
  });

  test("the program was copied without its bundle: one sentence, and 127", async () => {
    const copy = join(temporaryDirectory(), "upkeep");
    copyFileSync(upkeep, copy);
    chmodSync(copy, 0o755);
    const { exitCode, stderr } = await execa(copy, [dir.path], { reject: false });
    expect({ exitCode, lines: lines(stderr) }).toEqual({
      exitCode: 127,
      lines: [
        expect.stringMatching(/manager\.cjs is neither beside the upkeep program nor in .*; install both together/),
      ],
    });
  });

  test("what UPKEEP_NODE names is no Node: it is tried three times, and ends with 111", async () => {
    const { code, stderr } = await run([dir.path], { UPKEEP_NODE: "/bin/false" });
    expect(code).toBe(111);
    expect(stderr).toMatch(/the manager ended with code 1; no service runs yet/);
    expect(lines(stderr).at(-1)).toMatch(/giving up: the manager has failed 3 times/);
  });

  test("a container runs its command as an init all the same", async () => {
    expect(await run(["--", "sh", "-c", "exit 7"], { UPKEEP_NODE: "/opt/no/node" })).toMatchObject({
      code: 7,
      stderr: "",
    });
  });
});

/** What a service was given at its exec, entry by entry, as bytes. */
function givenEnvironment(pid: number): string[] {
  return readFileSync(`/proc/${pid}/environ`).toString("latin1").split("\0").slice(0, -1);
}

test("the environment arrives at a service byte for byte: duplicates, bytes, and what would bend Node", async (context) => {
  need(context, "perl");
  // No shell can make such entries, so perl calls execve(2) itself.
  const entries = [
    ...["TWICE=1", "BYTES=\xff\xfe\x80", "TWICE=2", "no equals sign", "=nameless", "EMPTY="],
    ...["NODE_OPTIONS=--require=/opt/no/such.js", "LD_PRELOAD=/opt/no/such.so", "NODE_PATH=/opt", "NODE_CHANNEL_FD=77"],
    ...["NODE_EXTRA_CA_CERTS=/opt/no", "UV_THREADPOOL_SIZE=x", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
  ];
  // Executed by us: a shell in between would put its own order into them.
  const direct: ServiceFiles = { "service.ini": "command = sleep 100000\n" };
  const directory = temporaryDirectory();
  const packed = entries.map(
    (entry) => `"${[...entry].map((char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`).join("")}"`,
  );
  // SYS_execve is 59 on x86-64 and 221 on arm64; argv and envp are arrays of pointers.
  writeFiles(directory, {
    start: `#!/usr/bin/perl
my @argv = @ARGV; my @envp = (${packed.join(", ")});
sub vector { pack("Q*", (map { unpack("Q", pack("p", $_)) } @_), 0) }
my ($file, $a, $e) = ($argv[0], vector(@argv), vector(@envp));
syscall(${process.arch === "arm64" ? 221 : 59}, $file, $a, $e);
die "execve: $!";
`,
  });
  const path = exe(process.pid) ?? process.execPath;
  const setup = `exec 3>&- 4<&-\nUPKEEP_NODE=${path}; exec perl ${directory}/start ${upkeep} "$2"\n`;
  const space = await launch([scanDir({ web: direct }).path], { setup });
  const pid = await serviceOf(space);
  expect(givenEnvironment(pid).filter((entry) => !entry.startsWith("UPKEEP_SERVICE="))).toEqual(entries);
  expect(space.stderr().replace(/^\[web\].*\n/gm, "")).not.toMatch(/ld\.so|node:internal|require/);
});

/** The one service, once it runs its program. */
async function serviceOf(space: Namespace): Promise<number> {
  return eventually("the service runs", () => children(space.pid).find((pid) => argv(pid)[0] === "sleep"));
}

describe("where the system has nothing left", () => {
  test("of descriptors: what fits runs, the rest is told why, clients are answered, a killed manager is replaced", async () => {
    const space = await launch([scanDir(many(40)).path], { setup: "ulimit -n 64" });
    const refused = await eventually("some run and some are refused", async () => {
      const all = await statuses(space).catch(() => []);
      const out = all.filter(({ why }) => why?.includes("EMFILE"));
      return all.length === 40 &&
        all.every(({ state }) => state !== "starting" && state !== "waiting") &&
        out.length > 0
        ? all
        : null;
    });
    const up = refused.filter(({ state }) => state === "up");
    expect(up.length).toBeGreaterThan(5);
    expect(refused.find(({ why }) => why?.includes("EMFILE"))?.why).toMatch(
      /no pipe could be made, see the limit nofile of upkeep/,
    );
    const manager = children(space.pid).find((pid) => exe(pid)?.endsWith("/node")) ?? 0;
    send(manager, "SIGKILL");
    await eventually("a new one answers", async () => {
      const now = await statuses(space).catch(() => []);
      return up.every(({ name, pid }) => now.some((one) => one.name === name && one.pid === pid && one.state === "up"));
    });
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
  });

  test("of descriptors even for Node: one sentence with the number, and nothing is started", async () => {
    const { code, stderr } = await execWith(["prlimit", "--nofile=30"], [scanDir({ web }).path]);
    expect({ code, lines: lines(stderr) }).toEqual({
      code: 127,
      lines: [expect.stringMatching(/only 30 files may be open \(nofile\), and it needs 64; raise that limit/)],
    });
  });

  test("of processes: what fits runs, the rest is told why and started once there is room", async (context) => {
    need(context, "root");
    const runtime = temporaryDirectory();
    // A uid that nobody else uses, no other test either: the kernel counts its processes on the whole machine.
    const uid = 56_000 + (process.pid % 1000);
    await execa("chown", [String(uid), runtime]);
    const dir = scanDir(many(30));
    const env = { UPKEEP_RUNTIME_DIR: runtime };
    const as = ["setpriv", "--reuid", String(uid), "--clear-groups", "prlimit"] as const;
    const space = await launch([dir.path], { setup: `exec ${as.join(" ")} --nproc=25:1000 "$@" 3>&- 4<&-`, env });
    const all = await eventually("some are refused", async () => {
      const now = await statuses(space).catch(() => []);
      const isEnough = now.filter(({ state }) => state === "up").length > 5;
      return isEnough && now.some(({ why }) => why?.includes("EAGAIN")) ? now : null;
    });
    expect(all.find(({ why }) => why?.includes("EAGAIN"))?.why).toMatch(
      /no process could be created, see the limit nproc/,
    );
    const { code } = await space.inside([...as, "--nproc=1000:1000", "--pid", "1"]);
    expect(code).toBe(0);
    await eventually("all are up", async () => (await statuses(space)).every(({ state }) => state === "up"), 20_000);
  });

  test("of space for files: the services run, a half-written one is waited for, and runs once it is whole", async () => {
    const services = scanDir({ web }).path;
    const setup = `mkdir /run/small; mount -t tmpfs -o size=64k,mode=755 tmpfs /run/small; mkdir /run/small/service
cp -a ${services}/web /run/small/service; head -c 100000 /dev/zero >/run/small/full 2>/run/log || true`;
    const space = await launch(["/run/small/service"], { setup, env: { UPKEEP_RUNTIME_DIR: "/run/small/upkeep" } });
    await allUp(space, "web");
    const broken = await space.inside([
      "sh",
      "-c",
      "cd /run/small/service && mkdir b && echo 'exec sleep 9' >b/run; chmod +x b/run",
    ]);
    expect(broken.stderr).toMatch(/space|I\/O/);
    await eventually("b is waited for", async () => (await statuses(space, "b"))[0]?.why?.includes("run is empty"));
    await space.inside([
      "sh",
      "-c",
      "rm /run/small/full; printf '#!/bin/sh\\nexec sleep 9\\n' >/run/small/service/b/run",
    ]);
    await allUp(space, "web", "b");
  });

  test("of space for the output: services run on, the loss is told, and what comes once there is room is written", async () => {
    const talk: ServiceFiles = {
      run: "#!/bin/sh\nyes 0123456789 | head -c 1000000\necho done >/run/done\nexec sleep 100000\n",
    };
    const setup = `mkdir /run/small; mount -t tmpfs -o size=64k tmpfs /run/small
exec "$@" >>/run/small/out 3>&- 4<&-`;
    const space = await launch([scanDir({ talk }).path], { setup });
    await eventually("all is said", async () => (await space.inside(["cat", "/run/done"])).code === 0);
    await allUp(space, "talk");
    await eventually("it is told", () =>
      /standard output: ENOSPC; \d+ bytes of the services' output are lost/.test(space.stderr()),
    );
    await space.inside(["sh", "-c", ": >/run/small/out"]);
    expect((await space.upkeep("restart", "talk")).code).toBe(0);
    const written = await eventually("there is output again", async () => {
      const { stdout } = await space.inside(["head", "-c", "40", "/run/small/out"]);
      return stdout !== "" && stdout;
    });
    expect(written).toMatch(/^\[talk\] 0123456789$/m);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
  });

  test("of space for the socket: the services run all the same, and one sentence says what would help", async () => {
    const setup = "mkdir /run/none; mount -t tmpfs -o nr_inodes=1 tmpfs /run/none";
    const space = await launch([scanDir({ web }).path], { setup, env: { UPKEEP_RUNTIME_DIR: "/run/none/upkeep" } });
    await serviceOf(space);
    await eventually("it is told", () =>
      /no control socket: .*no space is left; set UPKEEP_RUNTIME_DIR/.test(space.stderr()),
    );
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
  });
});

/** Runs the command under another one that changes what it may. */
async function execWith(before: readonly [string, ...string[]], words: readonly string[]): Promise<Result> {
  const result = await execa(before[0], [...before.slice(1), upkeep, ...words], { reject: false, timeout: 20_000 });
  return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

describe("the control socket of the running program", () => {
  async function served(): Promise<{ readonly space: Namespace; readonly runtime: string }> {
    const runtime = temporaryDirectory();
    // Its output is for `logs` alone: a file of this side would hold gigabytes soon.
    const chatty: ServiceFiles = {
      run: `#!/bin/sh\nexec yes ${"0123456789".repeat(9)}\n`,
      "service.ini": "log = none\n",
    };
    const space = await launch([scanDir({ web, chatty }).path], { env: { UPKEEP_RUNTIME_DIR: runtime } });
    await allUp(space, "web");
    return { space, runtime };
  }
  async function stillAnswers(space: Namespace): Promise<void> {
    // Whom another holds up waits for ever, and is ended.
    expect((await space.upkeep("status", "web")).code).toBe(0);
  }

  test("answers garbage with a sentence and closes a line without end; others are served meanwhile", async () => {
    const { space, runtime } = await served();
    const cases: readonly [Buffer, RegExp][] = [
      [Buffer.from([0xff, 0xfe, 0, 1, 2, 10]), /cannot read the request: not JSON/],
      [Buffer.from("null\n"), /not a JSON object/],
      [Buffer.from('{"do":"frob"}\n'), /cannot do \\"frob\\": not one of status/],
      [Buffer.from('{"v":99,"do":"status"}\n'), /cannot speak protocol version 99: this is version 1/],
      [Buffer.alloc(70_000, 0x61), /a line is longer than 64 KB/],
    ];
    for (const [bytes, sentence] of cases) {
      const client = await rawClient(runtime);
      client.socket.write(bytes);
      await eventually(`it says ${sentence}`, () => sentence.test(client.heard()));
      client.socket.destroy();
    }
    const half = await rawClient(runtime);
    half.socket.write('{"do":"sta');
    await stillAnswers(space);
    half.socket.write('tus","services":["web"]}\n');
    await eventually("the other half is answered", () => half.heard().includes('"name":"web"'));
    half.socket.destroy();
  });

  test("is not held up by a client that never reads", async () => {
    const { space, runtime } = await served();
    const deaf = await rawClientSoon(runtime);
    deaf.socket.pause();
    deaf.socket.write(`${JSON.stringify({ exec: ["logs", "-f", "chatty"], v: 1 })}\n`);
    const times: number[] = [];
    for (let i = 0; i < 20; i++) times.push((await timed(() => stillAnswers(space))).active);
    // A delay of ours would be in each of them.
    expect(Math.min(...times)).toBeLessThan(500);
    deaf.socket.destroy();
  });

  test("serves a new client while 300 others are connected and silent", async () => {
    const { space, runtime } = await served();
    // Node's connect does not wait for room in the socket's backlog; where there is none it fails, and is tried again.
    const idle: RawClient[] = [];
    while (idle.length < 300) idle.push(await rawClientSoon(runtime));
    await stillAnswers(space);
    await eventually(
      "those too many were told",
      () => idle.filter((each) => /cannot serve more than 256/.test(each.heard())).length >= 44,
    );
    for (const each of idle) each.socket.destroy();
    await stillAnswers(space);
  });
});
