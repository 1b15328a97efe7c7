// What chpst does before a program, done by keys of service.ini: the program finds the same state under both.
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { need } from "../helpers/need.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { children, isAlive } from "../helpers/proc.ts";
import { type ScanDir, type ServiceFiles, scanDir, temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";
import { allUp, statuses, statusOf } from "../helpers/status.ts";

// HOME and its kin follow `user` by a rule of ours; what else is left out is a service's own, or a shell's.
const show = `for each in /proc/$$/fd/*; do held="$held \${each##*/}"; done
exec >>told
read -r words </proc/$$/cmdline
echo "called $words, holds $held"
while read -r line; do case $line in [UG]id:* | Groups:*) echo "$line" ;; esac done </proc/$$/status
while read -r line; do case $line in *locks*) ;; *) echo "$line" ;; esac done </proc/$$/limits
read -r _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ nice _ </proc/$$/stat
echo "nice $nice"
/usr/bin/env | /bin/grep -v '^\\(HOME\\|USER\\|LOGNAME\\|SHELL\\|UPKEEP_SERVICE\\|_\\|PWD\\|OLDPWD\\)=' | /usr/bin/sort
echo end
`;

const rows: readonly (readonly [options: string, ...keys: readonly string[]])[] = [
  ["-b zero", "argv0 = zero"],
  ["-e ../../variables", "env-dir = ../../variables"],
  ["-U nobody:adm", "env-user = nobody:adm"],
  ["-U :7:8", "env-user = 7:8"],
  ["-u nobody", "user = nobody", "groups ="],
  ["-u nobody:adm:cdrom", "user = nobody:adm", "groups = cdrom"],
  ["-u :5:6:7", "user = 5:6", "groups = 7"],
  ["-n 5", "nice = 5"],
  ["-m 900000000", "limits = memory=900000000"],
  ["-d 900000000", "limits = data=900000000:inherited"],
  ["-o 64", "limits = nofile=64:inherited"],
  ["-o 999999999", "limits = nofile=999999999:inherited"],
  ["-o 18446744073709551615", "limits = nofile=unlimited:inherited"],
  ["-p 4000", "limits = nproc=4000:inherited"],
  ["-f 1000000", "limits = fsize=1000000:inherited"],
  ["-c 0", "limits = core=0:inherited"],
  ["-r 1000000", "[limits]", "rss = 1000000:inherited"],
  ["-t 100", "limits = cpu=100s:inherited"],
  ["-0", "close = stdin"],
  ["-1", "close = stdout"],
  ["-2", "close = stderr"],
  ["-012", "close = stdin stdout stderr"],
  ["-l lock", "lock = lock"],
  ["-L lock", "lock = lock", "lock-wait = no"],
  ["-0 -l lock -u nobody", "close = stdin", "lock = lock", "user = nobody", "groups ="],
  [
    "-e ../../variables -n 1 -U nobody:adm -u nobody:adm -l lock -m 900000000 -b zero",
    ...["env-dir = ../../variables", "nice = 1", "env-user = nobody:adm", "user = nobody:adm", "groups ="],
    ...["lock = lock", "limits = memory=900000000", "argv0 = zero"],
  ],
];

/** One service under runit's chpst and one by keys for each row; they write down what they see, and are done. */
function pairs(scan: ScanDir): void {
  writeFiles(join(scan.path, ".."), {
    show,
    "variables/A": "value  \nmore\n",
    "variables/TZ": "",
    "variables/NUL": "a\0b",
  });
  const program = `/bin/sh ${scan.at("../show")}`;
  const once = "restart = never\nsettle = 10ms\n";
  for (const [index, [options, ...keys]] of rows.entries()) {
    const sides: Readonly<Record<string, ServiceFiles>> = {
      chpst: { run: `#!/bin/sh\nexec /usr/bin/chpst ${options} ${program}\n`, "service.ini": once },
      keys: { "service.ini": `command = ${program}\n${once}${keys.join("\n")}\n` },
    };
    for (const [side, files] of Object.entries(sides)) {
      scan.write(`${side}-${index}`, files);
      // Some of them are nobody's.
      chmodSync(scan.at(`${side}-${index}`), 0o777);
    }
  }
}

describe("a program finds the same state by keys as behind runit's chpst", () => {
  const scan = scanDir();
  beforeAll(async () => {
    if (process.getuid?.() !== 0) return;
    pairs(scan);
    await launch([scan.path], { env: { TZ: "UTC" } });
  });
  const told = (name: string) =>
    eventually(
      `${name} has told all`,
      () => {
        const text = readFileSync(scan.at(name, "told"), "utf8");
        return text.endsWith("\nend\n") && text;
      },
      // More than fifty start at once.
      20_000,
    );

  test.for(rows.map(([options, ...keys], index) => [options, keys.join(", "), index] as const))(
    "chpst %s: %s",
    async ([, , index], context) => {
      need(context, "root", "chpst");
      expect(await told(`keys-${index}`)).toBe(await told(`chpst-${index}`));
    },
  );
});

describe("root", () => {
  /** A root directory that holds one program, and a directory that anybody may write in. */
  async function jail(path: string): Promise<string> {
    mkdirSync(join(path, "inner"), { recursive: true });
    chmodSync(join(path, "inner"), 0o777);
    await execa("cc", ["-static", "-o", join(path, "ids"), join(import.meta.dirname, "../fixtures/ids.c")]);
    return path;
  }
  const settled = (space: Namespace, name: string) =>
    eventually(`${name} is done`, async () => (await statusOf(space, name)).state === "done");

  test("is the main process's alone: its program, directory and lock are within, the other programs outside", async (context) => {
    need(context, "root", "cc");
    const scan = scanDir();
    const root = await jail(scan.at("../jail"));
    const ini =
      "root = ../../jail\ncommand = /ids\ndir = inner\nlock = lock\nuser = nobody:adm\ngroups =\nrestart = never\n";
    scan.write("web", {
      "service.ini": `${ini}env-user = 7:8\nstart-pre = sh -c 'echo pre in $PWD'\n`,
      finish: "#!/bin/sh\necho finish in $PWD with $1\n",
    });
    const space = await launch([scan.path]);
    await settled(space, "web");
    const lines = await eventually("all is written", () => {
      const all = space.stdout().match(/^\[web\].*$/gm) ?? [];
      return all.length === 3 && all;
    });
    expect(lines).toEqual([
      `[web] pre in ${scan.at("web")}`,
      "[web] uid=65534 gid=4 groups=4, UID=7 GID=8 at /inner",
      `[web] finish in ${scan.at("web")} with 0`,
    ]);
    expect(readFileSync(join(root, "inner/lock"), "utf8")).toBe("");
  });

  test("has the service directory for its own where that is within", async (context) => {
    need(context, "root", "cc");
    const base = temporaryDirectory();
    const root = await jail(join(base, "jail"));
    const services = join(root, "services");
    writeFiles(join(services, "web"), {
      run: readFileSync(join(root, "ids")),
      "service.ini": "root = ../..\nrestart = never\n",
    });
    const space = await launch([services]);
    await settled(space, "web");
    await eventually("it has told", () => /uid=0 gid=0 .* at \/services\/web$/m.test(space.stdout()));
  });

  test("that is not there, and a run file outside of it, are told in one sentence", async (context) => {
    need(context, "root");
    const scan = scanDir({
      gone: { "service.ini": "root = /no/such\ncommand = /ids\n" },
      outside: { run: "#!/bin/sh\n", "service.ini": "root = /usr\n" },
    });
    const space = await launch([scan.path]);
    const gone = await eventually("it is told", async () => (await statusOf(space, "gone")).why || null);
    expect(gone).toContain("cannot make /no/such the root directory: ENOENT");
    await eventually("the other too", () => space.output().includes(`${scan.at("outside", "run")} is outside of it`));
  });
});

describe("a lock", () => {
  const sleeper = (keys: string): ServiceFiles => ({ "service.ini": `command = sleep 1000\nsettle = 10ms\n${keys}` });

  test("that a service holds makes another wait, visibly, until it is free; a stop ends the waiting", async () => {
    const scan = scanDir({ first: sleeper("lock = ../../lock\n") });
    const space = await launch([scan.path]);
    await allUp(space, "first");
    scan.write("second", sleeper("lock = ../../lock\n"));
    const waits = () =>
      (space.output().match(/\[second\] upkeep: waiting for the lock \.\.\/\.\.\/lock$/gm) ?? []).length;
    await eventually("the second waits", () => waits() === 1);
    expect(await statusOf(space, "second")).toMatchObject({ state: "starting" });
    expect((await space.upkeep("stop", "second")).code).toBe(0);
    expect(await statusOf(space, "second")).toMatchObject({ state: "down", restarts: 0 });
    // What has never run is not said to have started.
    await eventually("its stop is told", () => space.output().includes("second stopped before it had started"));
    expect(space.output()).not.toContain("second started");
    // The manager and the first: who writes the second's state down is a child for a moment too.
    await eventually("nobody waits for it any more", () => children(space.pid).filter(isAlive).length === 2);
    void space.upkeep("start", "second");
    await eventually("it waits again", () => waits() === 2);
    expect((await space.upkeep("stop", "first")).code).toBe(0);
    await allUp(space, "second");
  });

  test("is not waited for where lock-wait says no: that start has failed, and is tried again", async () => {
    const scan = scanDir({ first: sleeper("lock = ../../lock\n") });
    const space = await launch([scan.path]);
    await allUp(space, "first");
    scan.write("second", sleeper("lock = ../../lock\nlock-wait = no\nrestart-delay-max = 200ms\n"));
    const why = "cannot lock ../../lock: another process holds it";
    await eventually("it is told", async () => (await statusOf(space, "second")).why?.includes(why));
    expect((await space.upkeep("stop", "first")).code).toBe(0);
    await allUp(space, "second");
  });

  test("is made as the service's user, who cannot have root write where he may not", async (context) => {
    need(context, "root");
    const place = temporaryDirectory();
    const scan = scanDir({ web: sleeper(`user = nobody\nlock = ${place}/lock\n`) });
    const space = await launch([scan.path]);
    await eventually("it is told", async () =>
      (await statusOf(space, "web")).why?.includes(`cannot lock ${place}/lock: EACCES`),
    );
    chmodSync(place, 0o777);
    await allUp(space, "web");
    expect(readFileSync(join(place, "lock"), "utf8")).toBe("");
  });

  test("does not keep the end of everything waiting", async () => {
    const lock = sleeper("lock = ../../lock\n");
    const space = await launch([scanDir({ first: lock, second: lock, third: lock }).path]);
    await eventually("two wait", async () => {
      const states = (await statuses(space)).map(({ state }) => state).sort();
      return states.join() === "starting,starting,up";
    });
    space.signal("TERM");
    expect(await space.exit(5000)).toEqual({ code: 0 });
  });
});

test("what an env-dir holds comes before env/ and env, and one that is missing refuses the service", async () => {
  const scan = scanDir({
    web: {
      run: "#!/bin/sh\necho $ONE $TWO $THREE\nexec sleep 1000\n",
      "service.ini": "env-dir = /no/such\n",
    },
  });
  writeFiles(scan.at("../more"), { ONE: "dir", TWO: "dir", THREE: "dir" });
  const space = await launch([scan.path]);
  await eventually("it is told", () => space.output().includes("cannot read env-dir: there is no such file"));
  scan.write("web", { "service.ini": "env-dir = ../../more\nenv = THREE=ini\n", "env/TWO": "env" }, "piecemeal");
  await eventually("it has them", () => space.stdout().includes("[web] dir env ini\n"));
});
