import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { managerOf, nextManager } from "../helpers/manager.ts";
import { find, need } from "../helpers/need.ts";
import { launch, type Namespace, upkeep } from "../helpers/pid-namespace.ts";
import { argv, children, findDescendant, send, status, waits } from "../helpers/proc.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";
import { gaps } from "../helpers/stream.ts";
import { counter, logDirectory, logged, numbersOf, ourSvlogd, type Running, run } from "../helpers/svlogd.ts";

const UID = 65534;
/** The most that is read of an input before it is written. */
const BATCH = 256 * 1024;

/** Throws if a line is doubled, split or out of order. */
const lost = (directory: string): number[] => gaps(numbersOf(logged(directory)));

/** The Node processes below the supervisor that write logs, by their pids on this side. */
const logProcesses = (space: Namespace): number[] =>
  children(space.pid).filter((pid) => {
    const words = argv(pid);
    return words.some((word) => /\/manager\.[cm]?js$/.test(word)) && words.includes("svlogd");
  });

const service = (svlogd: string, directory: string, as = "", pause = "0.01"): ServiceFiles => ({
  run: counter(pause, "trap 'exit 0' TERM"),
  "log/run": `#!/bin/sh\nexec ${as} ${svlogd} ${directory}\n`,
  "service.ini": "restart-delay = 10ms\n",
  "log/service.ini": "restart-delay = 10ms\nrestart-delay-max = 10ms\n",
});
const asOther = `setpriv --reuid ${UID} --regid ${UID} --clear-groups`;

const growsBy = (directory: string, bytes: number): Promise<unknown> => {
  const before = logged(directory).length;
  return eventually(`${directory} has ${bytes} bytes more`, () => logged(directory).length >= before + bytes);
};

async function killLogger(space: Namespace, name: string, signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
  const { pid } = await statusOf(space, name);
  send(space.outer(pid ?? 0), signal);
  await eventually(`${name} runs again`, async () => {
    const next = (await statusOf(space, name)).pid;
    return next !== null && next !== pid;
  });
}

/** The svlogd itself, below the shell that runs it. */
const pidOf = ({ child }: Running): Promise<number> => {
  const isIt = (each: number) => argv(each)[0] !== "sh" && argv(each).some((word) => /(^|\/)svlogd$/.test(word));
  return eventually("it runs", () => findDescendant(child.pid ?? 0, isIt));
};

