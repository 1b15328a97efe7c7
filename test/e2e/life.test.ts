// What each file of a service directory and each key of service.ini does to real processes.
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { need } from "../helpers/need.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { stat } from "../helpers/proc.ts";
import { lines, linesOf, sleeper } from "../helpers/scripts.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";

/** A directory that any user may write to. */
function shared(): string {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o1777);
  return directory;
}

describe("a process of a service", () => {
  const out = shared();
  let space: Namespace;
  const facts: Readonly<Record<string, string>> = {
    ids: "$(id -u):$(id -g):$(id -G)",
    account: "$HOME $USER $LOGNAME $SHELL",
    umask: "$(umask)",
    nice: "$(nice)",
    nofile: "$(ulimit -Sn) $(ulimit -Hn)",
    core: "$(ulimit -Sc) $(ulimit -Hc)",
    pwd: "$(pwd -P)",
    stdin: "$(readlink /proc/$$/fd/0)",
    variables: "$PORT $WORDS $OTHER $SHARED",
    fresh: `$(if [ "\${GONE+x}" ]; then echo there; else echo gone; fi)`,
    arguments: "$0 $*",
  };
  const run = `#!/bin/sh
name=$UPKEEP_SERVICE
{
${Object.entries(facts)
  .map(([name, text]) => `echo "${name}=${text}"`)
  .join("\n")}
} >${out}/$name.new
mv ${out}/$name.new ${out}/$name
exec sleep 1000
`;
  const as = (ini: string, files: ServiceFiles = {}): ServiceFiles => ({ run, "service.ini": ini, ...files });
  const services = {
    plain: as("", { "env/PORT": "8080\n", "env/GONE": "" }),
    settings: as(
      "umask = 027\nnice = 5\ndir = /usr/share\nlimits = nofile=100:200 core=0\nenv = PORT=81 WORDS='two words'\n",
      {
        "env/OTHER": "from a file\nsecond line\n",
        "env/PORT": "80\n",
      },
    ),
    sections: as("[env]\nPORT = 82\n[limits]\nnofile = 64\n"),
    user: as("user = nobody\n"),
    group: as("user = nobody\ngroup = daemon\ngroups = www-data\nenv = HOME=/elsewhere\n"),
    numbers: as("user = 12345\n"),
    bare: as("user = nobody:nogroup\ngroups =\n"),
    words: as(`command = sh ./other 'a b' "c \\"d\\""\n`, { other: run }),
  };
  const told = (name: string, fact: string) =>
    linesOf(join(out, name))
      .find((line) => line.startsWith(`${fact}=`))
      ?.slice(fact.length + 1);
  let directory: string;

  beforeAll(async () => {
    const isRoot = process.getuid?.() === 0;
    const rootOnly = ["user", "group", "numbers", "bare"];
    const chosen = Object.entries(services).filter(([name]) => isRoot || !rootOnly.includes(name));
    const scan = scanDir(Object.fromEntries(chosen));
    directory = scan.path;
    space = await launch([scan.path], { env: { GONE: "x", SHARED: "by all" } });
    for (const [name] of chosen) await lines(join(out, name), Object.keys(facts).length);
  });

  // biome-ignore format: a table
  test.each([
    ["begins in its directory", "plain", "pwd", (dir) => join(dir, "plain")],
    ["reads /dev/null", "plain", "stdin", () => "/dev/null"],
    ["has what env/ says on top of the container's environment", "plain", "variables", () => "8080   by all"],
    ["loses a variable whose file in env/ is empty", "plain", "fresh", () => "gone"],
    ["is called by the path of its run file", "plain", "arguments", (dir) => `${join(dir, "plain/run")} `],
    ["keeps the container's identity where none is named", "plain", "account", () => "/root   "],
    ["has the umask of `umask`", "settings", "umask", () => "0027"],
    ["has the priority of `nice`", "settings", "nice", () => "5"],
    ["begins in `dir`", "settings", "pwd", () => "/usr/share"],
    ["has the soft and hard limits of `limits`", "settings", "nofile", () => "100 200"],
    ["has every limit that is named", "settings", "core", () => "0 0"],
    ["has `env` on top of env/, of whose files the first line counts", "settings", "variables", () => "81 two words from a file by all"],
    ["has the variables of a section [env]", "sections", "variables", () => "82   by all"],
    ["has the limits of a section [limits]", "sections", "nofile", () => "64 64"],
    ["takes its words from `command`, quoted as in a shell", "words", "arguments", () => './other a b c "d"'],
  ] as readonly (readonly [string, string, string, (directory: string) => string])[])("%s", (_promise, name, fact, expected) => {
    expect(told(name, fact)).toBe(expected(directory));
  });

  // biome-ignore format: a table
  test.for([
    ["is of `user`, with the groups of that account", "user", "ids", "65534:65534:65534"],
    ["has HOME, USER, LOGNAME and SHELL of `user`", "user", "account", "/nonexistent nobody nobody /usr/sbin/nologin"],
    ["is of `group` and `groups` where they are named", "group", "ids", "65534:1:1 33"],
    ["keeps the HOME that `env` sets", "group", "account", "/elsewhere nobody nobody /usr/sbin/nologin"],
    ["is of a number that has no account", "numbers", "ids", "12345:12345:12345"],
    ["has no groups where `groups` is empty", "bare", "ids", "65534:65534:65534"],
  ] as const)("%s", ([_promise, name, fact, expected], context) => {
    need(context, "root");
    expect(told(name, fact)).toBe(expected);
  });

  test("leads a session and a group of its own", async () => {
    const { pid } = await statusOf(space, "plain");
    const outer = space.outer(pid ?? 0);
    expect(stat(outer ?? 0)).toMatchObject({ pid: outer, pgrp: outer, session: outer, ppid: space.pid });
  });
});

