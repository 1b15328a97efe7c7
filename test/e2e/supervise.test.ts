// supervise/ of our own: who holds it, what is acted on, and what a killed manager changes about it.
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { nextManager } from "../helpers/manager.ts";
import { find, need } from "../helpers/need.ts";
import { launch, upkeep } from "../helpers/pid-namespace.ts";
import { argv, innerPid, send, stat } from "../helpers/proc.ts";
import { removeAll, type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statuses, statusOf } from "../helpers/status.ts";
import { isOffered, listener, sightOf } from "../helpers/supervise.ts";

/** Writes letters to `control`, as any client does. */
const tell = (directory: string, letters: string) => {
  const fd = openSync(join(directory, "supervise", "control"), constants.O_WRONLY | constants.O_NONBLOCK);
  writeSync(fd, letters);
  closeSync(fd);
};
const sleeper: ServiceFiles = { run: "#!/bin/sh\nexec sleep 100000\n" };

describe("a letter in control", () => {
  test("is to be seen at once, while scripts run and a start is put off", async () => {
    const directory = scanDir({
      // Its script takes its time, and it does not go by TERM.
      slow: { run: "#!/bin/sh\ntrap : TERM\nwhile :; do sleep 0.02; done\n", "control/t": "#!/bin/sh\nsleep 100000\n" },
      // It is tried again in a minute.
      crashed: { run: "#!/bin/sh\nexit 1\n", "service.ini": "restart-delay = 60s\nrestart-delay-max = 60s\n" },
    });
    const slow = directory.at("slow");
    const space = await launch([directory.path]);
    await eventually("both are offered", () => isOffered(slow) && isOffered(directory.at("crashed")));
    await eventually("slow runs", () => sightOf(slow).state === 1);
    await eventually("crashed waits", async () => (await statusOf(space, "crashed")).state === "backoff");
    for (const letter of "dudu") {
      // What waits for the script, or for the next try, waits for longer than we do.
      tell(slow, letter);
      await eventually(`${letter} is there`, () => sightOf(slow).want === letter);
    }
    // Not even for the script of another letter.
    const { pid } = await eventually("it is to be seen", () => sightOf(slow));
    tell(slow, "k");
    await eventually("it is killed, and comes back", () => ![0, pid].includes(sightOf(slow).pid));
    tell(directory.at("crashed"), "d");
    await eventually("it is not tried again", async () => (await statusOf(space, "crashed")).state === "down");
    tell(directory.at("crashed"), "u");
    await eventually("it is tried at once", async () => (await statusOf(space, "crashed")).restarts >= 1);
  });

  test("is not lost, and not acted on twice, whenever the manager is killed", async () => {
    const directory = scanDir({ web: { run: listener }, other: sleeper });
    const space = await launch([directory.path]);
    const web = directory.at("web");
    const got = () => readFileSync(join(web, "got"), "utf8");
    await eventually("they are offered", () => isOffered(web) && isOffered(directory.at("other")));
    await eventually("it listens", () => got() === "start\n");
    await eventually("the other one runs", () => sightOf(directory.at("other")).state === 1);
    const status = () => readFileSync(directory.at("other", "supervise", "status"));
    const before = status();
    let manager = await nextManager(space, 0);
    let hangups = 0;
    for (let round = 0; round < 5; round++) {
      // At once, in the midst of it, or just after.
      tell(web, "h");
      hangups++;
      if (round % 3 > 0) await delay(round % 3);
      send(manager, "SIGKILL");
      manager = await nextManager(space, manager);
      await eventually("it has come", () => got().split("HUP").length - 1 >= hangups);
    }
    expect(got()).toBe(`start\n${"HUP\n".repeat(hangups)}`);
    // What has not changed is written as it was, to the nanosecond.
    await eventually("a manager has taken over", async () => (await statusOf(space, "other")).state === "up");
    expect(status()).toEqual(before);
    // While none is there the fifos are, and so is the lock.
    send(manager, "SIGSTOP");
    await eventually("it has stopped", () => stat(manager)?.state === "T");
    expect(isOffered(web)).toBe(true);
    tell(web, "d");
    send(manager, "SIGKILL");
    await eventually("it is down", () => sightOf(web).stat === "down\n");
    expect(got().endsWith("HUP\nTERM\n")).toBe(true);
  });

  test("a script that runs when the manager is killed is waited for by the next one", async () => {
    const directory = scanDir({
      web: { run: listener, "control/t": "#!/bin/sh\necho t >> got\nwhile [ ! -e go ]; do sleep 0.02; done\nexit 1\n" },
    });
    const web = directory.at("web");
    const space = await launch([directory.path]);
    await eventually("it is offered", () => isOffered(web));
    await eventually("it listens", () => readFileSync(join(web, "got"), "utf8") === "start\n");
    tell(web, "d");
    await eventually("its script runs", () => readFileSync(join(web, "got"), "utf8") === "start\nt\n");
    const manager = await nextManager(space, 0);
    send(manager, "SIGKILL");
    await nextManager(space, manager);
    expect((await statusOf(space, "web")).state).toBe("stopping");
    await eventually("it is to be seen", () => sightOf(web).stat === "run, want down\n");
    writeFileSync(join(web, "go"), "");
    await eventually("it is down", () => sightOf(web).stat === "down\n");
    expect(readFileSync(join(web, "got"), "utf8")).toBe("start\nt\nTERM\n");
  });

  test("runs the same scripts as an order of ours does, and the ordered stop", async () => {
    const note = (exit: number) => `#!/bin/sh\necho "\${0##*/}" >> got\nexit ${exit}\n`;
    const scripts = Object.fromEntries([..."udxh"].map((letter) => [`control/${letter}`, note(0)]));
    const directory = scanDir({ web: { run: listener, ...scripts, "control/t": note(1) } });
    const got = () => readFileSync(directory.at("web", "got"), "utf8").trim().split("\n");
    const space = await launch([directory.path]);
    const expected = ["u", "start"];
    const does = async (words: readonly string[], ...lines: readonly string[]) => {
      if (words.length > 0) expect((await space.upkeep(...words)).code, words.join(" ")).toBe(0);
      expected.push(...lines);
      // A script that follows a signal may be slower than what the signal brings about.
      await eventually(words.join(" "), () => [...got()].sort().join() === [...expected].sort().join());
    };
    await does([]);
    await allUp(space, "web");
    await does(["signal", "HUP", "web"], "h");
    await does(["reload", "web"], "h");
    await does(["restart", "web"], "t", "TERM", "u", "start");
    await does(["stop", "web"], "t", "TERM", "d");
    await does(["start", "web"], "u", "start");
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    expect(got().slice(expected.length)).toEqual(expect.arrayContaining(["t", "TERM"]));
    expect(sightOf(directory.at("web")).stat).toBe("down\n");
  });

  test("never kills what takes longer than stop-grace to go, unless stop-grace is said", async () => {
    const deaf = "#!/bin/sh\ntrap 'echo TERM >> got' TERM\necho start >> got\nwhile :; do sleep 0.02; done\n";
    const directory = scanDir({
      patient: { run: deaf },
      told: { run: deaf, "service.ini": "stop-grace = 200ms\n" },
    });
    await launch([directory.path]);
    const [patient, told] = [directory.at("patient"), directory.at("told")];
    for (const each of [patient, told]) {
      await eventually("it is offered", () => isOffered(each) && sightOf(each).state === 1);
      await eventually("it listens", () => readFileSync(join(each, "got"), "utf8") === "start\n");
      tell(each, "d");
    }
    await eventually("it is killed", () => sightOf(told).stat === "down\n");
    await eventually("that one is not", () => sightOf(patient).stat === "run, got TERM, want down\n");
    // A second one is sent as often as it is asked for.
    await eventually("it has heard the first", () => readFileSync(join(patient, "got"), "utf8") === "start\nTERM\n");
    tell(patient, "d");
    await eventually("it hears it", () => readFileSync(join(patient, "got"), "utf8") === "start\nTERM\nTERM\n");
    tell(patient, "k");
    await eventually("it is down", () => sightOf(patient).stat === "down\n");
  });
});

