// The clients that people have, on the same directory once under runit's runsv and once under us: the same words, codes
// and bytes.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { need } from "../helpers/need.ts";
import type { ServiceFiles } from "../helpers/service-dir.ts";
import { isOffered, listener, twins } from "../helpers/supervise.ts";

const service: ServiceFiles = { run: listener };

/** A client's way through a service's life: its word, how many lines were written by then, and what is to be seen. */
type Walk = readonly (readonly [word: string, lines: number, state?: Readonly<Record<string, unknown>>])[];

const up = { stat: "run\n", want: "u", state: 1, isRunning: true };
const down = { stat: "down\n", want: "d", state: 0, isRunning: false };
const once = { stat: "run, want down\n", want: "d", state: 1, isRunning: true };

const verbs: Walk = [
  ["status", 1, up],
  ["check", 1],
  ["pause", 1, { ...up, stat: "run, paused\n", paused: 1 }],
  ["status", 1],
  ["cont", 1, { ...up, paused: 0 }],
  ["hup", 2],
  ["alarm", 3],
  ["interrupt", 4],
  ["quit", 5],
  ["1", 6],
  ["2", 7],
  ["reload", 8],
  ["once", 8, once],
  ["status", 8],
  ["up", 8, up],
  ["stop", 9, down],
  ["status", 9],
  ["check", 9],
  ["try-restart", 9],
  ["term", 9],
  ["start", 10, up],
  ["term", 12, up],
  ["restart", 14, up],
  ["try-restart", 16, up],
  ["kill", 17, up],
  ["force-reload", 19, up],
  ["force-stop", 20, down],
  ["once", 21, once],
  ["down", 22, down],
  ["nonsense", 22],
];

/** What svc is told, and what is to be seen of it. */
const letters: Walk = [
  ["-p", 1, { ...up, stat: "run, paused\n", paused: 1 }],
  ["-c", 1, { ...up, paused: 0 }],
  ["-h", 2],
  ["-a", 3],
  ["-i", 4],
  ["-d", 5, down],
  ["-o", 6, once],
  ["-u", 6, up],
  ["-t", 8, up],
  ["-k", 9, up],
  ["-d", 10, down],
  ["-u", 11, up],
];

const seen = ([, lines, state = {}]: Walk[number]) => ({
  ...state,
  got: expect.stringMatching(new RegExp(`^(.*\n){${lines}}$`)),
});

