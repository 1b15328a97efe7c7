// Images of baseimage-docker: `upkeep my_init` as their PID 1.
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { baseimage } from "../helpers/baseimage.ts";
import { eventually } from "../helpers/eventually.ts";
import { shell } from "../helpers/init.ts";
import { managerOf, nextManager } from "../helpers/manager.ts";
import { launch, type Namespace, upkeep } from "../helpers/pid-namespace.ts";
import { send } from "../helpers/proc.ts";
import { lines, linesOf, noting, patience } from "../helpers/scripts.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";

const note = (file: string, text: string) => `echo "${text}" >>${file}/notes`;
const script = (...rest: readonly string[]) => `#!/bin/sh\n${rest.join("\n")}\n`;
const inOrder = (shared: string) => linesOf(join(shared, "notes"));
const notes = (shared: string, count: number) => lines(join(shared, "notes"), count);
/** A service that says it runs, and that it has been asked to end. */
const service = (shared: string) => noting("web", join(shared, "notes"));

describe("startup files", () => {
  test("run in their order before the services, and each has what those before it exported", async () => {
    const { setup, shared } = baseimage((shared) => ({
      "container_environment/FROM_IMAGE": "image\n",
      "container_environment/BOTH": "image",
      "my_init.d/20_second": script(note(shared, "second MADE=$MADE CALLER=$CALLER BOTH=$BOTH HOME=$HOME")),
      "my_init.d/10_first": script(
        note(shared, "first FROM_IMAGE=$FROM_IMAGE CALLER=$CALLER BOTH=$BOTH HOME=$HOME"),
        "echo 'it is' >/etc/container_environment/MADE",
        "rm /etc/container_environment/CALLER",
        "mkdir /etc/service/late && cp /etc/service/web/run /etc/service/late/run",
      ),
      "my_init.d/30_no_program": "exit 1\n",
      "rc.local": script(note(shared, "rc.local MADE=$MADE")),
      "service/web/run": script(note(shared, "web MADE=$MADE CALLER=$CALLER HOME=$HOME"), "exec sleep 1000"),
    }));
    const space = await launch(["my_init", "--", "sh", "-c", `${note(shared, "main MADE=$MADE")}; exec sleep 1000`], {
      setup,
      env: { CALLER: "docker", BOTH: "docker" },
    });
    await allUp(space, "web", "late");
    const said = await notes(shared, 6);
    expect(said.slice(0, 3)).toEqual([
      "first FROM_IMAGE=image CALLER=docker BOTH=docker HOME=/root",
      // From the first file on the directory is the whole environment, as my_init has it.
      "second MADE=it is CALLER= BOTH=docker HOME=",
      "rc.local MADE=it is",
    ]);
    expect(said.slice(3).sort()).toEqual([
      "main MADE=it is",
      "web MADE=it is CALLER= HOME=",
      "web MADE=it is CALLER= HOME=",
    ]);
    const { stdout: dump } = await space.inside([
      "sh",
      "-c",
      ". /etc/container_environment.sh; echo $MADE; cat /etc/container_environment.json",
    ]);
    const [made, json = ""] = dump.split("\n");
    expect(made).toBe("it is");
    expect(JSON.parse(json)).toMatchObject({ MADE: "it is", FROM_IMAGE: "image", BOTH: "docker" });
    expect(Object.keys(JSON.parse(json))).not.toContain("CALLER");
  });

  test("that fail end the container with their code, and nothing else is started", async () => {
    const { setup, shared } = baseimage((shared) => ({
      "my_init.d/10_fails": script(note(shared, "fails"), "exit 9"),
      "my_init.d/20_never": script(note(shared, "never")),
      "my_init.pre_shutdown.d/10_hook": script(note(shared, "hook")),
      "service/web/run": service(shared),
    }));
    const space = await launch(["my_init", "--quiet", "--", "touch", "/run/never"], { setup });
    expect(await space.exit()).toEqual({ code: 9 });
    expect(inOrder(shared)).toEqual(["fails"]);
    expect(space.output()).toContain("init:10_fails crashed: exit 9");
  });

  test("that are told to stop end by TERM, and nothing else is started", async () => {
    const { setup, shared } = baseimage((shared) => ({
      "my_init.d/10_long": script(
        `trap '${note(shared, "asked")}; exit 0' TERM`,
        note(shared, "long"),
        "while :; do sleep 0.02; done",
      ),
      "my_init.d/20_never": script(note(shared, "never")),
      "service/web/run": service(shared),
    }));
    const space = await launch(["my_init"], { setup });
    await notes(shared, 1);
    await eventually("it is known", async () => (await statusOf(space, "init:10_long")).state === "starting");
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    expect(inOrder(shared)).toEqual(["long", "asked"]);
  });

  test("run once each, also where the manager dies in the midst of them", async () => {
    const { setup, shared } = baseimage((shared) => ({
      "my_init.d/10_first": script(note(shared, "first"), "echo 1 >/etc/container_environment/MADE"),
      "my_init.d/20_long": script(note(shared, "long $MADE"), `while [ ! -e ${shared}/go ]; do sleep 0.02; done`),
      "my_init.d/30_last": script(note(shared, "last $MADE")),
      "service/web/run": service(shared),
    }));
    const space = await launch(["my_init"], { setup });
    await notes(shared, 2);
    const before = await nextManager(space, 0);
    send(before, "SIGKILL");
    await nextManager(space, before);
    await eventually(
      "the new one knows of it",
      async () => (await statusOf(space, "init:20_long")).state === "starting",
    );
    writeFileSync(join(shared, "go"), "");
    await allUp(space, "web");
    expect(inOrder(shared)).toEqual(["first", "long 1", "last 1", "web started"]);
    const after = managerOf(space) ?? 0;
    send(after, "SIGKILL");
    await nextManager(space, after);
    await allUp(space, "web");
    expect(inOrder(shared)).toHaveLength(4);
  });

  test("are passed over with --skip-startup-files, and so are services with --skip-runit", async () => {
    const { setup, shared } = baseimage((shared) => ({
      "my_init.d/10_never": script(note(shared, "never")),
      "rc.local": script(note(shared, "never")),
      "my_init.pre_shutdown.d/10_hook": script(note(shared, "hook")),
      "service/web/run": service(shared),
    }));
    const words = ["my_init", "--skip-startup-files", "--skip-runit", "sh", "-c", note(shared, "main")];
    // As argparse has it: an option of the command needs the mark before it.
    const wrong = await launch(words, { setup });
    expect(await wrong.exit()).toEqual({ code: 2 });
    const space = await launch([...words.slice(0, 3), "--", ...words.slice(3)], { setup });
    expect(await space.exit()).toEqual({ code: 0 });
    expect(inOrder(shared)).toEqual(["main"]);
  });
});