describe("a supervise directory", () => {
  test("that a living runsv holds is left to it, with its pid, and taken once it is free", async (context) => {
    need(context, "runsv");
    const directory = scanDir({ theirs: sleeper, ours: sleeper });
    const space = await launch([directory.path], {
      setup: `(cd "${directory.path}" && exec runsv theirs) 3>&- 4<&- &\nwhile ! svok "${directory.at("theirs")}"; do sleep 0.02; done`,
    });
    const runsv = await eventually("runsv runs", () => space.processes().find((pid) => argv(pid)[0] === "runsv"));
    await eventually("ours is up", async () => (await statusOf(space, "ours")).state === "up");
    const refused = await statusOf(space, "theirs");
    expect(refused).toMatchObject({ state: "incomplete", pid: null });
    expect(refused.why).toBe(
      `${directory.at("theirs")}/supervise is supervised by pid ${innerPid(runsv)} (runsv); end that, then upkeep apply`,
    );
    expect(space.stderr()).toContain(`theirs does not run here: ${refused.why}`);
    await eventually("both run", () => space.processes().filter((pid) => argv(pid)[0] === "sleep").length === 2);
    send(runsv, "SIGTERM");
    await eventually("it is gone", () => !isOffered(directory.at("theirs")));
    space.signal("HUP");
    await eventually("it runs here", async () => (await statusOf(space, "theirs")).state === "up");
  });

  test("of an upkeep: a second one has nothing to do, and says so once", async () => {
    const directory = scanDir({ web: sleeper, logged: { ...sleeper, "log/run": "#!/bin/sh\nexec cat\n" } });
    const space = await launch([directory.path]);
    await allUp(space, "web", "logged");
    await eventually("all are offered", () =>
      ["web", "logged", "logged/log"].every((name) => isOffered(directory.at(name))),
    );
    const second = await space.inside([upkeep, directory.path]);
    expect(second.code).toBe(111);
    const lines = second.stderr.split("\n").map((line) => JSON.parse(line));
    expect(lines.filter(({ level }) => level === "error").map(({ msg }) => msg)).toEqual([
      `cannot supervise ${directory.path}: its 2 services are supervised by pid 1 (upkeep)`,
    ]);
    expect((await statuses(space)).map(({ state }) => state)).toEqual(["up", "up"]);
    const runsv = find("runsv");
    if (runsv === null) return;
    const refused = await space.inside(["runsv", directory.at("web")]);
    expect(refused).toMatchObject({ code: 111, stderr: expect.stringContaining("unable to lock supervise/lock") });
  });

  test("takes over what a dead supervisor left, replaces what somebody put there, and follows a link", async () => {
    const elsewhere = temporaryDirectory();
    const names = ["stale", "hostile", "linked", "blocked", "file", "dangling"];
    const directory = scanDir(Object.fromEntries(names.map((name) => [name, sleeper])));
    for (const name of ["stale", "hostile", "blocked"]) mkdirSync(directory.at(name, "supervise"));
    const stale = (name: string) => directory.at("stale", "supervise", name);
    writeFileSync(stale("lock"), "");
    writeFileSync(stale("pid"), "77\n");
    writeFileSync(stale("stat"), "run\n");
    writeFileSync(stale("status"), Buffer.alloc(20, 1));
    writeFileSync(stale("status.new"), "half");
    const victim = join(elsewhere, "victim");
    writeFileSync(victim, "precious");
    const hostile = (name: string) => directory.at("hostile", "supervise", name);
    for (const name of ["lock", "ok", "pid.new", "status", "stat.new"]) symlinkSync(victim, hostile(name));
    writeFileSync(hostile("control"), "no fifo");
    await execa("mkfifo", [hostile("status.new")]);
    symlinkSync(join(elsewhere, "made"), directory.at("linked", "supervise"));
    mkdirSync(directory.at("blocked", "supervise", "control"));
    writeFileSync(directory.at("file", "supervise"), "");
    symlinkSync(join(elsewhere, "not/there"), directory.at("dangling", "supervise"));
    const space = await launch([directory.path]);
    await allUp(space, ...names);
    for (const name of ["stale", "hostile", "linked"]) {
      await eventually(`${name} is offered`, () => isOffered(directory.at(name)));
      await eventually(`${name} is seen to run`, () => {
        expect(sightOf(directory.at(name)), name).toMatchObject({ stat: "run\n", want: "u", state: 1 });
        return true;
      });
      tell(directory.at(name), "d");
      await eventually(`${name} hears`, () => sightOf(directory.at(name)).stat === "down\n");
    }
    expect(readFileSync(victim, "utf8")).toBe("precious");
    expect(lstatSync(join(elsewhere, "made")).mode & 0o777).toBe(0o700);
    // It runs all the same.
    expect(isOffered(directory.at("blocked"))).toBe(false);
    for (const [name, why] of [
      ["file", "ENOTDIR"],
      ["dangling", "ENOENT"],
    ] as const)
      await eventually(`${name} is told of`, () =>
        space.stderr().includes(`cannot offer ${name} in ${directory.at(name)}/supervise: directory: ${why}; sv`),
      );
    expect(space.stderr()).toMatch(/cannot offer blocked in .*blocked\/supervise: control: E\w+; sv does not reach it/);
  });

  test("is in the runtime directory where the service's own cannot be written to", async (context) => {
    need(context, "root", "sv");
    const directory = scanDir({ web: sleeper, logged: { ...sleeper, "log/run": "#!/bin/sh\nexec cat\n" } });
    const path = directory.path;
    const space = await launch([path], {
      setup: `mount --bind "${path}" "${path}"\nmount -o remount,ro,bind "${path}"`,
    });
    await allUp(space, "web", "logged");
    const svok = async (name: string) =>
      (
        await space.inside([
          "sh",
          "-c",
          `: <> /run/upkeep/supervise/${name}/ok && cat /run/upkeep/supervise/${name}/stat`,
        ])
      ).stdout;
    for (const name of ["web", "logged", "logged/log"])
      await eventually(`${name} is there`, async () => (await svok(name)) === "run");
    await space.inside(["sh", "-c", "printf d > /run/upkeep/supervise/web/control"]);
    await eventually("it is down", async () => (await statusOf(space, "web")).state === "down");
  });

  test("that was renamed comes back when the service of its old name is down, and nobody is blamed", async () => {
    const directory = scanDir({
      web: { run: listener.replace("exit 0", "until [ -e end ]; do sleep 0.02; done; exit 0") },
    });
    const space = await launch([directory.path]);
    const got = () => readFileSync(directory.at("site", "got"), "utf8");
    await eventually("it listens", () => readFileSync(directory.at("web", "got"), "utf8") === "start\n");
    await eventually("it is offered", () => isOffered(directory.at("web")));
    renameSync(directory.at("web"), directory.at("site"));
    await eventually("it waits", async () =>
      (await statusOf(space, "site")).why?.startsWith("it waits until the service"),
    );
    await eventually("it has been asked to end", () => got() === "start\nTERM\n");
    writeFileSync(directory.at("site", "end"), "");
    await allUp(space, "site");
    await eventually("it runs anew", () => got() === "start\nTERM\nstart\n");
    expect(space.stderr()).not.toContain("does not run here");
  });

  test("is made again when it was removed alone, as soon as there is anything to tell", async () => {
    const directory = scanDir({ web: sleeper });
    const space = await launch([directory.path]);
    const web = directory.at("web");
    await eventually("it is offered", () => isOffered(web));
    removeAll(directory.at("web", "supervise"));
    expect((await space.upkeep("stop", "web")).code).toBe(0);
    await eventually("it is offered again", () => isOffered(web));
    tell(web, "u");
    await eventually("it hears", () => sightOf(web).stat === "run\n");
    // Without its directory there is nothing to be offered.
    directory.remove("web");
    await eventually("it is removed", async () => (await statuses(space)).length === 0);
    expect(existsSync(web)).toBe(false);
  });

  test("goes with its service, and comes back with it", async (context) => {
    need(context, "sv");
    const directory = scanDir({ web: sleeper, logged: { ...sleeper, "log/run": "#!/bin/sh\nexec cat\n" } });
    const space = await launch([directory.path]);
    const logged = directory.at("logged");
    const isGone = () => !isOffered(logged) && !isOffered(join(logged, "log"));
    await eventually("it is offered", () => isOffered(logged) && isOffered(join(logged, "log")));
    expect(await space.inside(["sv", "exit", logged])).toMatchObject({ code: 0, stdout: "" });
    await eventually("both are gone", isGone);
    await eventually("it is seen to be down", () => sightOf(logged).stat === "down\n");
    expect(await statusOf(space, "logged")).toMatchObject({ state: "down", want: "down", pid: null });
    // Neither a look at the directory nor another manager brings it back.
    const manager = await nextManager(space, 0);
    send(manager, "SIGKILL");
    await nextManager(space, manager);
    directory.write("more", sleeper);
    await allUp(space, "more");
    expect(isGone()).toBe(true);
    // For one run, and not for another after it.
    expect((await space.upkeep("once", "logged")).code).toBe(0);
    await eventually("both are back", () => isOffered(logged) && isOffered(join(logged, "log")));
    await eventually("it runs once", () => sightOf(logged).stat === "run, want down\n");
    tell(logged, "k");
    await eventually("it has run once", () => sightOf(logged).stat === "down\n");
    tell(logged, "x");
    await eventually("both are gone", isGone);
    expect((await space.upkeep("start", "logged")).code).toBe(0);
    await eventually("both are back", () => isOffered(logged) && isOffered(join(logged, "log")));
    await eventually("it is to stay", () => sightOf(logged).stat === "run\n");
    // What was written in one breath is read in turn; the second letter comes too late.
    tell(logged, "x");
    await eventually("both are gone", isGone);
    space.signal("HUP");
    await eventually("both are back", () => isOffered(logged) && isOffered(join(logged, "log")));
    directory.remove("web");
    await eventually("web is removed", async () => (await statuses(space)).every(({ name }) => name !== "web"));
    directory.write("web", sleeper);
    await eventually("another one is offered", () => isOffered(directory.at("web")));
  });
});