describe("the same directory under runsv and under us", () => {
  test("every client says the same, with the same code, of everything that it can ask for", {
    timeout: 120_000,
  }, async (context) => {
    need(context, "runsv", "sv", "svc", "svstat", "svok", "busybox");
    const { both, same } = await twins({ web: service, tools: service, box: service });
    const withSv = async () => {
      await same("web", seen(["", 1, up]));
      for (const [index, step] of verbs.entries()) {
        // A wait for up is over before the letter is read, where it runs already, and one for once, where it is down,
        // when the letter is: what is printed then is chance.
        const isChance = step[0] === "up" || (step[0] === "once" && verbs[index - 1]?.[2] === down);
        const waits = isChance ? [] : ["-w", "20"];
        await both(["sv", ...waits, step[0], "DIR/web"]);
        await same("web", seen(step));
      }
      await both(["sv", "exit", "DIR/web"]);
      // What is gone is gone with both, and says so.
      await eventually("runsv is gone", async () => (await both(["sv", "status", "DIR/web"])).includes("not running"));
      await both(["sv", "status", "DIR/nobody"]);
    };
    const withSvc = async (name: string, svc: readonly [string, ...string[]], svok: readonly [string, ...string[]]) => {
      await same(name, seen(["", 1, up]));
      expect(await both([...svok, `DIR/${name}`])).toContain("rc 0");
      for (const step of letters) {
        await both([...svc, step[0], `DIR/${name}`]);
        await same(name, seen(step));
        await both(["svstat", `DIR/${name}`]);
      }
      await both([...svc, "-d", `DIR/${name}`]);
      await same(name, down);
      await both([...svc, "-x", `DIR/${name}`]);
      // Not busybox's svok, which then waits for somebody to come.
      await eventually("it is gone", async () => (await both(["svok", `DIR/${name}`])).includes("rc 100"));
    };
    await Promise.all([
      withSv(),
      withSvc("tools", ["svc"], ["svok"]),
      withSvc("box", ["busybox", "svc"], ["busybox", "svok"]),
    ]);
  });

  test("scripts in control/ run as often, in the same order, and replace the same signals", async (context) => {
    need(context, "runsv", "sv");
    const note = (exit: number) => `#!/bin/sh\necho "\${0##*/}" >> got\nexit ${exit}\n`;
    const scripts = Object.fromEntries([..."tduxhaiq12pck"].map((letter) => [`control/${letter}`, note(0)]));
    const { both, same } = await twins({
      // Nothing but the scripts is done: it hears no signal at all, until it is killed.
      deaf: { run: "#!/bin/sh\necho start >> got\nexec sleep 100000\n", ...scripts, "control/k": note(1) },
      // What a script does not want to have done is done.
      keen: {
        run: listener,
        ...scripts,
        "control/t": note(1),
        "control/h": note(1),
        "control/p": { text: "", mode: 0o644 },
      },
    });
    await same("deaf", { ...up, got: "u\nstart\n" });
    await same("keen", { ...up, got: "u\nstart\n" });
    const notes = ["u", "start"];
    const noted = (...more: readonly string[]) => {
      notes.push(...more);
      return { got: `${notes.join("\n")}\n` };
    };
    for (const verb of "haiq12t") {
      await both(["sv", verb, "DIR/deaf"]);
      await same("deaf", { ...up, ...noted(verb) });
    }
    await both(["sv", "p", "DIR/deaf"]);
    await same("deaf", { stat: "run, paused\n", ...noted("p") });
    await both(["sv", "c", "DIR/deaf"]);
    await same("deaf", { stat: "run\n", ...noted("c") });
    await both(["sv", "d", "DIR/deaf"]);
    await same("deaf", { stat: "run, want down\n", gotTerm: 0, ...noted("t", "d") });
    await both(["sv", "k", "DIR/deaf"]);
    await same("deaf", { ...down, ...noted("k") });
    await both(["sv", "hup", "DIR/keen"]);
    await same("keen", { ...up, got: "u\nstart\nh\nHUP\n" });
    await both(["sv", "pause", "DIR/keen"]);
    await same("keen", { stat: "run, paused\n" });
    await both(["sv", "cont", "DIR/keen"]);
    await same("keen", up);
  });

  test("a finish and a logger are the same to see", async (context) => {
    need(context, "runsv", "sv");
    const { both, same, each } = await twins({
      slow: { run: listener, finish: '#!/bin/sh\necho "finish $*" >> got\nwhile [ ! -e go ]; do sleep 0.02; done\n' },
      logged: { run: "#!/bin/sh\nexec sleep 100000\n", "log/run": "#!/bin/sh\nexec cat > /dev/null\n" },
    });
    await same("slow", { ...up, got: "start\n" });
    await both(["sv", "d", "DIR/slow"]);
    await same("slow", { stat: "finish, want down\n", state: 2, isRunning: true, got: "start\nTERM\nfinish 0 0\n" });
    await both(["sv", "status", "DIR/slow"]);
    // Whoever finishes is not told to.
    await both(["sv", "t", "DIR/slow"]);
    await both(["sv", "u", "DIR/slow"]);
    await same("slow", { stat: "finish\n", want: "u", state: 2, isRunning: true });
    await both(["sv", "d", "DIR/slow"]);
    await same("slow", { stat: "finish, want down\n", want: "d" });
    each((directory) => writeFileSync(join(directory, "slow", "go"), ""));
    await same("slow", down);
    await same("logged", up);
    await same("logged/log", up);
    await both(["sv", "status", "DIR/logged"]);
    // A logger hears its own orders, but for the one to exit.
    await both(["sv", "x", "DIR/logged/log"]);
    await both(["sv", "d", "DIR/logged/log"]);
    await same("logged/log", down);
    await both(["sv", "status", "DIR/logged"]);
    await both(["sv", "u", "DIR/logged/log"]);
    await same("logged/log", up);
    await both(["sv", "-w", "20", "shutdown", "DIR/logged"]);
    await both(["svstat", "DIR/logged", "DIR/logged/log"]);
  });

  test("of one that was told to exit and has not ended yet the newest word counts", async (context) => {
    need(context, "runsv", "sv");
    // It ends when it is let go, and is to be told so each time.
    const slow = `#!/bin/sh
trap 'echo TERM >> got' TERM
echo start >> got
while [ ! -e go ]; do sleep 0.02; done
rm go
`;
    const words = ["once", "up", "down"] as const;
    const { both, same, each, at } = await twins(Object.fromEntries(words.map((name) => [name, { run: slow }])));
    const ends = (name: string) => each((directory) => writeFileSync(join(directory, name, "go"), ""));
    const after = {
      once: [{ ...once, stat: "run, got TERM, want down\n" }, down, "start\nTERM\n"],
      up: [{ ...up, stat: "run, got TERM\n" }, up, "start\nTERM\nstart\n"],
      down: [{ ...once, stat: "run, got TERM, want down\n" }, down, "start\nTERM\nTERM\n"],
    } as const;
    for (const name of words) {
      await same(name, { ...up, got: "start\n" });
      await both(["sv", "exit", `DIR/${name}`]);
      await same(name, { stat: "run, got TERM, want exit\n", got: "start\nTERM\n" });
      // sv keeps a `down` to itself here: the status says that already.
      each((directory) => writeFileSync(join(directory, name, "supervise", "control"), name.slice(0, 1)));
      const [meanwhile, end, got] = after[name];
      await same(name, meanwhile);
      // The second TERM was heard.
      if (name === "down") await same(name, { got });
      ends(name);
      await same(name, { ...end, got });
    }
    // They are supervised as ever, and go when they are told to once more.
    await both(["sv", "up", "DIR/once"]);
    await same("once", { ...up, got: "start\nTERM\nstart\n" });
    await both(["sv", "exit", "DIR/down"]);
    for (const place of at) await eventually("it is gone", () => !isOffered(place("down")));
  });
});
