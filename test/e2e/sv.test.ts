// Our sv beside runit's: on states that stay as they are, where every word, code and letter is the same; and on a real
// runsv, where ours answers sooner.
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { eventually, timed } from "../helpers/eventually.ts";
import { type Held, hold, runAll, type Said, statusBytes } from "../helpers/held-state.ts";
import { need } from "../helpers/need.ts";
import { launch, upkeep } from "../helpers/pid-namespace.ts";
import { sleeper, stubborn } from "../helpers/scripts.ts";
import { type ScanDir, scanDir, temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";

const script = (text: string) => `#!/bin/sh\n${text}\n`;

/** Where each sv is under its own name, and a service's init script is a link to it. */
interface Side {
  readonly sv: string;
  readonly script: string;
}
let runit: Side;
let ours: Side;
beforeAll(() => {
  const side = (target: string): Side => {
    const directory = temporaryDirectory();
    const [sv, link] = [join(directory, "sv"), join(directory, "init.d/web")];
    // Copied: an ordinary user need not reach the place where it was built.
    if (target === upkeep) copyFileSync(upkeep, join(directory, "upkeep"));
    symlinkSync(target === upkeep ? "upkeep" : target, sv);
    mkdirSync(join(directory, "init.d"));
    symlinkSync("../sv", link);
    return { sv, script: link };
  };
  runit = side("/usr/bin/sv");
  ours = side(upkeep);
});

/** One call of sv: its words, and whether as an init script. */
interface Words {
  readonly words: readonly string[];
  readonly isScript: boolean;
}

/** What both say to each call, and which letters come of it: two lists that ought to be one. */
async function both(held: Held, calls: readonly Words[]): Promise<readonly (readonly unknown[])[]> {
  const places = hold({ web: held }, calls.length * 2);
  const told = await runAll(
    places.map(({ path }, index) => {
      const { words, isScript } = calls[index % calls.length] ?? named([]);
      const side = index < calls.length ? runit : ours;
      return { program: isScript ? side.script : side.sv, words, env: { SVDIR: path } };
    }),
  );
  const outcomes = told.map((said, index) => ({
    asked: calls[index % calls.length],
    ...said,
    letters: places[index]?.letters(),
  }));
  for (const place of places) place.close();
  return [outcomes.slice(0, calls.length), outcomes.slice(calls.length)];
}

const waiting = [
  ...["start", "stop", "shutdown", "restart", "reload", "try-restart", "check"],
  ...["force-stop", "force-reload", "force-restart", "force-shutdown", "D", "T", "X", "E"],
];
const sending = [
  ...["up", "down", "once", "pause", "cont", "hup", "alarm", "interrupt", "quit", "1", "2", "term", "kill", "exit"],
  ...["u", "d", "o", "p", "c", "h", "a", "i", "q", "t", "k", "x", "e", "ux", "tomorrow"],
];
const named = (words: readonly string[]): Words => ({ words, isScript: false });
const scripted = (...words: readonly string[]): Words => ({ words, isScript: true });
/** Every verb, and whatever may wait with and without doing so. */
const everyCall: readonly Words[] = [
  ...["status", "s", "sx"].map((verb) => named([verb, "web"])),
  ...waiting.map((verb) => named(["-w0", verb, "web"])),
  ...sending.map((verb) => named([verb, "web"])),
  ...sending.map((verb) => named(["-vw0", verb, "web"])),
];
/** Those that tell states from each other. */
const fewCalls: readonly Words[] = [
  named(["status", "web"]),
  named(["exit", "web"]),
  ...["start", "stop", "restart", "try-restart", "check", "force-stop", "shutdown", "once", "pause", "cont"].map(
    (verb) => named(["-vw0", verb, "web"]),
  ),
  scripted("status"),
  scripted("-w0", "stop"),
];

const down = { state: 0, want: "d" } as const;
const states: Readonly<Record<string, Held>> = {
  "runs though normally down": { files: { down: "" } },
  paused: { status: { paused: 1 } },
  "is to go down": { status: { want: "d" } },
  "has got TERM": { status: { want: "d", term: 1 } },
  "has got TERM and is to be up": { status: { term: 1 } },
  "is paused and has got TERM": { status: { want: "d", term: 1, paused: 1 } },
  "in finish": { status: { state: 2 } },
  "in finish, and to go down": { status: { state: 2, want: "d" } },
  "down though normally up": { status: down },
  "normally down": { status: down, files: { down: "" } },
  "down and to go up": { status: { state: 0, want: "u" } },
  "a state of no name": { status: { state: 3 } },
  "a running state without a process": { status: { pid: 0 } },
  "numbers that should be 0 or 1": { status: { want: "\0", term: 7, paused: 9 } },
  "a want of another kind": { status: { want: "x" } },
  "began in the year 0": { status: { bytes: Buffer.concat([Buffer.from("@"), Buffer.alloc(30)]) } },
  "a check that says yes": { files: { check: script("exit 0") } },
  "a check that says no": { files: { check: script("exit 3") } },
  "a check that prints": { files: { check: script("echo yes; exit 0") } },
  "a check that may not be executed": { files: { check: { text: script("exit 3"), mode: 0o644 } } },
  "a check that is no program": { files: { check: "garbage" } },
  "a check that a signal ends": { files: { check: script("kill -9 $$") } },
  "no supervise": { without: "all" },
  "nobody supervises": { without: "dead" },
  "no reader of control": { without: "reader" },
  "no control": { without: "control" },
  "no status": { without: "status" },
  "a status of daemontools' 18 bytes": { status: { bytes: Buffer.alloc(18) } },
  "an empty status": { status: { bytes: Buffer.alloc(0) } },
  "supervise is a file": { without: "all", files: { supervise: "" } },
  "with a log": { log: {} },
  "with a log that is down": { log: { status: down, files: { down: "" } } },
  "with a log that nobody supervises": { log: { without: "dead" } },
  "with a log without supervise": { log: { without: "all" } },
  "with a log of a broken status": { log: { status: { bytes: Buffer.alloc(3) } } },
  "log is a file": { files: { log: "" } },
};

// Their times begin together, and each waits for the others.
describe.concurrent("the same words, codes and letters as runit's sv", { timeout: 180_000 }, () => {
  test.for(Object.keys(states))("of a service: %s", async (name, context) => {
    need(context, "sv");
    const [real, own] = await both(states[name] ?? {}, fewCalls);
    context.expect(own).toEqual(real);
  });

  test("every verb and every abbreviation, of a service that runs and of one that does not", async (context) => {
    need(context, "sv");
    for (const held of [{}, { status: down }]) {
      const [real, own] = await both(held, everyCall);
      context.expect(own).toEqual(real);
    }
  });

  const lines: readonly (readonly string[])[] = [
    [],
    ["status"],
    ["-x", "status", "web"],
    ["-w"],
    ["-w", "2"],
    ["-v-", "status", "web"],
    ["--", "status", "web"],
    ["--status", "status", "web"],
    ["-", "web"],
    ["", "web"],
    ["bogus", "web"],
    ["rebogus", "web"],
    ["force-bogus", "web"],
    ["status", "-v", "web"],
    ["-vw1", "status", "web"],
    ["-wabc", "check", "web"],
    ["-w", "", "check", "web"],
    ["status", ""],
    ["status", "nope", "web", "nope"],
    ["status", "web", "web/", "./web", "./web/", "../web/.", "/", "."],
    ["status", "x".repeat(300), "web"],
    ["status", ...Array.from({ length: 120 }, (_, index) => `missing-${index}`)],
    ["up", "web", "nope"],
    ["check", "nope", "web", "gone/"],
    ["shutdown", "nope"],
    ["exit", "nope", "web"],
  ];
  test("for whatever words they are given", async (context) => {
    need(context, "sv");
    const places = hold({ web: {} }, lines.length * 2);
    const told = await runAll(
      places.map(({ path }, index) => ({
        program: (index < lines.length ? runit : ours).sv,
        words: lines[index % lines.length] ?? [],
        env: { SVDIR: path, SVWAIT: "0" },
        cwd: path,
      })),
    );
    const outcomes = told.map((said, index) => ({
      asked: lines[index % lines.length],
      ...said,
      stdout: said.stdout.replaceAll(places[index]?.path ?? "", "DIR"),
      letters: places[index]?.letters(),
    }));
    for (const place of places) place.close();
    context.expect(outcomes.slice(lines.length)).toEqual(outcomes.slice(0, lines.length));
  });

  test("for an init script, whatever its words", async (context) => {
    need(context, "sv");
    const words = [
      [],
      ["s"],
      ["sta"],
      ["status", "other"],
      ["-x", "start"],
      ["-v", "status"],
      ["bogus"],
      ["up"],
      ["1"],
    ];
    const [real, own] = await both(
      {},
      words.map((line) => scripted(...line)),
    );
    context.expect(own).toEqual(real);
  });

  test("but a link of any name straight to upkeep is upkeep", async (context) => {
    const directory = temporaryDirectory();
    symlinkSync(upkeep, join(directory, "web"));
    const [said] = await runAll([{ program: join(directory, "web"), words: ["bogus"] }]);
    context.expect(said?.code).toBe(64);
    context.expect(said?.stderr).toContain("usage: upkeep");
  });

  test("where SVDIR is nothing that can be used", async (context) => {
    need(context, "sv");
    const [held] = hold({ web: {} });
    if (held === undefined) throw new Error("no directory");
    const places = ["/nonexistent", "", "/etc/passwd", ".", "web"];
    const ask = ({ sv: program }: Side) =>
      places.map((SVDIR) => ({ program, words: ["status", "web", "./web", "web"], env: { SVDIR }, cwd: held.path }));
    const told = await runAll([...ask(runit), ...ask(ours)]);
    context.expect(told.slice(places.length)).toEqual(told.slice(0, places.length));
  });

  test("for whoever may not look", async (context) => {
    need(context, "sv", "root");
    const [held] = hold({ web: {}, closed: {}, locked: {}, mute: { log: {} } });
    if (held === undefined) throw new Error("no directory");
    chmodSync(join(held.path, "web/supervise"), 0o700);
    chmodSync(join(held.path, "closed"), 0o700);
    chmodSync(join(held.path, "locked/supervise/control"), 0o600);
    chmodSync(join(held.path, "locked/supervise/ok"), 0o622);
    chmodSync(join(held.path, "mute/supervise/ok"), 0o622);
    chmodSync(join(held.path, "mute/log"), 0o700);
    for (const verb of ["status", "stop"]) {
      const calls = [runit, ours].map(({ sv }) => ({
        program: sv,
        words: [verb, "web", "closed", "locked", "mute"],
        env: { SVDIR: held.path, SVWAIT: "0" },
      }));
      const [real, own] = await runAll(calls, { uid: 65534 });
      context.expect(own).toEqual(real);
      context.expect(own?.stdout).toContain("access denied");
    }
  });
});

/** Real runsv's, one for each service of a scan directory; they end with the test. */
async function runsvs(services: Parameters<typeof scanDir>[0]): Promise<ScanDir> {
  const scan = scanDir(services);
  for (const name of Object.keys(services ?? {})) {
    const child = spawn("runsv", [scan.at(name)], { stdio: "ignore" });
    onTestFinished(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      writeFileSync(scan.at(name, "supervise/control"), "k");
      await ended;
    });
    await eventually(`${name} has settled`, () => {
      const bytes = readFileSync(scan.at(name, "supervise/status"));
      return bytes[17] === 0x64 || (bytes[19] ?? 0) > 0;
    });
  }
  return scan;
}