describe("a thousand services and their loggers", () => {
  test("are all offered, and hear", { timeout: 120_000 }, async () => {
    const logger = { ...sleeper, "log/run": "#!/bin/sh\nexec cat\n" };
    const directory = scanDir(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`s${i}`, logger])));
    const names = Array.from({ length: 500 }, (_, i) => [`s${i}`, `s${i}/log`]).flat();
    await launch([directory.path]);
    await eventually("all are offered", () => names.every((name) => isOffered(directory.at(name))), 40_000);
    await eventually("all are seen", () => names.every((name) => sightOf(directory.at(name)).want === "u"));
    for (let i = 0; i < 500; i += 50) tell(directory.at(`s${i}`), "d");
    for (let i = 0; i < 500; i += 50)
      await eventually(`s${i} is down`, () => sightOf(directory.at(`s${i}`)).stat === "down\n");
  });

  test("all run where few descriptors are allowed, and what is not offered is said once", async () => {
    const names = Array.from({ length: 200 }, (_, i) => `s${i}`);
    const directory = scanDir(Object.fromEntries(names.map((name) => [name, sleeper])));
    const space = await launch([directory.path], { setup: "ulimit -n 512" });
    await allUp(space, ...names);
    const said = () =>
      space.stderr().match(/(\d+) services and loggers are not offered in supervise\/: too few/g) ?? [];
    await eventually("it is said", () => said().length === 1);
    expect(names.some((name) => isOffered(directory.at(name)))).toBe(true);
    // There is room for more.
    directory.write("late", {
      ...sleeper,
      "service.ini": "notify-fd = 3\nstart-timeout = 5s\n",
      run: "#!/bin/sh\necho >&3\nexec sleep 100000\n",
    });
    await allUp(space, "late");
    expect(said().length).toBe(1);
  });
});
