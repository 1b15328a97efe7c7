// Init mode, whatever face it wears: signals, exit codes, orphans, and what the command inherits.
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { faces, fixture, shell, ways } from "../helpers/init.ts";
import { launch, type Namespace, upkeep } from "../helpers/pid-namespace.ts";
import { children, comesToRest, descendants } from "../helpers/proc.ts";

let signals: string;
let orphans: string;
let links: string;
beforeAll(async () => {
  [signals, orphans] = await Promise.all([fixture("signals"), fixture("orphans")]);
  links = faces();
});

const ready = (space: Namespace) => eventually("it is ready", () => space.stdout().startsWith("ready\n"));
/** What the fixture got: signal number and value, in order. */
const received = (space: Namespace): string[] => space.stdout().split("\n").slice(1, -1);
const times = (space: Namespace, number: number): number =>
  received(space).filter((line) => line.startsWith(`${number} `)).length;
const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const catchable = [...range(1, 31), ...range(34, 64)].filter((number) => ![9, 17, 19].includes(number));
/** tini leaves faults and the terminal's stops to themselves. */
const tinis = catchable.filter((number) => ![4, 5, 6, 7, 8, 11, 21, 22, 31].includes(number));
const sorted = (numbers: readonly string[]): number[] =>
  numbers.map((line) => Number.parseInt(line, 10)).sort((a, b) => a - b);

describe("signals", () => {
  const sets = {
    upkeep: { words: ways.upkeep, expected: catchable },
    tini: { words: ways.tini, expected: tinis },
    // Rewritten to themselves, else they would be STOP.
    "dumb-init": {
      words: ["dumb-init", "-r", "20:20", "-r", "21:21", "-r", "22:22", "--"],
      expected: catchable,
    },
    "dumb-init for one child": { words: ["dumb-init", "-c", "--"], expected: catchable },
  };
  test.each(Object.entries(sets))("each that %s hands on arrives exactly once, sent to PID 1", async (_name, set) => {
    const space = await launch([...set.words, signals, "log"]);
    await ready(space);
    await space.inside([signals, "each", "1"]);
    // Of those that wait, 64 is the last.
    await eventually("the last is there", () => times(space, 64) === 1);
    await space.inside(["sh", "-c", "kill -CONT 1"]);
    await eventually("CONT is there", () => times(space, 18) === 1);
    await space.inside([signals, "queue", "1", "64", "1"]);
    await eventually("the end mark is there", () => times(space, 64) === 2);
    expect(sorted(received(space).slice(0, -1))).toEqual(set.expected);
  });

  test.each(Object.entries(ways))(
    "a burst of 1,000 queued real-time signals loses none under %s",
    async (name, words) => {
      const space = await launch([...words, signals, "log"]);
      await ready(space);
      await space.inside([signals, "queue", "1", "40", "1000"]);
      await eventually("all are there", () => received(space).length >= 1000);
      await space.inside([signals, "queue", "1", "41", "1"]);
      await eventually("the end mark is there", () => received(space).at(-1)?.startsWith("41"));
      const numbers = received(space).slice(0, -1);
      expect(numbers).toHaveLength(1000);
      // To a group only the number can be sent.
      const values = range(0, 999).map((value) => `40 ${name === "dumb-init" ? -1 : value}`);
      expect(numbers).toEqual(values);
    },
  );

  test("nothing wakes an idle init", async () => {
    const space = await launch(["--grace", "1s", "--drain", "1s", "--", signals, "log"]);
    await ready(space);
    await comesToRest(space.pid, 1500);
  });
});

describe("orphans", () => {
  test.each([
    [20_000, "upkeep"],
    [5000, "tini"],
    [5000, "dumb-init"],
  ] as const)("%i are reaped by %s as PID 1, and none is left", async (count, name) => {
    const space = await launch([...ways[name], orphans, String(count), "stay"]);
    await eventually("all are made", () => space.stdout() === "done\n", 30_000);
    await eventually("none is left", () => descendants(space.init).length === 1);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 143 });
  });

  test("2,000 are reaped by a child subreaper", async () => {
    const space = await launch(["--", orphans, "2000", "stay"], { asChild: true });
    await eventually("all are made", () => space.stdout() === "done\n", 30_000);
    await eventually("none is left", () => children(space.pid).length === 1);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 143 });
  });

  test.each(Object.entries(ways))(
    "an orphan's code is never taken for the command's under %s",
    async (_name, words) => {
      const ended = await Promise.all(
        range(0, 19).map((each) => shell('"$0" "$@"', [...words, orphans, "50", String(201 + each)])),
      );
      expect(ended.map((each) => each.code)).toEqual(range(201, 220));
    },
  );
});

describe("exit codes", () => {
  test.each(Object.entries(ways))("all 256 come through %s", async (_name, words) => {
    const line = 'i=0; while [ $i -lt 256 ]; do "$0" "$@" sh -c "exit $i"; echo $?; i=$((i+1)); done';
    const { stdout } = await shell(line, words);
    expect(stdout.trim().split("\n").map(Number)).toEqual(range(0, 255));
  });

  test.each(Object.entries(ways))("a death by signal N is 128+N under %s", async (_name, words) => {
    const fatal = [...range(1, 16), ...range(24, 27), ...range(29, 31), 34, 50, 64].filter((each) => each !== 17);
    const line = `for i in ${fatal.join(" ")}; do "$0" "$@" sh -c "ulimit -c 0; kill -$i \\$\\$; sleep 9"; echo $?; done`;
    const { stdout } = await shell(line, words);
    expect(stdout.trim().split("\n").map(Number)).toEqual(fatal.map((each) => 128 + each));
  });

  const missing = { upkeep: [127, 126, 127, 126], tini: [127, 126, 1, 126], "dumb-init": [2, 2, 2, 2] } as const;
  test.each(Object.entries(missing))("what cannot be executed has the codes of %s", async (name, codes) => {
    const words = ways[name as keyof typeof ways];
    const ran = await Promise.all(
      ["/nowhere", "/etc/passwd", "/etc/passwd/x", "/etc"].map((file) =>
        shell('"$0" "$@" 2>/dev/null', [...words, file]),
      ),
    );
    expect(ran.map((each) => each.code)).toEqual(codes);
  });
});