describe("the end of a process", () => {
  const out = shared();
  let space: Namespace;
  const counted = (end: string): string => `#!/bin/sh\necho start >>${out}/$UPKEEP_SERVICE\n${end}\n`;
  const finish = `#!/bin/sh\necho "$1 $2" >>${out}/$UPKEEP_SERVICE.finish\n`;
  const slow = "restart-delay = 1h\nrestart-delay-max = 1h\n";
  const ends = (end: string, ini: string): ServiceFiles => ({ run: counted(end), "service.ini": ini });
  const starts = (name: string) => linesOf(join(out, name)).length;
  const reaches = (name: string, state: string) =>
    eventually(`${name} is ${state}`, async () => {
      const status = await statusOf(space, name);
      if (status.state !== state) throw new Error(`it is ${status.state}`);
      return status;
    });

  beforeAll(async () => {
    const scan = scanDir({
      "exit-3": { ...ends("exit 3", "restart = never"), finish },
      "kill-9": { ...ends("kill -9 $$", "restart = never"), finish },
      stopped: { run: sleeper, finish },
      "always-0": ends("exit 0", slow),
      "always-1": ends("exit 1", slow),
      "failure-0": ends("exit 0", `restart = on-failure\n${slow}`),
      "failure-1": ends("exit 1", `restart = on-failure\n${slow}`),
      "failure-9": ends("kill -9 $$", `restart = on-failure\n${slow}`),
      "failure-3": ends("exit 3", `restart = on-failure\nsuccess-codes = 0, 3\n${slow}`),
      "never-0": ends("exit 0", "restart = never"),
      "never-1": ends("exit 1", "restart = never"),
      "oneshot-0": ends("exit 0", "type = oneshot"),
      "oneshot-1": ends("exit 1", `type = oneshot\n${slow}`),
      "gives-up": ends("exit 1", "give-up = 3 in 1m\nrestart-delay = 10ms"),
      delays: ends(`date +%s%3N >>${out}/times; exit 1`, "restart-delay = 600ms\nrestart-delay-max = 1500ms"),
      stable: ends("sleep 0.7; exit 1", `stable = 100ms\nsettle = 50ms\n${slow}`),
      once: { ...ends("exit 0", slow), down: "" },
      down: { run: sleeper, down: "", "service.ini": "settle = 10ms" },
    });
    space = await launch([scan.path]);
  });

  test("runs finish with the exit code and 0", async () => {
    expect(await lines(join(out, "exit-3.finish"), 1)).toEqual(["3 0"]);
  });

  test("runs finish with -1 and the signal that killed it", async () => {
    expect(await lines(join(out, "kill-9.finish"), 1)).toEqual(["-1 9"]);
  });

  test("runs finish after a stop too, before the stop is done", async () => {
    await allUp(space, "stopped");
    expect((await space.upkeep("stop", "stopped")).code).toBe(0);
    expect(linesOf(join(out, "stopped.finish"))).toEqual(["-1 15"]);
  });

  // biome-ignore format: a table
  test.each([
    ["always-0", "restarts after a good one by default", "backoff", 2],
    ["always-1", "restarts after a bad one by default", "backoff", 2],
    ["failure-0", "stays with on-failure after a good one", "done", 1],
    ["failure-1", "restarts with on-failure after a bad one", "backoff", 2],
    ["failure-9", "restarts with on-failure after a death by signal", "backoff", 2],
    ["failure-3", "stays with on-failure after one of success-codes", "done", 1],
    ["never-0", "stays with never after a good one", "done", 1],
    ["never-1", "stays with never after a bad one, as failed", "failed", 1],
    ["oneshot-0", "is that of a oneshot's work", "done", 1],
    ["oneshot-1", "is tried again where a oneshot failed", "backoff", 2],
  ] as const)("%s: %s", async (name, _promise, state, count) => {
    const { retryIn } = await reaches(name, state);
    expect(starts(name)).toBe(count);
    expect(retryIn !== null && retryIn > 3000 && retryIn <= 3960).toBe(state === "backoff");
  });

  test("is final after give-up's count, and says so", async () => {
    expect(await reaches("gives-up", "failed")).toMatchObject({ retryIn: null, lastExit: { code: 1 }, restarts: 2 });
    expect(starts("gives-up")).toBe(3);
  });

  test("is answered at once, then after restart-delay, then after twice that, up to restart-delay-max", async () => {
    const times = (await lines(join(out, "times"), 5)).map(Number);
    const gaps = times.slice(1, 5).map((time, index) => time - (times[index] ?? 0));
    // Jitter is a tenth; how much later a start may come is the machine's.
    for (const [index, least] of [0, 540, 1080, 1350].entries()) expect(gaps[index]).toBeGreaterThanOrEqual(least);
    expect(space.stderr().match(/delays crashed: [^"]*/)?.[0]).toMatch(/; restarting at once$/);
  });

  test("is the first one again after a stable run", async () => {
    await lines(join(out, "stable"), 4);
    expect((await statusOf(space, "stable")).retryIn).toBe(null);
  });

  test("is the last one after `once`, whatever the policy", async () => {
    expect((await space.upkeep("once", "once")).code).toBe(0);
    await reaches("once", "done");
    expect(starts("once")).toBe(1);
  });

  test("never comes to what a file down keeps from starting, until it is asked for", async () => {
    expect(await statusOf(space, "down")).toMatchObject({ state: "down", want: "down", normallyDown: true, pid: null });
    expect((await space.upkeep("start", "down")).code).toBe(0);
    expect(await statusOf(space, "down")).toMatchObject({ state: "up", want: "up" });
  });
});