describe("beside runit's svlogd", () => {
  const commands: readonly (readonly string[])[] = [
    [],
    ["-h"],
    ["-x", "d"],
    ["-l"],
    ["-r"],
    ["-R"],
    ["-b"],
    ["-r", "ab", "d"],
    ["-r", "", "d"],
    ["-b", "10", "d"],
    ["-b", "1000", "d"],
    ["-l", "2000", "d"],
    ["-l", "100", "-b", "256", "d"],
    ["-vl"],
    ["-", "nope"],
    ["--", "-v"],
    ["nope"],
    ["nope", "nope/nope", "f"],
    ["-v", "f"],
    [""],
    ["-tttt", "locked"],
    ["-v", "unlockable"],
  ];
  test("says the same of wrong words and of directories that it cannot use, with the same codes", async (context) => {
    need(context, "svlogd", "flock", "root");
    const directory = temporaryDirectory();
    for (const name of ["d", "locked", "unlockable/lock"]) mkdirSync(join(directory, name), { recursive: true });
    writeFileSync(join(directory, "f"), "");
    const holder = run(["flock", join(directory, "locked/lock"), "sh", "-c", "echo held >&2; exec cat"], directory);
    await holder.said("held");
    // Not by what each calls itself.
    for (const [name, program] of [
      ["theirs", find("svlogd") ?? ""],
      ["ours", ourSvlogd()],
    ] as const) {
      mkdirSync(join(directory, name));
      symlinkSync(program, join(directory, name, "svlogd"));
    }
    const outcome = async (name: string, words: readonly string[]) => {
      const running = run([`./${name}/svlogd`, ...words], directory);
      running.child.stdin?.end();
      const code = await running.ended;
      return `${words.join(" ")}\n${running
        .stderr()
        .replaceAll(/svlogd: info: close: \n/g, "")
        .replaceAll(name, "NAME")}rc ${code}`;
    };
    const told = (name: string) => Promise.all(commands.map((words) => outcome(name, words)));
    expect(await told("ours")).toEqual(await told("theirs"));
    holder.child.stdin?.end();
    await holder.ended;
  });

  /** What a svlogd says and leaves while all its signals come, stamps and sizes aside. */
  const life = async (program: string, appears: boolean, env: Readonly<Record<string, string>> = {}) => {
    const directory = temporaryDirectory();
    for (const name of ["d", "e", "away"]) mkdirSync(join(directory, name));
    writeFileSync(join(directory, "d/config"), "n3\n");
    writeFileSync(join(directory, "e/current"), "of an unclean end\n");
    renameSync(join(directory, "away"), join(directory, "hidden"));
    const running = run([program, "-v", "d", "away", "e"], directory, env);
    const pid = await pidOf(running);
    const write = (text: string) => running.child.stdin?.write(text);
    await running.said("new: e/current");
    write("one\n");
    const isIn = (text: string) =>
      ["d", "e"].every((name) => readFileSync(join(directory, name, "current"), "utf8") === text);
    await eventually("one is written", () => isIn("one\n"));
    await eventually("it reads again", () => waits(pid));
    send(pid, "SIGALRM");
    await running.said("rename: e/current");
    // runit's may miss a signal that comes right now.
    await eventually("it reads again", () => waits(pid));
    if (appears) renameSync(join(directory, "hidden"), join(directory, "away"));
    send(pid, "SIGHUP");
    await eventually("e is open again", () => running.stderr().includes("append: e/current"));
    write("two\n");
    await eventually("two is written", () => isIn("two\n"));
    await eventually("it reads again", () => waits(pid));
    send(pid, "SIGTERM");
    const closed = await eventually(
      "it has closed all",
      () => (running.stderr().match(/close: /g) ?? []).length >= (appears ? 5 : 4),
    );
    expect(closed).toBe(true);
    running.child.stdin?.end();
    const code = await running.ended;
    const files = ["d", appears ? "away" : "hidden", "e"].flatMap((name) =>
      readdirSync(join(directory, name)).map((file) => {
        const path = join(directory, name, file);
        return `${name}/${file} ${(statSync(path).mode & 0o777).toString(8)} ${JSON.stringify(readFileSync(path, "latin1"))}`;
      }),
    );
    // Ours closes all before it opens the first one anew.
    const said = running.stderr().split("\n").sort();
    return [...said, `rc ${code}`, ...files.sort()].join("\n").replaceAll(/@[0-9a-f]{24}/g, "@STAMP");
  };
  test("says and leaves the same while it is told to rotate, to open anew and to end", async (context) => {
    need(context, "svlogd");
    expect(await life(ourSvlogd(), false)).toBe(await life("svlogd", false));
  });
  test("the same where a manager writes for it, and where a directory has appeared meanwhile", async (context) => {
    need(context, "svlogd");
    const UPKEEP_RUNTIME_DIR = temporaryDirectory();
    chmodSync(UPKEEP_RUNTIME_DIR, 0o700);
    const env = { PATH: process.env["PATH"], UPKEEP_RUNTIME_DIR };
    const supervisor = spawn(upkeep, [scanDir().path], { env, stdio: "ignore" });
    onTestFinished(async () => {
      supervisor.kill();
      await eventually("the supervisor has ended", () => supervisor.exitCode !== null);
    });
    await eventually("it can be asked", () => existsSync(join(UPKEEP_RUNTIME_DIR, "control")));
    expect(await life(ourSvlogd(), true, { UPKEEP_RUNTIME_DIR, UPKEEP_SOCKET: "" })).toBe(await life("svlogd", true));
  });

  test("a current that is a link is not followed where others may write, and is where they may not", async () => {
    const directory = logDirectory("");
    const target = join(temporaryDirectory(), "target");
    writeFileSync(target, "");
    symlinkSync(target, join(directory, "current"));
    const own = run([ourSvlogd(), directory], directory);
    own.child.stdin?.end("one\n");
    expect(await own.ended).toBe(0);
    expect(readFileSync(target, "utf8")).toBe("one\n");
    chmodSync(directory, 0o777);
    const shared = run([ourSvlogd(), directory], directory);
    shared.child.stdin?.end("two\n");
    await shared.said(`svlogd: pausing: unable to open current: ${directory}: symbolic link loop`);
    rmSync(join(directory, "current"));
    expect(await shared.ended).toBe(0);
    expect(readFileSync(target, "utf8")).toBe("one\n");
    expect(readFileSync(join(directory, "current"), "utf8")).toBe("two\n");
  });

  test("a new config frees it at HUP from a processor that always fails, and no line is lost", async () => {
    const directory = logDirectory("s2000\n!exit 1\n");
    const running = run([ourSvlogd(), directory], directory);
    const text = Array.from({ length: 80 }, (_, index) => `${index} ${"x".repeat(60)}\n`).join("");
    running.child.stdin?.write(text);
    await running.said("processor failed");
    writeFileSync(join(directory, "config"), "s2000\n");
    const pid = await pidOf(running);
    send(pid, "SIGHUP");
    running.child.stdin?.end();
    expect(await running.ended).toBe(0);
    expect(logged(directory)).toBe(text);
  });

  test("leaves with 0 at the end of its input, all written, also from a file and from nothing", async () => {
    const directory = logDirectory("");
    const text = "a\nb\n\nlast without an end";
    writeFileSync(join(directory, "../input"), text);
    const ours = ourSvlogd();
    const env = { ...process.env, UPKEEP_SOCKET: "/nonexistent" };
    execFileSync("sh", ["-c", `${ours} ${directory} < ${directory}/../input`], { env });
    execFileSync("sh", ["-c", `${ours} ${directory} < /dev/null`], { env });
    execFileSync("sh", ["-c", `cat ${directory}/../input | ${ours} ${directory}`], { env });
    expect(logged(directory)).toBe(`${text}\n${text}\n`);
    expect(statSync(join(directory, "current")).mode & 0o777).toBe(0o744);
  });
});

