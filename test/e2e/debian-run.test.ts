// The service directories that Debian's packages bring in /etc/sv, as they are: openssh-server, mini-httpd-run and
// socklog-run; beside runsvdir, for which they were made.
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { find, need } from "../helpers/need.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp } from "../helpers/status.ts";

const services = ["mini-httpd", "socklog-unix", "ssh"] as const;
const programs = ["root", "sshd", "mini_httpd", "socklog", "runsvdir", "busybox"] as const;
const isReady = process.getuid?.() === 0 && programs.slice(1).every((program) => find(program) !== null);

/** /run, /dev, /etc, the logs and the network are its own; the scan directory has links, as update-service makes them. */
const setup = (logs: string) => `
mkdir -p /run/dev /run/etc /run/service /run/runit/supervise /run/sshd
mount -t tmpfs -o mode=755 tmpfs /run/dev
for node in null zero random urandom tty; do touch /run/dev/$node; mount --bind /dev/$node /run/dev/$node; done
ln -s /proc/self/fd /run/dev/fd
ln -s fd/1 /run/dev/stdout
cp -a /etc/. /run/etc/
mkdir ${logs}/mini-httpd ${logs}/socklog ${logs}/ssh
for name in ${services.join(" ")}; do ln -s /etc/sv/$name /run/service/$name; done
rm -rf /run/etc/service
ln -s /run/service /run/etc/service
ls /run/etc/ssh/ssh_host_*_key >/dev/null 2>&1 || ssh-keygen -A -f /run >/dev/null
printf '#!/bin/sh\\nexit 0\\n' >/run/policy
chmod +x /run/policy
mkdir /run/www
echo served >/run/www/index.html
mount --bind /run/www /var/www/html
mount --bind /run/etc /etc
mount --bind ${logs} /var/log/runit
mount --bind /run/dev /dev
[ ! -e /usr/sbin/policy-rc.d ] || mount --bind /run/policy /usr/sbin/policy-rc.d
exec unshare --net sh -c 'busybox ip link set lo up; exec "$@" 3>&- 4<&-' sh "$@"
`;

interface Scene {
  readonly space: Namespace;
  /** The lines of a log, without what differs from run to run. */
  log(...path: readonly string[]): string[];
  readonly logs: string;
}

/** Starts the three of them, has each do something, and waits until it is in its log. */
async function scene(how: "upkeep" | "runsvdir"): Promise<Scene> {
  const logs = temporaryDirectory();
  const program = how === "upkeep" ? {} : { program: "/usr/bin/runsvdir" };
  const space = await launch(["/etc/service"], { setup: setup(logs), ...program });
  const inside = (...argv: readonly string[]) => space.inside(["nsenter", "--target", "1", "--net", "--", ...argv]);
  const log = (...path: readonly string[]) => {
    const file = join(logs, ...path, "current");
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1).map(plain) : [];
  };
  const has = (part: string, ...path: readonly string[]) =>
    eventually(`${path.join("/")} has ${part}`, () => log(...path).some((line) => line.includes(part)), 20_000);
  await has("Server listening on 0.0.0.0", "ssh");
  await eventually(
    "a page is served",
    async () => (await inside("busybox", "wget", "-qO-", "http://127.0.0.1/")).stdout === "served",
  );
  await eventually(
    "syslog listens",
    async () =>
      (await inside("busybox", "logger", "-p", "auth.info", "-t", "test", "hello")).code === 0 &&
      existsSync(join(logs, "socklog/auth")),
  );
  await has("GET /", "mini-httpd");
  await has("hello", "socklog", "auth");
  return { space, log, logs };
}

/** Stamps, dates, ports of a client and pids become one letter. */
function plain(line: string): string {
  return line
    .replace(/^\S+ /, "")
    .replace(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d/, "D")
    .replace(/\[\d\d\/[^\]]+\]/, "[D]")
    .replace(/\[\d+\]/, "[P]");
}

/** Who owns what below the logs, with which mode. */
const owners = ({ logs }: Scene) =>
  readdirSync(logs, { recursive: true, encoding: "utf8" })
    .filter((name) => !/@|\.x$/.test(name))
    .sort()
    .map((name) => {
      const { uid, gid, mode } = lstatSync(join(logs, name));
      return `${name} ${uid}:${gid} ${mode.toString(8)}`;
    });