async function sv(scan: string, ...words: readonly string[]): Promise<Said> {
  const [said] = await runAll([{ program: ours.sv, words, env: { SVDIR: scan } }]);
  if (said === undefined) throw new Error("nothing came back");
  return { ...said, stdout: said.stdout.replaceAll(/pid \d+/g, "pid P") };
}

const ok = (stdout: string): Said => ({ code: 0, stdout, stderr: "" });
const pidOf = (scan: ScanDir, name: string): string => readFileSync(scan.at(name, "supervise/pid"), "utf8");
/** So much longer than the answer itself may it take on a busy machine; runit's sv looks after 420 ms for the first time. */
const PROMPT = 400;

describe("on a directory that runsv runs", () => {
  test("what is asked for comes true, and is told as soon as it has", async (context) => {
    need(context, "runsv");
    const scan = await runsvs({
      web: { run: script('trap "" HUP\nexec sleep 1000') },
      db: { run: sleeper, down: "", "log/run": script("exec cat >/dev/null") },
    });
    // Only a service that has run for a second starts again at once.
    const since = statSync(scan.at("web/supervise/pid")).mtimeMs;
    await eventually("it may be restarted", () => Date.now() - since > 1100);
    const before = pidOf(scan, "web");
    const restarted = await timed(() => sv(scan.path, "restart", "web"));
    expect(restarted.result).toEqual(ok("ok: run: web: (pid P) Ns\n"));
    expect(pidOf(scan, "web")).not.toBe(before);
    const quick: number[] = [restarted.active];
    for (const [words, told] of [
      [["-v", "pause", "web"], "ok: run: web: (pid P) Ns, paused\n"],
      [["-v", "cont", "web"], "ok: run: web: (pid P) Ns\n"],
      [["reload", "web"], "ok: run: web: (pid P) Ns\n"],
      [["stop", "web"], "ok: down: web: Ns, normally up\n"],
      [["start", "db"], "ok: run: db: (pid P) Ns, normally down\n"],
      [["stop", "db"], "ok: down: db: Ns\n"],
      [["status", "web", "db"], "down: web: Ns, normally up\ndown: db: Ns; run: log: (pid P) Ns\n"],
      [["status", "db/log"], "run: db/log: (pid P) Ns\n"],
    ] as const) {
      const { result, active } = await timed(() => sv(scan.path, ...words));
      expect(result, words.join(" ")).toEqual(ok(told));
      quick.push(active);
    }
    // Most of them, since others want the processors too.
    expect(quick.filter((took) => took < PROMPT).length, quick.join(" ")).toBeGreaterThan(quick.length / 2);
    expect(await sv(scan.path, "-v", "once", "web")).toEqual(ok("ok: run: web: (pid P) Ns, want down\n"));
    expect(await sv(scan.path, "-v", "term", "web")).toEqual(ok("ok: down: web: Ns, normally up\n"));
    expect(await sv(scan.path, "try-restart", "web")).toEqual(ok("ok: down: web: Ns, normally up\n"));
    const started = await sv(scan.path, "start", "web", "db");
    expect(started.stdout.split("\n").sort()).toEqual([
      "",
      "ok: run: db: (pid P) Ns, normally down",
      "ok: run: web: (pid P) Ns",
    ]);
  });

  test("a service restarted in its first second is a new process when that is told", async (context) => {
    need(context, "runsv");
    const scan = await runsvs({ web: { run: sleeper } });
    const before = pidOf(scan, "web");
    expect(await sv(scan.path, "restart", "web")).toEqual(ok("ok: run: web: (pid P) Ns\n"));
    expect(pidOf(scan, "web")).not.toBe(before);
  });

  test("what lives through TERM is told as a timeout, and killed where that was asked for", async (context) => {
    need(context, "runsv");
    const scan = await runsvs({ web: { run: stubborn.replace("while", "echo >trap; while") } });
    await eventually("it ignores TERM", () => readFileSync(scan.at("web/trap"), "utf8") === "\n");
    const told = "run: web: (pid P) Ns, want down, got TERM\n";
    expect(await sv(scan.path, "-w0", "stop", "web")).toEqual({ ...ok(`timeout: ${told}`), code: 1 });
    expect(await sv(scan.path, "-w0", "force-stop", "web")).toEqual({ ...ok(`kill: ${told}`), code: 1 });
    expect(await sv(scan.path, "stop", "web")).toEqual(ok("ok: down: web: Ns, normally up\n"));
  });

  test("a supervisor that is told to exit is waited for", async (context) => {
    need(context, "runsv");
    const scan = await runsvs({ web: { run: sleeper }, db: { run: sleeper, down: "" } });
    expect(await sv(scan.path, "shutdown", "web")).toEqual(ok("ok: web: runsv not running\n"));
    expect(await sv(scan.path, "force-shutdown", "db", "web")).toEqual(
      ok("ok: web: runsv not running\nok: db: runsv not running\n"),
    );
    expect(await sv(scan.path, "status", "web")).toEqual({ ...ok("fail: web: runsv not running\n"), code: 1 });
  });

  test("a check is asked again until it says yes", async (context) => {
    need(context, "runsv");
    const scan = await runsvs({ web: { run: sleeper, down: "", check: script("exec test -e ready") } });
    const started = sv(scan.path, "-w", "20", "start", "web");
    // Not by its pid, which runsv writes before the status that sv looks at.
    await eventually("it runs", async () => (await sv(scan.path, "status", "web")).stdout.startsWith("run: "));
    expect(await sv(scan.path, "-w0", "check", "web")).toMatchObject({ code: 1 });
    writeFiles(scan.at("web"), { ready: "" });
    expect(await started).toEqual(ok("ok: run: web: (pid P) Ns, normally down\n"));
  });
});