describe("under a supervisor of its own user", () => {
  test("costs no Node, and loses, doubles and splits nothing however often it is killed, under rotation", async () => {
    const ours = ourSvlogd();
    const directory = logDirectory("s20000\nn0\n");
    const space = await launch([scanDir({ web: service(ours, directory) }).path]);
    await allUp(space, "web", "web/log");
    for (let round = 0; round < 4; round++) {
      await growsBy(directory, 20_000);
      await killLogger(space, "web/log", round % 2 === 0 ? "SIGKILL" : "SIGTERM");
    }
    await growsBy(directory, 20_000);
    expect(logProcesses(space)).toEqual([]);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    expect(lost(directory)).toEqual([]);
    expect(numbersOf(logged(directory)).length).toBeGreaterThan(4000);
    expect(readdirSync(directory).length).toBeGreaterThan(5);
  });

  test("goes on with the next manager, which says what a killed one had", async () => {
    const ours = ourSvlogd();
    const directory = logDirectory("s200000\nn0\n");
    const space = await launch([scanDir({ web: service(ours, directory, "", "0") }).path]);
    await allUp(space, "web", "web/log");
    let manager = await nextManager(space, 0);
    const { pid } = await statusOf(space, "web/log");
    for (let round = 0; round < 3; round++) {
      await growsBy(directory, 200_000);
      send(manager, "SIGKILL");
      manager = await nextManager(space, manager);
    }
    await growsBy(directory, 200_000);
    expect((await statusOf(space, "web/log")).pid).toBe(pid);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    const said = [...space.output().matchAll(/at most (\d+) bytes of the input are lost/g)].map((match) =>
      Number(match[1]),
    );
    const skipped = [...space.output().matchAll(/warning: (\d+) bytes of the input are lost/g)].map((match) =>
      Number(match[1]),
    );
    const bytes = lost(directory).reduce((sum, number) => sum + `line ${number} of many.\n`.length, 0);
    expect(bytes).toBeLessThanOrEqual([...said, ...skipped].reduce((sum, count) => sum + count, 0));
    expect(bytes).toBeLessThanOrEqual(3 * BATCH);
  });

  test("becomes the owner of a directory that is another user's, and goes on with what root had begun there", async (context) => {
    need(context, "root");
    const directory = logDirectory("");
    writeFileSync(join(directory, "lock"), "");
    writeFileSync(join(directory, "current"), "of root\n");
    chmodSync(join(directory, "lock"), 0o600);
    chownSync(directory, UID, UID);
    execFileSync("sh", ["-c", `echo ours | ${ourSvlogd()} ${directory}`], {
      env: { ...process.env, UPKEEP_SOCKET: "/x" },
    });
    expect(logged(directory)).toBe("of root\nours\n");
    expect(statSync(join(directory, "current")).uid).toBe(UID);
    const other = logDirectory("");
    // Of two owners it is the first one's.
    const said = run([ourSvlogd(), other, directory], temporaryDirectory());
    said.child.stdin?.end("x\n");
    expect(await said.ended).toBe(0);
    expect(said.stderr()).toContain("unable to write as root, the directory is another user's");
  });
});