describe("the stop", () => {
  const layout = () =>
    baseimage((shared) => ({
      // As the image's own syslog-ng: a daemon that a startup file puts into the background.
      "my_init.d/10_daemon": script(`${shared}/daemon &`, "exit 0"),
      "../daemon": script(
        `trap '${note(shared, "daemon ended")}; exit 0' TERM`,
        note(shared, "daemon"),
        "while :; do sleep 0.02; done",
      ),
      "my_init.pre_shutdown.d/10_pre": script(note(shared, "pre 10"), "exit 1"),
      "my_init.pre_shutdown.d/20_pre": script(note(shared, "pre 20")),
      "my_init.post_shutdown.d/10_post": script(note(shared, "post")),
      "service/web/run": service(shared),
    }));
  const order = ["pre 10", "pre 20", "web asked", "web ended", "post", "daemon ended"];
  const begun = async (space: Namespace, shared: string, ...names: readonly string[]) => {
    await allUp(space, ...names);
    await eventually("all have begun", () => ["daemon", "web started"].every((line) => inOrder(shared).includes(line)));
    return inOrder(shared).length;
  };

  test("is hooks, services, hooks, and then what the startup files left, with the command's code", async () => {
    const { setup, shared } = layout();
    const space = await launch(
      ["my_init", "--", "sh", "-c", `while [ ! -e ${shared}/go ]; do sleep 0.02; done; exit 7`],
      { setup },
    );
    const count = await begun(space, shared, "web");
    writeFileSync(join(shared, "go"), "");
    expect(await space.exit()).toEqual({ code: 7 });
    expect(inOrder(shared).slice(count)).toEqual(order);
    expect(space.output()).toContain("/etc/my_init.pre_shutdown.d/10_pre has failed: exit 1");
  });

  test("by TERM asks the command first", async () => {
    const { setup, shared } = layout();
    const main = `trap '${note(shared, "main asked")}; exit 5' TERM; ${note(shared, "main")}; while :; do sleep 0.02; done`;
    const space = await launch(["my_init", "--", "sh", "-c", main], { setup });
    await begun(space, shared, "web");
    const count = (await notes(shared, 3)).length;
    space.signal("TERM");
    // The code of what has failed on the way outweighs that of a command which was told to end.
    expect(await space.exit()).toEqual({ code: 1 });
    expect(inOrder(shared).slice(count)).toEqual(["main asked", ...order]);
  });

  test("leaves the services their time, whatever a hook takes", async () => {
    const { setup, shared } = baseimage((shared) => ({
      "my_init.pre_shutdown.d/10_hangs": script(note(shared, "hangs"), "exec sleep 1000"),
      "my_init.pre_shutdown.d/20_late": script(note(shared, "late")),
      "service/web/run": service(shared),
    }));
    const space = await launch(["my_init"], { setup, env: { UPKEEP_STOP_BUDGET: "4s" } });
    await allUp(space, "web");
    await notes(shared, 1);
    space.signal("TERM");
    await space.exit();
    expect(inOrder(shared)).toEqual(["web started", "hangs", "web asked", "web ended"]);
    expect(space.output()).toContain("not run, for the time is over: /etc/my_init.pre_shutdown.d/20_late");
  });

  test("goes on where the manager dies in the midst of a hook, which is not run twice", async () => {
    const { setup, shared } = baseimage((shared) => ({
      "my_init.d/10_first": script("echo 1 >/etc/container_environment/MADE"),
      "my_init.pre_shutdown.d/10_hangs": script(note(shared, "hangs $MADE"), "exec sleep 1000"),
      "my_init.pre_shutdown.d/20_next": script(note(shared, "next $MADE")),
      "service/web/run": service(shared),
    }));
    const space = await launch(["my_init"], { setup });
    await allUp(space, "web");
    await notes(shared, 1);
    space.signal("TERM");
    await notes(shared, 2);
    send(await nextManager(space, 0), "SIGKILL");
    expect(await space.exit()).toEqual({ code: 0 });
    expect(inOrder(shared)).toEqual(["web started", "hangs 1", "next 1", "web asked", "web ended"]);
  });

  test("kills a service after KILL_PROCESS_TIMEOUT", async () => {
    const { setup, shared } = baseimage((shared) => ({
      "service/web/run": script("trap '' TERM", note(shared, "deaf"), "while :; do sleep 1000; done"),
    }));
    const space = await launch(["my_init"], { setup, env: { KILL_PROCESS_TIMEOUT: "1" } });
    await notes(shared, 1);
    expect((await space.upkeep("stop", "web")).code).toBe(0);
    expect(patience(space.output(), "web")).toBeGreaterThanOrEqual(1000);
    // Where nothing is named it is five seconds.
    expect(patience(space.output(), "web")).toBeLessThan(5000);
  });
});