describe("on a directory that upkeep runs", () => {
  // A read-only image is the same but for where the files are.
  test.for(["writable", "read-only"])("what is asked for comes true: %s", async (kind, context) => {
    if (kind === "read-only") need(context, "root");
    const scan = scanDir({
      web: { run: sleeper },
      db: { run: sleeper, down: "", "log/run": script("exec cat >/dev/null") },
    });
    const setup = `mount --bind ${scan.path} ${scan.path} && mount -o remount,ro,bind ${scan.path}`;
    const running = await launch([scan.path], {
      env: { SVDIR: scan.path, UPKEEP_RUNTIME_DIR: "/run/upkeep" },
      setup: `mount -t tmpfs tmpfs /run${kind === "read-only" ? ` && ${setup}` : ""}`,
    });
    const ask = async (...words: readonly string[]): Promise<Said> => {
      const { code, stdout, stderr } = await running.inside([ours.sv, ...words]);
      return { code, stdout: `${stdout}\n`.replaceAll(/pid \d+/g, "pid P").replaceAll(/\b\d+s/g, "Ns"), stderr };
    };
    await eventually("it is offered", async () => (await ask("check", "web", "db", "db/log")).code === 0);
    expect(existsSync(scan.at("web/supervise"))).toBe(kind === "writable");
    expect(await ask("status", "web", "db")).toEqual(ok("run: web: (pid P) Ns\ndown: db: Ns; run: log: (pid P) Ns\n"));
    expect(await ask("restart", "web")).toEqual(ok("ok: run: web: (pid P) Ns\n"));
    expect(await ask("start", "db")).toEqual(ok("ok: run: db: (pid P) Ns, normally down\n"));
    expect(await ask("-v", "pause", "web")).toEqual(ok("ok: run: web: (pid P) Ns, paused\n"));
    expect(await ask("-v", "cont", "web")).toEqual(ok("ok: run: web: (pid P) Ns\n"));
    expect(await ask("stop", "web", "db")).toEqual(ok("ok: down: web: Ns, normally up\nok: down: db: Ns\n"));
    expect(await ask("restart", "db/log")).toEqual(ok("ok: run: db/log: (pid P) Ns\n"));
    expect(await ask("shutdown", "web")).toEqual(ok("ok: web: runsv not running\n"));
  });
});