describe("for other users", () => {
  test("a processor has the environment of its own svlogd, whoever writes, and whoever that takes over from", async (context) => {
    need(context, "root", "setpriv", "svlogd");
    const ours = ourSvlogd();
    const scan = scanDir();
    const config = 's1000\nn0\n!cat > /dev/null; echo "$MINE $HOME $UPKEEP_SERVICE"; pwd -P\n';
    const directories = new Map<string, string>();
    // The manager writes for one, a log process for two, and the last does it by itself, with runit's program.
    const programs = { root: ours, first: `${asOther} ${ours}`, second: `${asOther} ${ours}`, theirs: "svlogd" };
    for (const [name, program] of Object.entries(programs)) {
      const directory = logDirectory(config);
      if (program.startsWith(asOther)) chownSync(directory, UID, UID);
      directories.set(name, directory);
      scan.write(name, {
        run: counter("0.1", "trap 'exit 0' TERM"),
        "log/run": `#!/bin/sh\nexport HOME=/of/${name}\nexec ${program} ${directory}\n`,
        "log/env/MINE": name,
        "log/service.ini": "restart-delay = 10ms\nrestart-delay-max = 10ms\n",
      });
    }
    const space = await launch([scan.path]);
    const processed = (name: string) =>
      readdirSync(directories.get(name) ?? "")
        .filter((file) => file.endsWith(".s"))
        .map((file) => readFileSync(join(directories.get(name) ?? "", file), "utf8"));
    const all = async () => {
      const before = new Map([...directories.keys()].map((name) => [name, processed(name).length]));
      for (const [name, count] of before)
        await eventually(`a file of ${name} is processed`, () => processed(name).length > count + 1);
    };
    await all();
    const one = await eventually("there is one process for logs", () => {
      const found = logProcesses(space);
      return found.length === 1 ? found[0] : null;
    });
    send(one ?? 0, "SIGKILL");
    await all();
    const manager = await nextManager(space, 0);
    send(manager, "SIGKILL");
    await nextManager(space, manager);
    await all();
    for (const [name, directory] of directories)
      expect(new Set(processed(name)), name).toEqual(new Set([`${name} /of/${name} ${name}/log\n${directory}\n`]));
  });

  test("twenty at once, under root and under another user, cost one Node for that user, whoever is killed", async (context) => {
    need(context, "root", "setpriv");
    const ours = ourSvlogd();
    const directories = new Map<string, string>();
    const services: Record<string, ServiceFiles> = {};
    for (let index = 0; index < 10; index++)
      for (const [kind, as] of [
        ["root", ""],
        ["other", asOther],
      ] as const) {
        const directory = logDirectory("s50000\nn0\n");
        if (kind === "other") chownSync(directory, UID, UID);
        directories.set(`${kind}${index}`, directory);
        services[`${kind}${index}`] = service(ours, directory, as, "0.1");
      }
    const space = await launch([scanDir(services).path]);
    await allUp(space, ...directories.keys(), ...[...directories.keys()].map((name) => `${name}/log`));
    const all = () => Promise.all([...directories.values()].map((directory) => growsBy(directory, 5000)));
    await all();
    const isOne = () => {
      const found = logProcesses(space);
      return found.length === 1 && status(found[0] ?? 0, "Uid")?.startsWith(`${UID}\t`) ? (found[0] ?? 0) : null;
    };
    // First it ends in order, then it is killed.
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const before = await eventually("there is one process for logs", isOne);
      const name = [...directories.keys()].find((each) =>
        argv(before).some((word) => word.includes(directories.get(each) ?? "")),
      );
      send(before, signal);
      await eventually("another one has taken over", () => {
        const after = isOne();
        if (after === null || after === before) throw new Error(`${before} ${logProcesses(space).join(" ")}`);
        return true;
      });
      await all();
      if (signal === "SIGTERM") expect(lost(directories.get(name ?? "") ?? "")).toEqual([]);
    }
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    const missing = [...directories].map(([name, directory]) => [name, lost(directory)] as const);
    // One was killed with what it had in hand; of the others it may have had some, which was said.
    const said = (space.output().match(/at most \d+ bytes of the input are lost/g) ?? []).length;
    expect(missing.filter(([, numbers]) => numbers.length > 0).length).toBeLessThanOrEqual(said + 1);
    expect(missing.filter(([name, numbers]) => name.startsWith("root") && numbers.length > 0)).toEqual([]);
  });
});

