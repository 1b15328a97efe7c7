// upkeep's own options for one command.
import { beforeAll, describe, expect, test } from "vitest";
import { eventually, throughout } from "../helpers/eventually.ts";
import { fixture, shell } from "../helpers/init.ts";
import { launch, type Namespace, upkeep } from "../helpers/pid-namespace.ts";
import { isAlive, status } from "../helpers/proc.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";

let signals: string;
beforeAll(async () => {
  signals = await fixture("signals");
});

const shows = (space: Namespace, text: string) => eventually(`it says ${text}`, () => space.stdout().includes(text));
const DEAF = 'trap "" TERM; echo ready; while :; do sleep 0.1; done';

describe("--rewrite", () => {
  test.each([
    ["TERM:QUIT", "TERM", "3"],
    ["sigterm:SIGQUIT", "TERM", "3"],
    ["15:3", "TERM", "3"],
    ["RTMIN+3:TERM", "RTMIN+3", "15"],
    ["37:RTMAX-1", "RTMIN+3", "63"],
    ["SEGV:USR1", "SEGV", "10"],
  ])("%s: %s arrives as %s", async (rule, sent, arrives) => {
    const space = await launch(["--rewrite", rule, "--", signals, "log"]);
    await shows(space, "ready\n");
    space.signal(sent);
    await shows(space, `\n${arrives} `);
    expect(space.stdout().split("\n")).toHaveLength(3);
  });

  test("to 0 drops the signal, and the option may be repeated", async () => {
    const space = await launch(["-r", "HUP:0", "-r", "USR1:USR2", "--", signals, "log"]);
    await shows(space, "ready\n");
    space.signal("HUP");
    space.signal("USR1");
    await shows(space, "\n12 ");
    expect(space.stdout()).toBe("ready\n12 -1\n");
  });
});

describe("--grace", () => {
  test("kills what has not ended on TERM, and says so", async () => {
    const space = await launch(["--grace", "200ms", "--", "sh", "-c", DEAF]);
    await shows(space, "ready");
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 137 });
    expect(space.stderr()).toBe("upkeep: the command has not ended within its grace: killing it\n");
  });

  test("counts for a signal that is rewritten to TERM, and not for others", async () => {
    const space = await launch(["--grace", "200ms", "-r", "USR1:TERM", "--", "sh", "-c", `trap "" HUP; ${DEAF}`]);
    await shows(space, "ready");
    space.signal("HUP");
    await throughout("it lives", () => isAlive(space.pid), 500);
    space.signal("USR1");
    expect(await space.exit()).toEqual({ code: 137 });
  });

  test("is not waited for when the command ends", async () => {
    const space = await launch([
      "--grace",
      "60s",
      "--",
      "sh",
      "-c",
      'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done',
    ]);
    await shows(space, "ready");
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 3 });
  });
});

describe("--drain", () => {
  test("holds TERM back, other signals not", async () => {
    const space = await launch(["--drain", "2s", "--", signals, "log"]);
    await shows(space, "ready\n");
    space.signal("TERM");
    space.signal("USR1");
    await shows(space, "\n15 ");
    expect(space.stdout()).toMatch(/^ready\n10 -1\n15 /);
  });

  test("a second TERM is handed on at once, and the first one no more", async () => {
    const space = await launch(["--drain", "60s", "--", signals, "log"]);
    await shows(space, "ready\n");
    space.signal("TERM");
    // Two of a kind that wait would be one.
    await eventually("it took the first", () => /^0+$/.test(status(space.pid, "ShdPnd") ?? ""));
    space.signal("TERM");
    await shows(space, "\n15 ");
    expect(space.stdout()).toBe("ready\n15 -1\n");
  });
});

describe("--wait-all", () => {
  test.each([
    ["PID 1", false],
    ["a child subreaper", true],
  ])("what the command leaves gets TERM, and only then %s leaves with the command's code", async (_name, asChild) => {
    const left = 'trap "echo cleaned; exit 0" TERM; echo left; while :; do sleep 0.05; done';
    const line = `sh -c '${left}' & while ! [ -s "$0" ]; do sleep 0.05; done; exit 7`;
    const space = await launch(["--wait-all", "--", "sh", "-c", line, "/proc/1/fd/1"], { asChild });
    expect(await space.exit()).toEqual({ code: 7 });
    expect(space.stdout()).toBe("left\ncleaned\n");
    // Its shell may say "Terminated".
    expect(space.stderr()).not.toContain("upkeep");
  });

  test.each([
    ["PID 1", false],
    ["a child subreaper", true],
  ])("what does not end within the grace is killed by %s, its own children too", async (_name, asChild) => {
    const left = `setsid sh -c 'trap "" TERM; echo left; sleep 1000 & wait; sleep 1000' & while ! [ -s "$0" ]; do sleep 0.05; done; exit 7`;
    const space = await launch(["--wait-all", "--grace", "300ms", "--", "sh", "-c", left, "/proc/1/fd/1"], { asChild });
    expect(await space.exit()).toEqual({ code: 7 });
    expect(space.stderr()).toBe("upkeep: what the command left has not ended on TERM: killing it\n");
    expect(space.processes().filter((pid) => pid !== space.pid && isAlive(pid))).toEqual([]);
  });

  test("a TERM while it waits means KILL now", async () => {
    const left = 'trap "echo swept" TERM; echo left; while :; do sleep 0.05; done';
    const line = `sh -c '${left}' & while ! [ -s "$0" ]; do sleep 0.05; done; exit 7`;
    const space = await launch(["--wait-all", "--grace", "60s", "--", "sh", "-c", line, "/proc/1/fd/1"]);
    await shows(space, "swept");
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 7 });
  });

  test("where nothing is left it leaves at once", async () => {
    expect(await shell('exec timeout 20 "$0" --wait-all --grace 60s -- sh -c "exit 9"')).toMatchObject({
      code: 9,
      stderr: "",
    });
  });
});

