// runsvdir and runsv under our names, beside runit's on copies of the same directory: words, codes, who lives after what.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { marked } from "../helpers/drop-in.ts";
import { eventually } from "../helpers/eventually.ts";
import { find, need } from "../helpers/need.ts";
import { launch, upkeep } from "../helpers/pid-namespace.ts";
import { argv, children, descendants, exe, isAlive, send } from "../helpers/proc.ts";
import { both, goes, named, runs, type Scene, scene, sleeping, type Whose } from "../helpers/runit-pair.ts";
import { linesOf, noting } from "../helpers/scripts.ts";
import { removeAll, scanDir, temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";

const RUNSVDIR = find("runsvdir") ?? "/usr/bin/runsvdir";
const RUNSV = find("runsv") ?? "/usr/bin/runsv";
const two = { a: { run: marked("71001") }, b: { run: marked("71002") } };
const dir = ({ path }: { readonly path: string }) => [path];

/** runsvdir's own process, or our core, which may have been left behind by its face. */
const coreOf = ({ space }: Scene): number | null =>
  descendants(space.init).find(
    (pid) => exe(pid) === upkeep && children(pid).some((child) => argv(child)[0] === "sleep"),
  ) ?? null;

/** A promise that both keep, at the same time. */
const beside = (promise: string, keeps: (whose: Whose) => Promise<void>) =>
  test(promise, async (context) => {
    need(context, "root", "runsvdir", "sv");
    await Promise.all(
      both.map((whose) =>
        keeps(whose).catch((fault: unknown) => {
          throw new Error(`${whose}: ${fault instanceof Error ? fault.message : String(fault)}`, { cause: fault });
        }),
      ),
    );
  });

const sv = ({ scan, space }: Scene, word: string, ...names: readonly string[]) =>
  space.inside(["sv", word, ...names.map((name) => scan.at(name))]);

describe("runsvdir", () => {
  test("says what runit's says of wrong words, with the same codes", async (context) => {
    need(context, "runsvdir");
    for (const words of [[], ["-P"], ["--"]]) {
      const theirs = await execa("runsvdir", words, { reject: false });
      const ours = await execa("runsvdir", words, { reject: false, env: { PATH: named("runsvdir") } });
      expect([ours.exitCode, ours.stdout, ours.stderr]).toEqual([theirs.exitCode, theirs.stdout, theirs.stderr]);
      expect(ours.exitCode).toBe(1);
    }
  });

  test("warns of a log that is too short, and of a directory that is not there, and begins once it is", async (context) => {
    need(context, "root", "runsvdir");
    const absent = `${temporaryDirectory()}/services`;
    const said: string[][] = [];
    for (const whose of both) {
      const { space } = await scene(whose, RUNSVDIR, {}, () => ["-P", absent, "short"]);
      await eventually("it has said it", () => space.stderr().split("\n").length > 3);
      said.push(space.stderr().split("\n").slice(0, 3));
      if (whose === "theirs") await space.dispose();
      else {
        mkdirSync(absent);
        writeFiles(`${absent}/a`, { run: marked("71001") });
        await runs({ space }, "71001");
        renameSync(absent, `${absent}-away`);
        await eventually("it says it again", () => space.stderr().split("unable to stat").length > 3, 12_000);
        expect(sleeping({ space }, "71001")).not.toBeNull();
      }
    }
    expect(said[0]).toEqual(said[1]);
    expect(said[0]?.at(-1)).toBe(`runsvdir ${absent}: warning: unable to stat ${absent}: file does not exist`);
  });

  test("says of a file, and of an empty name, what runit's says, and takes no other directory for it", async (context) => {
    need(context, "root", "runsvdir");
    const file = `${temporaryDirectory()}/file`;
    writeFileSync(file, "");
    for (const path of [file, ""]) {
      const said: string[] = [];
      for (const whose of both) {
        const { space } = await scene(whose, RUNSVDIR, {}, () => [path]);
        await eventually("it has said it", () => space.stderr().includes("\n"));
        said.push(space.stderr().split("\n")[0] ?? "");
        await space.dispose();
      }
      expect(said[0]).toBe(said[1]);
    }
  });

  beside("ends with 0 at once on TERM, and what it runs goes on under sv", async (whose) => {
    const all = await scene(whose, RUNSVDIR, two, ({ path }) => ["-P", path]);
    const first = await runs(all, "71001");
    await runs(all, "71002");
    await eventually("sv sees both", async () => (await sv(all, "status", "a", "b")).code === 0);
    all.space.signal("TERM");
    expect(await all.space.exit()).toEqual({ code: 0 });
    expect(sleeping(all, "71001")).toBe(first);
    send(first, "SIGKILL");
    await eventually("it was started again", async () => (await runs(all, "71001")) !== first);
    expect(await sv(all, "stop", "b")).toMatchObject({ code: 0 });
    await goes(all, "71002");
    // Nobody looks for new directories any more.
    all.scan.write("c", { run: marked("71003") });
    await sv(all, "exit", "a", "b");
    await goes(all, "71001");
    await eventually(
      "nothing of it is left",
      () => !all.space.processes().some((pid) => /upkeep|runsv/.test(argv(pid)[0] ?? "")),
    );
    expect(sleeping(all, "71003")).toBeNull();
  });

  test("what it leaves behind takes up no new directory either when its manager is killed", async (context) => {
    need(context, "root", "sv");
    const all = await scene("ours", RUNSVDIR, two, dir);
    const first = await runs(all, "71001");
    await eventually("sv sees it", async () => (await sv(all, "status", "a")).stdout.startsWith("run: "));
    all.space.signal("TERM");
    await all.space.exit();
    all.scan.write("c", { run: marked("71003") });
    const core = await eventually("the core is there", () => coreOf(all));
    const manager = children(core).find((pid) => argv(pid).includes("--face")) ?? 0;
    send(manager, "SIGKILL");
    await sv(all, "restart", "a");
    // It is the new one that has done this, once it has looked around.
    await eventually("it was restarted", () => ![null, first].includes(sleeping(all, "71001")));
    expect(sleeping(all, "71003")).toBeNull();
    await sv(all, "exit", "a", "b");
    await eventually("it has ended, for nothing is left", () => !isAlive(core));
  });

  beside("starts anew what sv has told to exit, a moment later", async (whose) => {
    const all = await scene(whose, RUNSVDIR, two, dir);
    const first = await runs(all, "71001");
    await eventually("sv sees it", async () => (await sv(all, "status", "a")).stdout.startsWith("run: "));
    await sv(all, "exit", "a");
    await eventually("it was started anew", () => {
      // The original looks every five seconds, unless it is told to.
      if (whose === "theirs") all.space.signal("ALRM");
      return ![null, first].includes(sleeping(all, "71001"));
    });
    await eventually("sv sees it", async () => (await sv(all, "status", "a")).stdout.startsWith("run: "));
  });

  beside("stops every service on HUP, and ends with 111", async (whose) => {
    const all = await scene(whose, RUNSVDIR, two, dir);
    await runs(all, "71001");
    await runs(all, "71002");
    all.space.signal("HUP");
    expect(await all.space.exit()).toEqual({ code: 111 });
    await goes(all, "71001");
    await goes(all, "71002");
  });

  beside("looks again on ALRM and lives on; what comes is started and what goes is stopped", async (whose) => {
    const all = await scene(whose, RUNSVDIR, two, dir);
    await runs(all, "71001");
    await runs(all, "71002");
    all.scan.write("c", { run: marked("71003") });
    all.space.signal("ALRM");
    await runs(all, "71003", 15_000);
    removeAll(all.scan.at("b"));
    all.space.signal("ALRM");
    await eventually("it is stopped", () => sleeping(all, "71002") === null, 15_000);
    expect(isAlive(all.space.pid)).toBe(true);
  });

  test("scrolls standard error through the log argument as runit's does, and leaves standard output alone", async (context) => {
    need(context, "root", "runsvdir");
    const script = '#!/bin/sh\necho "to the output"\nprintf "one\\ttwo\\001\\n" >&2\nexec sleep 71001\n';
    const titles: string[] = [];
    for (const whose of both) {
      const all = await scene(whose, RUNSVDIR, { a: { run: script } }, ({ path }) => [path, `log: ${".".repeat(40)}`]);
      await runs(all, "71001");
      const last = () => argv(all.space.pid).at(-1) ?? "";
      await eventually("the title has it, to the last byte", () => /two[^a-z]{2}$/.test(last()));
      titles.push(last());
      expect(all.space.stdout()).toBe("to the output\n");
      expect(all.space.stderr()).toBe("");
      const pipe = `/proc/${sleeping(all, "71001")}/fd/2`;
      writeFileSync(pipe, "x".repeat(100));
      await eventually("more has come", () => last() === `log: ${"x".repeat(40)}`);
      await all.space.dispose();
    }
    expect(titles[0]).toBe(titles[1]);
  });

  test("its log goes on in the arguments of what it leaves behind", async (context) => {
    need(context, "root");
    const all = await scene("ours", RUNSVDIR, two, ({ path }) => [path, `log: ${".".repeat(40)}`]);
    const pid = await runs(all, "71001");
    all.space.signal("KILL");
    await all.space.exit();
    const core = await eventually("the core is there", () => coreOf(all));
    writeFileSync(`/proc/${pid}/fd/2`, "after the end");
    await eventually("it is to be read", () => argv(core).filter(Boolean).at(-1)?.endsWith("after the end"));
    // Whoever looks for runsvdir does not find it.
    expect(argv(core)).not.toContain("runsvdir");
  });

  test("started anew it takes each service over once what the first one left was told to exit", async (context) => {
    need(context, "root", "sv");
    const all = await scene("ours", RUNSVDIR, two, dir);
    const first = await runs(all, "71001");
    await eventually("sv sees both", async () => (await sv(all, "status", "a", "b")).code === 0);
    all.space.signal("TERM");
    expect(await all.space.exit()).toEqual({ code: 0 });
    const log = `${temporaryDirectory()}/log`;
    await all.space.inside(["sh", "-c", `${upkeep} runsvdir ${all.scan.path} </dev/null >/dev/null 2>${log} &`]);
    await eventually("it has seen the other one", () =>
      linesOf(log).some((line) => line.includes("a does not run here")),
    );
    expect(sleeping(all, "71001")).toBe(first);
    await sv(all, "exit", "a", "b");
    await goes(all, "71001");
    expect(await runs(all, "71001", 12_000)).not.toBe(first);
  });

  test("as PID 1 its TERM is the ordered stop, for its end would be everybody's", async (context) => {
    need(context, "root");
    const log = `${temporaryDirectory()}/log`;
    const all = await scene("ours", RUNSVDIR, { a: { run: noting("a", log, 0.3) } }, dir, {});
    await eventually("it has started", () => linesOf(log).includes("a started"));
    all.space.signal("TERM");
    expect(await all.space.exit()).toEqual({ code: 0 });
    expect(linesOf(log)).toEqual(["a started", "a asked", "a ended"]);
  });

  test("as PID 1 its HUP is the same with 111", async (context) => {
    need(context, "root");
    const all = await scene("ours", RUNSVDIR, two, dir, {});
    await runs(all, "71001");
    all.space.signal("HUP");
    expect(await all.space.exit()).toEqual({ code: 111 });
  });
});

describe("runsv", () => {
  /** What the program says and leaves with; `DIR` is its directory. */
  const outcome = async (whose: Whose, words: readonly string[], cwd: string) => {
    const options = whose === "ours" ? { env: { PATH: named("runsv") } } : {};
    const { exitCode, stdout, stderr } = await execa("runsv", words, { ...options, cwd, reject: false, timeout: 5000 });
    return { exitCode, stdout, stderr };
  };

  test("says what runit's says of wrong words and directories, with the same codes", async (context) => {
    need(context, "runsv");
    const { path } = scanDir({ a: { run: marked("71001") } });
    for (const words of [[], ["a", "b"], ["absent"], ["/etc/passwd"], ["-x"]])
      expect(await outcome("ours", words, path)).toEqual(await outcome("theirs", words, path));
  });

  beside("is refused word for word where another runs, and ends with 0 on TERM", async (whose) => {
    const all = await scene(whose, RUNSV, two, ({ path }) => [`${path}/a`]);
    await runs(all, "71001");
    const status = () => sv(all, "status", "a");
    await eventually("sv sees it", async () => (await status()).stdout.startsWith("run: "));
    expect((await status()).stdout).toMatch(/^run: \S+\/a: \(pid \d+\) \d+s$/);
    for (const other of both)
      expect(await outcome(other, ["a"], all.scan.path)).toEqual({
        exitCode: 111,
        stdout: "",
        stderr: "runsv a: fatal: unable to lock supervise/lock: temporary failure",
      });
    // One directory, whatever lies beside it.
    expect(sleeping(all, "71002")).toBeNull();
    all.space.signal("TERM");
    expect(await all.space.exit()).toEqual({ code: 0 });
    await goes(all, "71001");
    expect((await status()).stdout).toMatch(/^fail: .*: runsv not running$/);
  });

  beside("ends with 0 once sv has told its service to exit", async (whose) => {
    const all = await scene(whose, RUNSV, two, ({ path }) => [`${path}/a`]);
    await runs(all, "71001");
    await eventually("sv sees it", async () => (await sv(all, "status", "a")).stdout.startsWith("run: "));
    await sv(all, "exit", "a");
    expect(await all.space.exit()).toEqual({ code: 0 });
    await goes(all, "71001");
  });

  test("has no control socket, which is that of the container's own supervisor", async (context) => {
    need(context, "root");
    const scan = scanDir(two);
    const space = await launch([scan.path], { asChild: true });
    await runs({ space }, "71001");
    const other = scanDir({ z: { run: marked("71009") } });
    await space.inside(["sh", "-c", `${upkeep} runsv ${other.at("z")} </dev/null >/dev/null 2>&1 &`]);
    await runs({ space }, "71009");
    expect((await space.upkeep("status", "-o", "name")).stdout.split("\n")).toEqual(["a", "b"]);
    space.signal("TERM");
    await space.exit();
    expect(sleeping({ space }, "71009")).not.toBeNull();
    expect((await space.upkeep("status")).code).toBe(7);
  });
});