describe("a full disk", () => {
  test("makes the service wait, and costs no line", async (context) => {
    need(context, "root");
    const directory = join(temporaryDirectory(), "small");
    mkdirSync(directory);
    const ours = ourSvlogd();
    const space = await launch([scanDir({ web: service(ours, `${directory}/log`, "", "0") }).path], {
      setup: `mount -t tmpfs -o size=1m tmpfs ${directory}; mkdir ${directory}/log; printf 's100000\\nn0\\n' > ${directory}/log/config`,
    });
    // Seen from inside its namespace of mounts.
    const seen = `/proc/${space.pid}/root${directory}/log`;
    const manager = await nextManager(space, 0);
    await eventually("the disk is full", () => /pausing: unable to write/.test(space.output()), 20_000);
    await allUp(space, "web");
    const numbers = numbersOf(`${logged(seen).replace(/[^\n]*$/, "")}`);
    expect(gaps(numbers)).toEqual([]);
    const oldest = readdirSync(seen)
      .filter((name) => name.startsWith("@"))
      .sort()
      .slice(0, 5);
    const taken = oldest.map((name) => readFileSync(join(seen, name), "latin1")).join("");
    for (const name of oldest) rmSync(join(seen, name));
    const before = logged(seen).length;
    await eventually("it goes on", () => logged(seen).length > before + 50_000);
    expect(gaps(numbersOf(taken + logged(seen).replace(/[^\n]*$/, "")))).toEqual([]);
    expect(managerOf(space)).toBe(manager);
  });
});
