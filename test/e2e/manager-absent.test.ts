import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually, timed } from "../helpers/eventually.ts";
import { managerOf, nextManager } from "../helpers/manager.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { isStopped, send } from "../helpers/proc.ts";
import { stubborn as deaf, sayReady, saysReady } from "../helpers/scripts.ts";
import { scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp } from "../helpers/status.ts";
import { gaps, readPipe } from "../helpers/stream.ts";

const LINES = 100_000;
const LONG = "y".repeat(20_000);

/** On TERM it says when, then writes 10 MB and is done. */
const talker = (termed: string) => ({
  run: `#!/bin/sh
trap 'date +%s%3N > ${termed}; seq -f %099.0f 1 ${LINES}; exit 0' TERM
${sayReady}
while :; do sleep 0.02; done
`,
  "service.ini": saysReady,
});
/** On TERM it writes lines that no pipe takes at once. */
const rambler = {
  run: `#!/bin/sh
trap 'i=0; while [ $i -lt 50 ]; do i=$((i + 1)); echo "long $i.${LONG}"; done; exit 0' TERM
${sayReady}
while :; do sleep 0.02; done
`,
  "service.ini": saysReady,
};
const stubborn = { run: deaf, "service.ini": saysReady };
/** The budget where none is named: what is to be over sooner is not ended by it. */
const DEFAULT_BUDGET = 9000;

/** A Node.js that works once, and again while `heal` says so. */
function failingNode(): { readonly path: string; heal(): void } {
  const directory = temporaryDirectory();
  const [path, broken] = [join(directory, "node"), join(directory, "broken")];
  writeFileSync(path, `#!/bin/sh\n[ -e ${broken} ] && exit 1\n: > ${broken}\nexec ${process.execPath} "$@"\n`);
  chmodSync(path, 0o755);
  return { path, heal: () => rmSync(broken) };
}