describe("what the command inherits", () => {
  test.each(Object.entries(ways))("100 MB pass through it under %s byte for byte", async (_name, words) => {
    const line = 'yes upkeep | head -c 104857600 | "$0" "$@" cat | cksum; yes upkeep | head -c 104857600 | cksum';
    const { stdout } = await shell(line, words);
    const [through, straight] = stdout.trim().split("\n");
    expect(through).toMatch(/^\d+ 104857600$/);
    expect(through).toBe(straight);
  });

  test.each(["upkeep", "dumb-init"] as const)("a closed standard stream stays closed under %s", async (name) => {
    const closed = `exec 3>&1; "$0" "$@" sh -c 'for i in 0 1 2; do [ -e /proc/$$/fd/$i ] && echo $i >&3; done; exit 5' <&- >&- 2>&-; echo $?`;
    expect((await shell(closed, ways[name])).stdout).toBe("5\n");
  });

  test("under tini's face a closed standard output stays closed, and a closed input is refused as tini does", async () => {
    const line = `exec 3>&1; "$0" tini -s -- sh -c '[ -e /proc/$$/fd/1 ] && echo 1 >&3; exit 5' >&- 2>&-; echo $?`;
    expect((await shell(line)).stdout).toBe("5\n");
    const { stderr, code } = await shell('exec "$0" tini -s true <&-');
    expect(stderr).toMatch(/^\[FATAL tini \(\d+\)\] tcsetpgrp failed: Bad file descriptor\n$/);
    expect(code).toBe(1);
  });

  test.each(Object.entries(ways))(
    "10,000 environment variables arrive under %s",
    async (_name, words) => {
      const env = Object.fromEntries(range(1, 10_000).map((each) => [`VARIABLE_${each}`, `value of ${each}`]));
      const { stdout } = await shell('"$0" "$@" env', words, { env });
      const lines = new Set(stdout.split("\n"));
      expect(Object.entries(env).every(([key, value]) => lines.has(`${key}=${value}`))).toBe(true);
    },
    60_000,
  );

  test.each(Object.entries(ways))("an unlinked working directory is no obstacle for %s", async (_name, words) => {
    const line = 'd=$(mktemp -d); cd "$d"; rmdir "$d"; exec "$0" "$@" readlink /proc/self/cwd';
    const { stdout, code } = await shell(line, words);
    expect(stdout).toMatch(/^\/.*\(deleted\)\n$/);
    expect(code).toBe(0);
  });

  // By the file: a shell would be the one that changes them.
  const masks = ["env", "--block-signal=TERM,ILL,TTIN,CHLD", "--ignore-signal=INT,SEGV,TTOU,CHLD"];
  const signalLines = ["grep", "-E", "Sig(Blk|Ign|Cgt)|ShdPnd", "/proc/self/status"];
  test.each(["upkeep", "tini"] as const)("%s hands down blocked and ignored signals as it found them", async (name) => {
    const bare = await shell('shift 0; exec "$@"', [...masks, ...signalLines]);
    const under = await shell('exec "$@"', [...masks, upkeep, ...ways[name], ...signalLines]);
    expect(under).toEqual(bare);
    expect(under.stdout).toContain("SigIgn:");
  });

  test("dumb-init's command starts with no signal blocked and none of the classic ones ignored", async () => {
    const { stdout } = await shell('exec "$@"', [...masks, upkeep, ...ways["dumb-init"], ...signalLines]);
    expect(stdout).toMatch(/SigBlk:\t0+\nSigIgn:\t0+\n/);
  });

  test.each(Object.entries(ways))(
    "with SIGCHLD ignored by the caller, %s still learns the code",
    async (_name, words) => {
      const line = ["env", "--ignore-signal=CHLD", "--block-signal", upkeep, ...words, "sh", "-c", "exit 6"];
      expect((await shell('exec timeout 10 "$@"', line)).code).toBe(6);
    },
  );

  test("it may be run by nobody in particular", async (context) => {
    if (process.getuid?.() !== 0) context.skip("not root, so this is what all other tests do");
    const line =
      'cp "$0" "$1/upkeep" && chmod 755 "$1" "$1/upkeep" && exec setpriv --reuid 12345 --regid 12345 --clear-groups "$1/upkeep" -- sh -c "id -u; exit 4"';
    expect(await shell(line, [links])).toMatchObject({ code: 4, stdout: "12345\n" });
  });

  test("exactly one process stands beside the command", async () => {
    for (const words of Object.values(ways)) {
      const space = await launch([...words, signals, "log"]);
      await ready(space);
      expect(space.processes()).toHaveLength(1);
      await space.dispose();
    }
  });

  test("dumb-init leaves its directory before the command can look, and the command stays in it", async () => {
    const line = "readlink /proc/$PPID/cwd /proc/$$/cwd; sleep 0";
    const { stdout } = await shell('cd /usr/lib && exec "$0" dumb-init sh -c "$1"', [line]);
    expect(stdout).toBe("/\n/usr/lib\n");
  });
});