test.each<[string, number, string]>([
  ["--compat", 64, "--compat needs the name of a layout: baseimage"],
  ["--compat s6 /etc/service", 64, "unknown layout s6 after --compat; there is baseimage"],
  ["--compat baseimage --bogus", 64, "unknown option --bogus"],
  ["--compat baseimage --quiet --", 64, "no command after --"],
  ["my_init --bogus", 2, "unrecognized option '--bogus'"],
  ["my_init --skip", 2, "option '--skip' is ambiguous"],
  ["my_init --skip-runit", 1, "*** When --skip-runit is given, you must also pass a main command."],
])("upkeep %s leaves with %i and a sentence", async (words, code, sentence) => {
  const ran = await shell(`exec "$0" ${words}`);
  expect(ran.code).toBe(code);
  expect(ran.stderr).toContain(sentence);
});

test("a link named my_init and --compat baseimage are the same", async () => {
  const directory = temporaryDirectory();
  const link = join(directory, "my_init");
  symlinkSync(upkeep, link);
  for (const words of [
    [link],
    [upkeep, "--compat", "baseimage"],
    [upkeep, "run", "--compat", "baseimage", "/etc/service"],
  ]) {
    const { setup, shared } = baseimage((shared) => ({ "my_init.d/10_first": script(note(shared, "first")) }));
    const command = [...words.slice(1), "--", "sh", "-c", `exec >${shared}/main; cat /proc/1/comm`];
    const space = await launch(command, {
      setup: `${setup}\nmount --bind ${upkeep} ${upkeep}`,
      ...(words[0] === link ? { program: link } : {}),
    });
    expect(await space.exit()).toEqual({ code: 0 });
    expect(inOrder(shared)).toEqual(["first"]);
    expect(existsSync(join(shared, "main")) && readFileSync(join(shared, "main"), "utf8")).not.toBe("");
  }
});
