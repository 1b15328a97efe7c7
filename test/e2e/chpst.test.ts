// Runit's chpst and daemontools' programs beside ours: the same output, words and codes, as root and as an ordinary user.
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { chpstLines, daemontoolsLines } from "../helpers/chpst-lines.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Ran, shell } from "../helpers/init.ts";
import { find, need } from "../helpers/need.ts";
import { upkeep } from "../helpers/pid-namespace.ts";
import { temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";

type Side = "runit" | "daemontools" | "ours";
const kin = ["envdir", "envuidgid", "setuidgid", "pgrphack", "setlock", "softlimit"];
const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

let home: string;
beforeAll(() => {
  home = temporaryDirectory();
  for (const side of ["runit", "daemontools", "ours"]) mkdirSync(join(home, side));
  // Copied: an ordinary user need not reach the place where it was built.
  copyFileSync(upkeep, join(home, "upkeep"));
  for (const name of ["chpst", ...kin].flatMap((each) => [each, `d${each}`])) {
    symlinkSync("/usr/bin/chpst", join(home, "runit", name));
    symlinkSync("../upkeep", join(home, "ours", name));
  }
  for (const name of kin) symlinkSync(`/usr/bin/${name}`, join(home, "daemontools", name));
  const work = join(home, "work");
  writeFiles(work, {
    // By the shell itself as far as that goes: it is quick, and starts in environments without a PATH.
    show: {
      text: `#!/bin/sh
echo "$0" "$#" "$@"
while read -r line; do case $line in [UG]id:* | Groups:*) echo "$line" ;; esac done </proc/$$/status
while read -r line; do echo "$line"; done </proc/$$/limits
read -r _ _ _ _ _ session _ _ _ _ _ _ _ _ _ _ _ priority nice _ </proc/$$/stat
echo "nice $nice"
[ "$session" != $$ ] || echo leads a session
(cd /proc/$$/fd && echo *)
# No exec: what is read belongs to the shell.
/usr/bin/tr '\\0' '\\n' </proc/$$/environ
exit
`,
      mode: 0o755,
    },
    local: { text: "#!/bin/sh\necho local $0\n", mode: 0o755 },
    "no-shebang": { text: "echo by sh\n", mode: 0o755 },
    "no-interpreter": { text: "#!/nowhere/sh\n", mode: 0o755 },
    "not-executable": { text: "#!/bin/sh\n", mode: 0o644 },
    "env/PLAIN": "value\nsecond line\n",
    "env/BLANKS": " inner  blanks \t \t\n",
    "env/NULS": "a\0b\0\n",
    "env/NO_NEWLINE": "text",
    "env/EMPTY_LINE": "\n",
    "env/UNSET": "",
    "env/HOME": "",
    "env/.hidden": "hidden",
    "env/LONG": "x".repeat(20_000),
    "env/BLANK_END": `y${" ".repeat(20_000)}\nz`,
    "env/BYTES": Buffer.from([0xff, 0xfe, 0x0a]),
    "empty/.keep": "",
    "nested/below/FILE": "x",
    "unreadable/SECRET": { text: "x", mode: 0o000 },
    "huge/HUGE": "x".repeat(3_000_000),
    "equals/A=B": "c",
    "equals/UNSET=1": "",
    "path/PATH": "/nowhere",
    "uid/UID": "77",
    "closed/FILE": "x",
    "locks/held": "",
  });
  mkdirSync(join(work, "dangling"));
  symlinkSync("nowhere", join(work, "dangling/A"));
  chmodSync(join(work, "closed"), 0o000);
  chmodSync(join(work, "locks"), 0o777);
  chmodSync(join(work, "locks/held"), 0o666);
});
// Else its owner could not remove it.
afterAll(() => chmodSync(join(home, "work/closed"), 0o755));
beforeAll(async () => {
  mkdirSync(join(home, "work/fifo"));
  await execa("mkfifo", ["-m", "666", join(home, "work/fifo/F")]);
});
beforeEach((context) => need(context, "chpst", "setlock", "flock", "setpriv"));

/** Runs lines one after the other in one shell, each in a subshell with files for its output; what each did, in order. */
async function runAll(side: Side, lines: readonly string[], asNobody: boolean): Promise<readonly Ran[]> {
  const directory = join(home, side);
  const told = mkdtempSync(join(home, "told-"));
  chmodSync(told, 0o777);
  const script = lines.map((line, index) => {
    const clean = line.includes("locks/") ? "rm -f locks/new locks/other locks/more\n" : "";
    return `${clean}(${line}\n) >${told}/${index}.out 2>${told}/${index}.err\necho $? >${told}/${index}.code\n`;
  });
  const text = script.join("").replaceAll("DIR", directory).replaceAll("NAME", side);
  writeFiles(told, { script: `PATH=${directory}:${join(home, "work")}:/usr/bin:/bin\n${text}` });
  const who = asNobody ? ["setpriv", "--reuid", `${NOBODY}`, "--regid", `${NOBODY}`, "--clear-groups", "--"] : [];
  await shell('exec "$@"', [...who, "sh", join(told, "script")], {
    cwd: join(home, "work"),
    env: { A: "old", UID: "5" },
  });
  const plain = (name: string): string =>
    readFileSync(join(told, name), "utf8").replaceAll(directory, "DIR").replaceAll(`../${side}/`, "../NAME/");
  return lines.map((_, index) => ({
    code: Number(plain(`${index}.code`)),
    stdout: plain(`${index}.out`),
    stderr: plain(`${index}.err`).replaceAll(`${told}/script: `, ""),
  }));
}

async function run(side: Side, line: string, asNobody: boolean): Promise<Ran> {
  const [ran] = await runAll(side, [line], asNobody);
  if (ran === undefined) throw new Error(`${line} was not run`);
  return ran;
}

const rows = (lines: readonly string[]) => lines.map((line, index) => [line, index] as const);

// Whoever runs the tests, and an ordinary user where that is root.
describe.each(isRoot ? ["root", "an ordinary user"] : ["an ordinary user"])("as %s", (who) => {
  const asNobody = isRoot && who !== "root";

  describe("runit's chpst and ours do and say the same", () => {
    const seen = { runit: [] as readonly Ran[], ours: [] as readonly Ran[] };
    beforeAll(async () => {
      if (find("chpst") === null) return;
      for (const side of ["runit", "ours"] as const) seen[side] = await runAll(side, chpstLines, asNobody);
    }, 60_000);
    test("what a program finds is seen whole", () => {
      const found = seen.ours[chpstLines.indexOf("chpst -U :7:8:9 show")]?.stdout;
      for (const part of ["/show 0\n", "\nUid:", "\nMax open files", "\nnice 0\n0 1 10 2", "\nGID=8\n", "\nUID=7\n"])
        expect(found).toContain(part);
    });
    test.each(rows(chpstLines))("%s", (_line, index) => {
      expect(seen.runit[index]).toBeDefined();
      expect(seen.ours[index]).toEqual(seen.runit[index]);
    });
  });

  describe("daemontools' programs and ours do the same", () => {
    const seen = { daemontools: [] as readonly Ran[], ours: [] as readonly Ran[] };
    beforeAll(async () => {
      if (find("setlock") === null) return;
      for (const side of ["daemontools", "ours"] as const) seen[side] = await runAll(side, daemontoolsLines, asNobody);
    }, 60_000);
    test.each(rows(daemontoolsLines))("%s", (_line, index) => {
      const [theirs, ours] = [seen.daemontools[index], seen.ours[index]];
      expect(theirs).toBeDefined();
      expect({ code: ours?.code, stdout: ours?.stdout }).toEqual({ code: theirs?.code, stdout: theirs?.stdout });
      expect(ours?.stderr === "").toBe(theirs?.stderr === "");
    });
  });
});

describe("accounts", () => {
  const passwd = `# comment:x:1:1
 \tblank-first:x:21:22:::

usual:x:31:32:A User,,,:/home/usual:/bin/sh
short:x:41:42
no-gid:x:51
no-number:x:a:1:::
trailing:x:51x:1:::
far:${"p".repeat(300)}:61:62:${"g".repeat(5000)}:/:/bin/sh
+nis:x:71:72:::
-nis:x:71:72:::
signs:x: 1:+2:::
below:x:-1:1:::
beyond:x:99999999999:1:::
same:x:81:82:::
same:x:83:84:::
:x:91:92:::
dos:x:93:94:::\r
last:x:95:96::/:/bin/sh`;
  const group = `crowd:x:200:${Array.from({ length: 2000 }, (_, i) => `member${i}`).join(",")}
no-members:x:201
no-password::202:
bad:x:z:
# comment:x:203:
plus:x:+204:
after-all:x:205:`;
  const wishes = [
    ...passwd.split("\n").map((line) => line.split(":")[0]?.trim() ?? ""),
    ...[
      "usual:crowd",
      "usual:no-members:no-password",
      "usual:bad",
      "usual:after-all",
      "usual:# comment",
      "us",
      "usuall",
    ],
  ];

  test("are those that runit finds in files of every shape, beneath a new root directory", async (context) => {
    need(context, "root", "cc");
    const root = join(home, "root");
    writeFiles(root, { "etc/passwd": passwd, "etc/group": group });
    await execa("cc", ["-static", "-o", join(root, "ids"), join(import.meta.dirname, "../fixtures/ids.c")]);
    const seen = async (side: Side) => {
      const told: Record<string, Ran> = {};
      for (const wish of wishes)
        told[wish] = await run(side, `chpst -/ '${root}' -U '${wish}' -u '${wish}' /ids`, false);
      return told;
    };
    const [theirs, ours] = [await seen("runit"), await seen("ours")];
    expect(ours).toEqual(theirs);
    expect(ours["last"]?.stdout).toBe("uid=95 gid=96 groups=96, UID=95 GID=96 at /\n");
    expect(Object.values(ours).filter(({ code }) => code === 0).length).toBeGreaterThan(10);
  });

  test.each(["missing", "empty", "a directory"])("are told of as runit does where their file is %s", async (kind) => {
    const root = join(home, `root-${kind.slice(-5)}`);
    writeFiles(root, kind === "empty" ? { "etc/passwd": "", "etc/group": "" } : { "etc/other": "" });
    if (kind === "a directory") for (const name of ["passwd", "group"]) mkdirSync(join(root, "etc", name));
    for (const option of ["-u", "-U"]) {
      const line = `chpst -/ '${root}' ${option} usual /ids`;
      expect(await run("ours", line, false)).toEqual(await run("runit", line, false));
    }
  });

  test("a number that no account can have is refused, where runit cuts it down to somebody else's", async () => {
    expect(await run("ours", "chpst -u :4294967296:0 id", false)).toEqual({
      code: 111,
      stdout: "",
      stderr: "chpst: fatal: invalid uid/gids: 4294967296:0\n",
    });
  });
});

describe("a lock", () => {
  test.each(["chpst -l", "setlock", "setlock -N", "setlock -nN"])("%s waits until it is free", async (words) => {
    const file = join(temporaryDirectory(), "lock");
    const holder = spawn("flock", [file, "sh", "-c", "echo held; read -r line"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    onTestFinished(() => void holder.kill("SIGKILL"));
    await new Promise((resolve) => holder.stdout.once("data", resolve));
    const [name = "", ...options] = words.split(" ");
    const waiter = execa(join(home, "ours", name), [...options, file, "echo", "got it"]);
    waiter.catch(() => {});
    onTestFinished(() => void waiter.kill("SIGKILL"));
    const waits = new RegExp(`-> FLOCK .* ${waiter.pid} `);
    await eventually("it waits for the lock", () => waits.test(readFileSync("/proc/locks", "utf8")));
    holder.stdin.end();
    expect((await waiter).stdout).toBe("got it");
  });
});

describe("what runit's own does not have", () => {
  test("-C goes to a directory, which is one of the new root's where there is one", async (context) => {
    expect(await run("ours", "chpst -C /usr/bin pwd", false)).toEqual({ code: 0, stdout: "/usr/bin\n", stderr: "" });
    const refused = await run("ours", "chpst -C nowhere pwd", false);
    expect(refused.stderr).toBe("chpst: fatal: unable to change directory: nowhere: file does not exist\n");
    expect(refused.code).toBe(111);
    need(context, "root", "cc");
    const root = temporaryDirectory();
    mkdirSync(join(root, "inner"));
    await execa("cc", ["-static", "-o", join(root, "ids"), join(import.meta.dirname, "../fixtures/ids.c")]);
    const inside = await run("ours", `chpst -C inner -/ '${root}' -u :7:8 /ids`, false);
    expect(inside.stdout).toBe("uid=7 gid=8 groups=8, UID=5 GID=(null) at /inner\n");
  });

  test("-e reads no file of blanks into memory", async () => {
    const directory = temporaryDirectory();
    writeFiles(directory, { BLANK: " ".repeat(32 << 20) });
    const ran = await shell(`ulimit -v 16000; exec "$0" chpst -e ${directory} sh -c 'echo "[$BLANK]"'`);
    expect(ran).toMatchObject({ code: 0, stdout: "[]\n" });
  });

  test("-V tells upkeep's version", async () => {
    const ran = await run("ours", "chpst -V true", false);
    expect(ran).toMatchObject({ code: 100, stdout: "" });
    expect(ran.stderr).toMatch(/^upkeep \d+\.\d+\.\d+\S*\nusage: chpst /);
  });

  test("every name is also a first word of upkeep", async () => {
    for (const name of ["chpst", ...kin]) {
      const ran = await shell(`exec "$0" ${name}`);
      expect(ran.stderr, name).toMatch(new RegExp(`^usage: ${name} .*\n\n$`));
      expect(ran.code, name).toBe(100);
    }
    expect((await shell("exec \"$0\" chpst -b zero sh -c 'echo $0'")).stdout).toBe("zero\n");
  });
});

test("the table is long enough to mean something, and has no line twice", () => {
  expect(chpstLines.length).toBeGreaterThanOrEqual(200);
  expect(new Set(chpstLines).size).toBe(chpstLines.length);
});
