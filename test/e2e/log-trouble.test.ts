// The log engine where something goes wrong or changes: signals, a full disk, a kill -9, a processor that fails.
import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually, running as time } from "../helpers/eventually.ts";
import { buildEngine, contents, lines, logDirectories, startLogger } from "../helpers/log-engine.ts";
import { need } from "../helpers/need.ts";
import { realPipe } from "../helpers/pid-namespace.ts";
import { stat, status } from "../helpers/proc.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";

let engine: readonly string[] = [];
beforeAll(async () => {
  engine = [process.execPath, await buildEngine()];
});

const svlogd = ["svlogd"];
/** So long at rest is done (ms). */
const REST = 250;

interface Running {
  readonly child: ChildProcess;
  readonly log: string;
  stderr(): string;
  current(): string;
  old(): string[];
  /** None of its threads has run for a while: it has done what it was told before. */
  settled(): Promise<void>;
  exit(): Promise<number | null>;
}

async function start(program: readonly string[], words: readonly string[], config: string): Promise<Running> {
  const home = logDirectories({ log: { config } });
  const isOurs = program !== svlogd;
  const child = startLogger(program, [...words, "log"], home);
  let stderr = "";
  child.stderr?.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  child.stdin?.on("error", () => {}); // EPIPE after its end
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const log = join(home, "log");
  const running: Running = {
    child,
    log,
    settled: async () => {
      const { pid = 0 } = child;
      let before = "";
      let since = 0;
      await eventually("it has come to rest", () => {
        const now = `${stat(pid)?.state} ${switches(pid)} ${lookAt(log)}`;
        if (now !== before || !now.startsWith("S")) since = time();
        before = now;
        return time() - since > REST;
      });
    },
    stderr: () => stderr.replace("svlogd: ready\n", ""),
    current: () => (existsSync(join(log, "current")) ? readFileSync(join(log, "current"), "utf8") : ""),
    old: () => readdirSync(log).filter((name) => name.startsWith("@")),
    exit: () => ended,
  };
  // Before that a signal would end it.
  await eventually("it runs", () => existsSync(join(log, "current")) && (!isOurs || stderr.includes("ready\n")));
  return running;
}

/** How often each thread gave up the processor. */
function switches(pid: number): string {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => status(Number(thread), "voluntary_ctxt_switches"))
    .join();
}
/** What the directory holds. */
function lookAt(log: string): string {
  return readdirSync(log)
    .map((name) => `${name} ${statSync(join(log, name)).size}`)
    .join();
}

describe.each(["svlogd", "ours"])("signals to %s", (whose) => {
  const begin = (config: string, words: readonly string[] = []) =>
    start(whose === "ours" ? engine : svlogd, words, config);

  test("ALRM rotates a current that is not empty, and only such a one", async () => {
    const run = await begin("");
    run.child.stdin?.write("one\n");
    await eventually("the line is written", () => run.current() === "one\n");
    run.child.kill("SIGALRM");
    await eventually("it was rotated", () => run.old().length === 1 && run.current() === "");
    run.child.kill("SIGALRM");
    await run.settled();
    run.child.stdin?.end("two\n");
    expect(await run.exit()).toBe(0);
    expect(contents(run.log)).toEqual(["@OLD.s 744 one\n", "current 744 two\n"]);
  });

  test("HUP reads the configuration anew", async () => {
    const run = await begin("-*\n");
    run.child.stdin?.write("one\n");
    await run.settled();
    writeFileSync(join(run.log, "config"), "pnew: \n");
    run.child.kill("SIGHUP");
    await run.settled();
    run.child.stdin?.write("two\n");
    await eventually("what is written after a HUP is prefixed", () => run.current() === "new: two\n");
    run.child.stdin?.end();
    expect(await run.exit()).toBe(0);
    expect(run.current()).not.toContain("one");
  });

  test("a directory that is gone at HUP ends it with 111, if it was the only one", async () => {
    const run = await begin("");
    run.child.stdin?.write("one\n");
    await eventually("the line is written", () => run.current() === "one\n");
    renameSync(run.log, `${run.log}.gone`);
    run.child.kill("SIGHUP");
    expect(await run.exit()).toBe(111);
    expect(run.stderr()).toBe(
      "svlogd: warning: unable to open log directory: log: file does not exist\n" +
        "svlogd: fatal: no functional log directories.\n",
    );
  });

  test("a current that is older than t seconds is rotated", async () => {
    const run = await begin("t1\n");
    run.child.stdin?.write("one\n");
    await eventually("it was rotated", () => run.old().length === 1 && run.current() === "");
    run.child.stdin?.end();
    expect(await run.exit()).toBe(0);
  });

  test("a processor that fails is tried again, and the end waits for it", async () => {
    const run = await begin('s1000\n!test -e ../again || { : >../again; exit 1; }; sed "s/^/done /"\n', ["-l", "100"]);
    run.child.stdin?.end(`${"x".repeat(950)}\nlast\n`);
    expect(await run.exit()).toBe(0);
    expect(run.stderr()).toContain("svlogd: warning: processor failed, restart: log\n");
    expect(contents(run.log)[0]).toBe(`@OLD.s 744 done ${"x".repeat(950)}\n`);
    expect(run.old().length).toBe(1);
  });
});