describe.runIf(isReady)("the directories of Debian's packages", () => {
  let ours: Scene;
  let theirs: Scene;
  beforeAll(async () => {
    [ours, theirs] = await Promise.all([scene("upkeep"), scene("runsvdir")]);
    // Keys may have to be made.
  }, 120_000);

  test("all run, with their loggers", async () => {
    const up = await allUp(ours.space, ...services);
    expect([...up.keys()].sort()).toEqual([...services]);
  });

  test("log what they log under runit, to files of the same owners and modes", async () => {
    // What each has said at its start may still be on its way.
    await eventually("both logs of ssh are alike", () => String(ours.log("ssh")) === String(theirs.log("ssh")));
    await eventually("both have the same files", () => String(owners(ours)) === String(owners(theirs)));
    expect(ours.log("mini-httpd")[0]).toEqual(theirs.log("mini-httpd")[0]);
    expect(ours.log("mini-httpd").at(-1)).toEqual(theirs.log("mini-httpd").at(-1));
    expect(ours.log("ssh")).toEqual(theirs.log("ssh"));
    const hello = (each: Scene) => each.log("socklog", "auth").at(-1);
    expect(hello(ours)).toBe("auth.info: D test: hello");
    expect(hello(theirs)).toBe(hello(ours));
    expect(owners(ours)).toEqual(owners(theirs));
  });

  /** What Debian's sv prints and leaves with, seconds and pids aside, under both. */
  const told = async (...words: readonly string[]) => {
    const runs = [ours, theirs].map(({ space }) => space.inside(["/usr/bin/sv", ...words]));
    const [mine, other] = (await Promise.all(runs)).map(({ code, stdout, stderr }) => ({
      code,
      text: (stdout + stderr).replace(/\(pid \d+\) \d+s/g, "(pid P) Ns").replace(/ \d+s/g, " Ns"),
    }));
    return { mine, other };
  };

  test("are told of by Debian's sv as under runit", async () => {
    const { mine, other } = await told("status", ...services);
    expect(mine).toEqual(other);
    expect(mine?.text).toMatch(/^run: ssh: \(pid P\) Ns; run: log: \(pid P\) Ns$/m);
  });

  test.each([
    ["-v", "-w", "20", "restart", "mini-httpd"],
    ["-v", "-w", "20", "stop", "socklog-unix"],
    ["-v", "-w", "20", "start", "socklog-unix"],
    ["-v", "-w", "20", "reload", "ssh"],
    ["-v", "-w", "20", "once", "mini-httpd"],
    ["-v", "-w", "20", "down", "mini-httpd"],
    ["-v", "-w", "20", "up", "mini-httpd"],
  ])("obey sv as under runit: %s %s %s %s %s", async (...words) => {
    const { mine, other } = await told(...words);
    expect(mine).toEqual(other);
    expect(mine?.code).toBe(0);
  });

  test("take themselves down from their finish, as ssh does where it is not to be run", async () => {
    for (const { space } of [ours, theirs]) await space.inside(["touch", "/etc/ssh/sshd_not_to_be_run"]);
    await told("term", "ssh");
    const down = "down: ssh: Ns, normally up; run: log: (pid P) Ns\n";
    const both = await eventually("both are down", async () => {
      const { mine, other } = await told("status", "ssh");
      expect(mine?.text.trimEnd()).toBe(down.trimEnd());
      return other?.text === mine?.text ? [mine, other] : null;
    });
    expect(both).toHaveLength(2);
    for (const each of [ours, theirs])
      await eventually("it says why", () =>
        each.log("ssh").includes("runsv: ERROR 161 in ssh: disabled by local settings"),
      );
  });

  test("come and go by update-service", async () => {
    const { space } = ours;
    const tell = (...words: readonly string[]) => space.inside(["update-service", ...words]);
    expect(await tell("--remove", "/etc/sv/mini-httpd")).toMatchObject({ code: 0 });
    const gone = "fail: /etc/sv/mini-httpd: runsv not running";
    const status = async () => (await space.inside(["/usr/bin/sv", "status", "/etc/sv/mini-httpd"])).stdout;
    await eventually("nobody supervises it", async () => (await status()) === gone);
    expect(await space.inside(["rm", "/etc/service/.mini-httpd"])).toMatchObject({ code: 0 });
    const added = await tell("--add", "/etc/sv/mini-httpd");
    expect(added).toMatchObject({ code: 0, stdout: "Service mini-httpd added." });
    await eventually("it runs", async () => (await status()).startsWith("run: "));
  });

  test("end in order, and their loggers close their files", async () => {
    ours.space.signal("TERM");
    expect(await ours.space.exit()).toEqual({ code: 0 });
    // So svlogd leaves a log that it could close.
    for (const name of ["mini-httpd", "ssh", "socklog/main"])
      expect(lstatSync(join(ours.logs, name, "current")).mode & 0o777).toBe(0o744);
    expect(ours.space.output()).not.toMatch(/SIGKILL|"level":"error"/);
  });
});

test("what the tests beside runit's directories need is installed", (context) => {
  need(context, ...programs);
});
