// Debian's tini and dumb-init beside ours: one table of command lines, and every byte and code the same.
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { type Ran, shell } from "../helpers/init.ts";
import { commandLines } from "../helpers/init-lines.ts";
import { need } from "../helpers/need.ts";
import { upkeep } from "../helpers/pid-namespace.ts";
import { temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";

let home: string;
const originals = { tini: "/usr/bin/tini", "docker-init": "/usr/bin/tini", "dumb-init": "/usr/bin/dumb-init" } as const;
beforeAll(() => {
  home = temporaryDirectory();
  for (const side of ["theirs", "ours"]) mkdirSync(join(home, side));
  for (const [name, original] of Object.entries(originals)) {
    symlinkSync(original, join(home, "theirs", name));
    symlinkSync(upkeep, join(home, "ours", name));
  }
  writeFiles(join(home, "work"), {
    "no-shebang": { text: 'echo "by sh: $0 $*"; exit 3\n', mode: 0o755 },
    "no-interpreter": { text: "#!/nowhere/sh\n", mode: 0o755 },
    "not-executable": { text: "#!/bin/sh\n", mode: 0o644 },
    // Waits until its parent sleeps: what is sent then is handled before anything else happens.
    send: {
      text: '#!/bin/sh\nwhile ! grep -q "^State:.S" /proc/$PPID/status; do :; done\nkill -"$1" $PPID\nexec sleep 5\n',
      mode: 0o755,
    },
    session: {
      text: "#!/bin/sh\nread -r _ _ _ ppid pgrp sid _ </proc/$$/stat\n[ $sid = $$ ] && echo leads a session\n[ $pgrp = $$ ] && echo leads a group\nexit 0\n",
      mode: 0o755,
    },
  });
});
beforeEach((context) => need(context, "tini", "dumb-init"));

// In tini's messages and dumb-init's, and where the shell that runs the line speaks of a job.
const PIDS: readonly (readonly [RegExp, string])[] = [
  [/tini \(\d+\)/g, "tini (PID)"],
  [/(pid(?:: |=| )'?)\d+/g, "$1PID"],
  [/PID \d+/g, "PID N"],
];
const anonymous = (text: string): string => PIDS.reduce((each, [pid, name]) => each.replaceAll(pid, name), text);

async function side(name: "theirs" | "ours", line: string): Promise<Ran> {
  const ran = await shell(line, [], {
    cwd: join(home, "work"),
    env: { PATH: `${join(home, name)}:/usr/bin:/bin:/usr/sbin:/sbin` },
  });
  const plain = (text: string): string => anonymous(text.replaceAll(join(home, name), "DIR"));
  return { code: ran.code, stdout: plain(ran.stdout), stderr: plain(ran.stderr) };
}

// A command that dies of a signal handed on may be reaped in the same round, before its SIGCHLD is seen, or after: chance
// decides in both. The word itself is compared where the command ends by itself.
const isChance = (line: string): boolean => /^[\w= ]*tini .*send /.test(line);
const withoutChance = (ran: Ran): Ran => ({ ...ran, stdout: ran.stdout.replaceAll(/^.*Received SIGCHLD\n/gm, "") });

test.each(commandLines)("%s", async (line) => {
  const [theirs, ours] = [await side("theirs", line), await side("ours", line)];
  const compared = isChance(line) ? withoutChance : (ran: Ran) => ran;
  expect(compared(ours)).toEqual(compared(theirs));
});

test("the table is long enough to mean something, and has no line twice", () => {
  expect(commandLines.length).toBeGreaterThanOrEqual(100);
  expect(new Set(commandLines).size).toBe(commandLines.length);
});

test("tini's licence is the one thing that differs: ours is of what is in the program", async () => {
  const [theirs, ours] = [await side("theirs", "tini -l"), await side("ours", "tini -l")];
  const words = ({ stdout }: Ran) => stdout.slice(stdout.indexOf("Permission")).split(/\s+/);
  expect(words(ours)).toEqual(words(theirs));
  expect(ours.stdout).toContain("upkeep");
  expect(ours.code).toBe(0);
});