describe("answers", () => {
  test("that come together are in the order of the services", async () => {
    const [held] = hold({ a: {}, b: {}, c: { status: down } });
    if (held === undefined) throw new Error("no directory");
    onTestFinished(() => held.close());
    const stopped = sv(held.path, "-w", "20", "stop", "a", "b", "c");
    let letters = "";
    await eventually("all three are told", () => {
      letters += held.letters();
      return letters === "ddd";
    });
    for (const name of ["b", "a"]) {
      const status = join(held.path, name, "supervise/status");
      writeFileSync(`${status}.new`, statusBytes(down));
      renameSync(`${status}.new`, status);
    }
    const told = (name: string) => `ok: down: ${name}: Ns, normally up\n`;
    // What is true at once is told at once.
    expect(await stopped).toEqual(ok(told("c") + told("a") + told("b")));
  });
});

describe("what is not there to be done as runit's sv does it", () => {
  const place = (held: Held) => {
    const [directory] = hold({ web: held });
    if (directory === undefined) throw new Error("no directory");
    onTestFinished(() => directory.close());
    return directory;
  };

  test("no letter is written into a file that stands in place of the fifo", async () => {
    const secret = join(temporaryDirectory(), "secret");
    writeFileSync(secret, "secret");
    for (const stand of ["link", "file"]) {
      const { path } = place({ without: "control" });
      if (stand === "link") symlinkSync(secret, join(path, "web/supervise/control"));
      else copyFileSync(secret, join(path, "web/supervise/control"));
      const said = await sv(path, "-w0", "stop", "web");
      expect(said.stdout).toMatch(/^warning: web: unable to (open|write to) supervise\/control: /);
      expect(said.code).toBe(1);
      expect(readFileSync(join(path, "web/supervise/control"), "utf8")).toBe("secret");
    }
  });

  test("no link is followed in place of status, and no fifo there holds anything up", async () => {
    const { path } = place({ without: "status" });
    symlinkSync("/dev/zero", join(path, "web/supervise/status"));
    expect((await sv(path, "status", "web")).stdout).toBe(
      "warning: web: unable to open supervise/status: symbolic link loop\n",
    );
    rmSync(join(path, "web/supervise/status"));
    execFileSync("mkfifo", [join(path, "web/supervise/status")]);
    expect((await sv(path, "status", "web")).stdout).toBe(
      "warning: web: unable to read supervise/status: bad format\n",
    );
  });

  test("a name cannot say a line of its own, nor order the terminal about", async () => {
    const { path } = place({});
    const told = await sv(path, "status", "x\nrun: db: (pid 1) 5s", "\u001b[2Jweb/");
    expect(told.stdout).toBe(
      "fail: x?run: db: (pid P) Ns: unable to change to service directory: file does not exist\n" +
        "fail: ?[2Jweb/: unable to change to service directory: file does not exist\n",
    );
  });

  test("a check that hangs does not hold the answer up for ever", async () => {
    const { path } = place({ files: { check: script("exec sleep 1000") } });
    const { result, active } = await timed(() => sv(path, "-w0", "check", "web"));
    expect(result).toEqual({ ...ok("timeout: run: web: (pid P) Ns\n"), code: 1 });
    expect(active).toBeLessThan(10_000);
  });

  test("what cannot be kept in the directory itself is found in the runtime directory", async () => {
    const runtime = temporaryDirectory();
    const { path } = place({ without: "all", log: { without: "all" } });
    const kept = hold({ web: { status: { pid: 11 }, log: { status: { pid: 22 } } } })[0];
    if (kept === undefined) throw new Error("no directory");
    onTestFinished(() => kept.close());
    mkdirSync(join(runtime, "supervise/web/log"), { recursive: true });
    for (const [from, to] of [
      ["web/supervise", "web"],
      ["web/log/supervise", "web/log"],
    ] as const)
      for (const file of ["ok", "control", "status"])
        linkSync(join(kept.path, from, file), join(runtime, "supervise", to, file));
    symlinkSync(join(path, "web"), join(runtime, "supervise/web/service"));
    symlinkSync(join(path, "web/log"), join(runtime, "supervise/web/log/service"));
    const ask = (...words: readonly string[]) =>
      runAll([{ program: ours.sv, words, env: { SVDIR: path, UPKEEP_RUNTIME_DIR: runtime } }], {
        cwd: join(path, "web/log"),
      }).then(([said]) => said);
    expect(await ask("status", "web", "web/log", ".", "..", `${path}/web/`)).toEqual(
      ok(
        "run: web: (pid 11) Ns; run: log: (pid 22) Ns\n" +
          "run: web/log: (pid 22) Ns\n" +
          "run: .: (pid 22) Ns\n" +
          "run: ..: (pid 11) Ns; run: log: (pid 22) Ns\n" +
          `run: ${path}/web/: (pid 11) Ns; run: log: (pid 22) Ns\n`,
      ),
    );
    expect(await ask("down", "web")).toEqual(ok(""));
    expect(kept.letters()).toBe("d");
    // Of the same name, and not the one that is supervised there.
    const other = place({ without: "all" }).path;
    expect((await ask("down", `${other}/web`))?.stdout).toBe(
      `warning: ${other}/web: unable to open supervise/ok: file does not exist\n`,
    );
    rmSync(join(runtime, "supervise/web/service"));
    expect((await ask("down", "web"))?.code).toBe(1);
    expect(kept.letters()).toBe("");
  });

  test("a runtime directory that another user has closed does not hide ours", async (context) => {
    need(context, "root");
    const session = temporaryDirectory();
    const { path } = place({ without: "all" });
    const kept = place({}).path;
    mkdirSync(join(session, "upkeep/supervise"), { recursive: true });
    renameSync(join(kept, "web/supervise"), join(session, "upkeep/supervise/web"));
    symlinkSync(join(path, "web"), join(session, "upkeep/supervise/web/service"));
    execFileSync("chown", ["-R", "65534", session]);
    const space = await launch([scanDir({}).path], { setup: "mount -t tmpfs tmpfs /run && mkdir -m 700 /run/upkeep" });
    const user = ["--reuid=65534", "--clear-groups", "env", "UPKEEP_RUNTIME_DIR=", `XDG_RUNTIME_DIR=${session}`];
    const said = await space.inside(["setpriv", ...user, ours.sv, "status", join(path, "web")]);
    expect(said.stdout).toMatch(/^run: /);
  });
});