test("TERM waits for the end of a line, and leaves what follows it in the pipe", async () => {
  const { read, write } = await realPipe();
  const home = logDirectories({ log: {} });
  const [file = "", ...rest] = engine;
  const env = { ...process.env, SAY_READY: "yes" };
  const child = spawn(file, [...rest, "log"], { cwd: home, stdio: [read, "ignore", "pipe"], env });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  await new Promise((resolve) => child.stderr?.once("data", resolve));
  const log = join(home, "log");
  writeFileSync(write, "one\ntw");
  await eventually("the line is written", () => existsSync(join(log, "current")) && lines(log).includes("one"));
  child.kill("SIGTERM");
  writeFileSync(write, "o\n");
  expect(await ended).toBe(0);
  expect(lines(log)).toEqual(["one", "two"]);
  expect(statSync(join(log, "current")).mode & 0o777).toBe(0o744);
  writeFileSync(write, "three\n");
  const left = Buffer.alloc(100);
  // Spawning has made the pipe a blocking one: it is known to hold something.
  expect(left.toString("utf8", 0, readSync(read, left))).toBe("three\n");
  closeSync(read);
  closeSync(write);
});

test("a last line without a newline is not lost", async () => {
  const run = await start(engine, ["-t"], "");
  run.child.stdin?.end("one\ntwo");
  await run.exit();
  expect(contents(run.log)).toEqual(["current 744 @TAI64N one\n@TAI64N two\n"]);
});

test("lines longer than what is kept in hand come through whole, with one stamp, and no file ends within one", async () => {
  const run = await start(engine, ["-tt"], "s200000\nn0\n");
  const texts = [1, 70_000, 200_000, 3, 150_000, 65_536, 65_535, 2].map((length, index) => `${index}`.repeat(length));
  run.child.stdin?.end(`${texts.join("\n")}\n`);
  await run.exit();
  expect(lines(run.log).map((line) => line.slice(26))).toEqual(texts);
  for (const name of run.old()) expect(readFileSync(join(run.log, name), "latin1").endsWith("\n")).toBe(true);
});

test("a kill -9 loses what was in hand and nothing else, doubles nothing, and the order stays", async () => {
  const { read, write } = await realPipe();
  const home = logDirectories({ log: { config: "s50000\nn0\n" } });
  const log = join(home, "log");
  const [file = "", ...rest] = engine;
  const begin = () => spawn(file, [...rest, "log"], { cwd: home, stdio: [read, "ignore", "ignore"] });
  const writer = spawn("seq", ["1", "3000000"], { stdio: ["ignore", write, "ignore"] });
  closeSync(write);
  let losses = 0;
  for (const enough of [20, 60]) {
    const logger = begin();
    const ended = new Promise((resolve) => logger.once("close", resolve));
    await eventually("it has rotated", () => existsSync(log) && readdirSync(log).length > enough);
    logger.kill("SIGKILL");
    await ended;
    losses++;
  }
  const last = begin();
  await new Promise((resolve) => last.once("close", resolve));
  expect(writer.exitCode).toBe(0);
  closeSync(read);
  const numbers = lines(log).map(Number);
  let gaps = 0;
  let lost = 0;
  for (const [index, number] of numbers.entries()) {
    const before = index === 0 ? 0 : (numbers[index - 1] ?? 0);
    if (number === before + 1) continue;
    // The line that was being written when it was killed may have been written by its beginning only.
    gaps++;
    lost += number - before - 1;
  }
  expect(gaps).toBeLessThanOrEqual(2 * losses);
  expect(lost * 8).toBeLessThan(losses * 2 * 512 * 1024);
  expect(numbers.at(-1)).toBe(3_000_000);
});

describe("a disk of 1 MB", () => {
  const inside = async (script: string): Promise<{ readonly code: number | null; readonly output: string }> => {
    const home = temporaryDirectory();
    const child = spawn(
      "unshare",
      [
        "--mount",
        "--kill-child",
        "--fork",
        "timeout",
        "40",
        "sh",
        "-euc",
        `mount -t tmpfs -o size=1m tmpfs ${home}; cd ${home}; mkdir log; ${script}`,
      ],
      { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, LOGGER: engine.join(" ") } },
    );
    let output = "";
    child.stdout.on("data", (data: Buffer) => {
      output += data.toString();
    });
    return { code: await new Promise((resolve) => child.once("close", resolve)), output };
  };

  test("with N the oldest files make room, and what is left is the end of the stream, in order", async (context) => {
    need(context, "root", "unshare");
    const { code, output } = await inside(`
      printf 's100000\\nn50\\nN2\\n' >log/config
      seq 1 500000 | $LOGGER log 2>/tmp/$$.err
      grep -q 'warning: out of disk space, delete: log/@' /tmp/$$.err
      rm /tmp/$$.err
      cat log/@* log/current`);
    expect(code).toBe(0);
    const numbers = output.trim().split("\n").map(Number);
    expect(numbers.at(-1)).toBe(500_000);
    expect(numbers.every((number, index) => index === 0 || number === (numbers[index - 1] ?? 0) + 1)).toBe(true);
    expect(numbers.length).toBeGreaterThan(50_000);
  });

  test("without N it pauses until there is room, and not a line is lost", async (context) => {
    need(context, "root", "unshare");
    const { code, output } = await inside(`
      head -c 600000 /dev/zero >ballast
      printf 's100000\\nn0\\n' >log/config
      seq 1 100000 | $LOGGER log 2>/tmp/$$.err &
      until grep -qs 'pausing: unable to write to current: log: out of disk space' /tmp/$$.err; do sleep 0.05; done
      rm ballast /tmp/$$.err
      wait $!
      cat log/@* log/current`);
    expect(code).toBe(0);
    expect(output).toBe(Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join(""));
  });
});