/** All that `talker` and `rambler` have to say is in this text, each line whole and in its place. */
function expectAll(text: string): void {
  const lines = text.split("\n");
  const numbers = lines.filter((line) => /^0\d{98}$/.test(line)).map(Number);
  expect([gaps(numbers), numbers.length]).toEqual([[], LINES]);
  const long = lines.filter((line) => line.startsWith("long "));
  expect(long.length).toBe(50);
  expect(long.findIndex((line, index) => line !== `long ${index + 1}.${LONG}`)).toBe(-1);
  const strange = lines.filter((line) => !/^0\d{98}$|^long |^\{"level"|^upkeep: |^Terminated$|^$/.test(line));
  expect(strange.map((line) => line.slice(0, 100))).toEqual([]);
}

/** Sends TERM; answers after how many milliseconds the talker had it, and with what all ended. */
async function term(space: Namespace, termed: string) {
  const at = Date.now();
  space.signal("TERM");
  const result = await space.exit(20_000);
  return { heard: Number(readFileSync(termed, "utf8")) - at, result };
}

describe("TERM, when the manager does not answer", () => {
  const ways = {
    "it is stopped": async (space: Namespace) => {
      const manager = managerOf(space) ?? 0;
      send(manager, "SIGSTOP");
      await eventually("it is stopped", () => isStopped(manager));
    },
    "it fails at every start": async (space: Namespace) => {
      const manager = managerOf(space) ?? 0;
      send(manager, "SIGKILL");
      await eventually("it is gone", () => managerOf(space) !== manager);
    },
  };
  for (const [way, make] of Object.entries(ways)) {
    test(`${way}: services have TERM after a second, and 10 MB that they then write arrive by whole lines`, async () => {
      const termed = join(temporaryDirectory(), "termed");
      const directory = scanDir({ talker: talker(termed), rambler });
      const [out, err] = [await readPipe(), await readPipe()];
      const env = { UPKEEP_NODE: failingNode().path };
      const space = await launch([directory.path], { stdout: out.write, stderr: err.write, env });
      await allUp(space, "talker", "rambler");
      await make(space);
      const { heard, result } = await term(space, termed);
      expect(result).toEqual({ code: 111 });
      // Had it not been sent by the core, nothing but the KILL after the budget would have come.
      expect(heard).toBeGreaterThan(900);
      expect(heard).toBeLessThan(DEFAULT_BUDGET);
      await eventually("all has come", () => err.text().trimEnd().split("\n").length >= LINES);
      expectAll(err.text());
    });

    test(`${way}: what ignores TERM is killed half a second after the budget`, async () => {
      const directory = scanDir({ stubborn });
      const env = { UPKEEP_NODE: failingNode().path, UPKEEP_STOP_BUDGET: "1500ms" };
      const space = await launch([directory.path], { env });
      await allUp(space, "stubborn");
      await make(space);
      const { result, took, active } = await timed(() => {
        space.signal("TERM");
        return space.exit();
      });
      expect(result).toEqual({ code: 111 });
      expect(took).toBeGreaterThan(1900);
      expect(active).toBeLessThan(DEFAULT_BUDGET);
    });
  }

  test("it dies in the midst of the stop, and no other comes: the rest have their TERM nevertheless", async () => {
    const termed = join(temporaryDirectory(), "termed");
    const directory = scanDir({
      first: { ...stubborn, "service.ini": `requires = second\nstop-grace = 6s\n${saysReady}` },
      second: {
        run: `#!/bin/sh\ntrap ': > ${termed}; exit 0' TERM\n${sayReady}\nwhile :; do sleep 0.02; done\n`,
        "service.ini": saysReady,
      },
    });
    const env = { UPKEEP_NODE: failingNode().path, UPKEEP_STOP_BUDGET: "4s" };
    const space = await launch([directory.path], { env });
    await allUp(space, "first", "second");
    space.signal("TERM");
    await eventually("the stop has begun", () => /stopping everything/.test(space.stderr()));
    send(managerOf(space), "SIGKILL");
    const { result, active } = await timed(() => space.exit());
    expect(result).toEqual({ code: 111 });
    expect(active).toBeLessThan(DEFAULT_BUDGET);
    // Otherwise it would have been killed.
    expect(existsSync(termed)).toBe(true);
  });
});

test("while no manager lives output goes on by whole lines on stderr, and by the next one without a gap", async () => {
  const directory = scanDir({
    steady: {
      run: `#!/bin/sh
trap 'exit 0' TERM
i=0
while :; do i=$((i + 1)); printf 'steady '; printf "$i.\\n"; sleep 0.01; done
`,
    },
    long: {
      run: `#!/bin/sh
trap 'exit 0' TERM
i=0
while :; do i=$((i + 1)); printf "long $i."; echo "${LONG}"; sleep 0.05; done
`,
    },
  });
  const node = failingNode();
  const [out, err] = [await readPipe(), await readPipe()];
  const space = await launch([directory.path], {
    stdout: out.write,
    stderr: err.write,
    env: { UPKEEP_NODE: node.path },
  });
  await allUp(space, "steady", "long");
  await eventually("output comes", () => /steady 10\./.test(out.text()));
  send(managerOf(space), "SIGKILL");
  await eventually("the core copies it", () => err.text().split(/^steady /m).length > 100, 30_000);
  node.heal();
  await nextManager(space, 0);
  const size = out.size();
  await eventually("the new manager prints it", () => out.size() > size + 200_000, 20_000);
  space.signal("TERM");
  expect(await space.exit()).toEqual({ code: 0 });

  const own = /^\{"level"|^upkeep: |^$/;
  const copied = err
    .text()
    .split("\n")
    .filter((line) => !own.test(line));
  const printed = out
    .text()
    .split("\n")
    .slice(0, -1)
    .map((line) => line.replace(/^\[\w+\] /, ""));
  for (const name of ["steady", "long"] as const) {
    const of = (lines: readonly string[]) => lines.filter((line) => line.startsWith(`${name} `));
    const lines = [...of(printed), ...of(copied)].sort((a, b) => Number(/\d+/.exec(a)) - Number(/\d+/.exec(b)));
    const numbers = lines.map((line) => Number(/\d+/.exec(line)));
    // Only what the manager that was killed had in its hands is gone.
    const first = Number(/\d+/.exec(of(copied)[0] ?? ""));
    expect(
      gaps(numbers).filter((number) => number > first),
      name,
    ).toEqual([]);
    const tail = name === "long" ? LONG : "";
    const short = lines.slice(0, -1).filter((line, index) => line !== `${name} ${numbers[index]}.${tail}`);
    // The kill may have come between two writes of one line.
    const isCut = (line: string) => Number(/\d+/.exec(line)) <= first && /^long \d+\.y+$/.test(line);
    expect(short.filter((line) => !isCut(line)).map((line) => line.slice(0, 100))).toEqual([]);
    expect(short.length).toBeLessThanOrEqual(1);
    expect(
      gaps(of(copied).map((line) => Number(/\d+/.exec(line)) - Number(/\d+/.exec(of(copied)[0] ?? "")) + 1)),
    ).toEqual([]);
  }
});