describe("--pre", () => {
  test("each step runs before the command, in order", async () => {
    const ran = await shell('exec "$0" --pre "echo one" --pre "echo two" -- sh -c "echo three; exit 4"');
    expect(ran).toEqual({ code: 4, stdout: "one\ntwo\nthree\n", stderr: "" });
  });

  test("a step that fails is told, its code is ours, and the command is not run", async () => {
    const ran = await shell('exec "$0" -e 5 --pre "exit 5" -- echo never');
    expect(ran).toMatchObject({ code: 5, stdout: "" });
    expect(ran.stderr).toBe("upkeep: the step 'exit 5' failed with code 5: the command is not run\n");
  });

  test("TERM ends the step, and a step that ends well on it still starts no command", async () => {
    const step = 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done';
    const space = await launch(["--pre", step, "--", "echo", "never"]);
    await shows(space, "ready");
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 143 });
    expect(space.stdout()).toBe("ready\n");
  });
});

describe("--pause", () => {
  test.each(["TERM", "INT", "QUIT", "PWR", "RTMIN+3"])(
    "there is no command, orphans are reaped, and %s ends it with 0",
    async (signal) => {
      const space = await launch(["--pause"]);
      await space.inside(["sh", "-c", "sleep 0.1 & sleep 0.1 &"]);
      space.signal("HUP");
      await eventually("all are reaped", () => space.processes().length === 0);
      space.signal(signal);
      expect(await space.exit()).toEqual({ code: 0 });
    },
  );
});

describe("other options", () => {
  test("--group hands signals to the command's children too", async () => {
    const line = `${signals} log & ${signals} log & wait; wait; wait`;
    const space = await launch(["-g", "--", "sh", "-c", `trap : USR1; ${line}`]);
    await eventually("both are ready", () => space.stdout() === "ready\nready\n");
    space.signal("USR1");
    await eventually("both have it", () => space.stdout().endsWith("10 -1\n10 -1\n"));
  });

  test("--success makes that code 0", async () => {
    expect((await shell('exec "$0" -e 143 --success 3 -- sh -c "kill $$"'.replace("$$", "\\$\\$"))).code).toBe(0);
    expect((await shell('exec "$0" -e 143 --success 3 -- sh -c "exit 4"')).code).toBe(4);
  });

  test("--death-signal comes when our parent dies, and goes to the command", async () => {
    const space = await launch([
      "--",
      "sh",
      "-c",
      `sh -c '"$0" --death-signal USR2 -- "$@" & until [ -s /proc/1/fd/1 ]; do sleep 0.05; done' ${upkeep} ${signals} log; sleep 1000`,
    ]);
    await shows(space, "ready\n");
    await shows(space, "\n12 ");
  });

  test("LISTEN_PID that named us names the command, any other is left alone", async () => {
    const line = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" -- sh -c '[ $LISTEN_PID = $$ ] && echo ours $LISTEN_FDS'";
    expect((await shell(line)).stdout).toBe("ours 1\n");
    expect((await shell('LISTEN_PID=7 exec "$0" -- printenv LISTEN_PID')).stdout).toBe("7\n");
  });

  test("--verbose tells each step, --warn the orphans alone", async () => {
    // It stays until the orphan is reaped.
    const lineWith = (orphan: string) => {
      const waits = `until [ -s ${orphan} ]; do sleep 0.05; done; while kill -0 $(cat ${orphan}) 2>/dev/null; do sleep 0.05; done`;
      return `(sh -c 'echo $$ >${orphan}; exit 3' &); ${waits}; exit 2`;
    };
    const directory = temporaryDirectory();
    const told = (await shell('exec "$0" --verbose -- sh -c "$1"', [lineWith(`${directory}/first`)])).stderr
      .replaceAll(/\d{2,}/g, "N")
      .split("\n");
    expect(told).toEqual([
      "upkeep: the command is process N",
      "upkeep: reaped orphan N, exit code 3",
      "upkeep: the command left with code 2",
      "",
    ]);
    expect((await shell('exec "$0" --warn -- sh -c "$1"', [lineWith(`${directory}/second`)])).stderr).toMatch(
      /^upkeep: reaped orphan \d+, exit code 3\n$/,
    );
  });

  test("tini's and dumb-init's words for what is done anyway are taken", async () => {
    expect(await shell('exec "$0" -s --single-child -- echo yes')).toEqual({ code: 0, stdout: "yes\n", stderr: "" });
  });
});
