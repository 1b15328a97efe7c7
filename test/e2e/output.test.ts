import { createHash, randomBytes } from "node:crypto";
import { constants, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { managerOf } from "../helpers/manager.ts";
import { need } from "../helpers/need.ts";
import { launch, type Namespace, upkeep } from "../helpers/pid-namespace.ts";
import { status } from "../helpers/proc.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";
import { linesOf, readPipe } from "../helpers/stream.ts";

const oneshot = (script: string, ini = ""): ServiceFiles => ({
  run: `#!/bin/sh\n${script}\n`,
  "service.ini": `type = oneshot\n${ini}`,
});
const done = (space: Namespace, ...names: readonly string[]) =>
  eventually(`${names.join(", ")} are done`, async () => {
    for (const name of names) if ((await statusOf(space, name)).state !== "done") return false;
    return true;
  });
const stop = async (space: Namespace) => {
  space.signal("TERM");
  expect(await space.exit()).toEqual({ code: 0 });
};
const sha = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

describe("how the output of a service is shown", () => {
  test("prefix, with time stamps on demand; json, an object a line; none, not at all but to `upkeep logs`", async () => {
    const space = await launch([
      scanDir({
        plain: oneshot("echo one; echo two >&2; printf '\\377\\001\\n'"),
        stamped: oneshot("echo at", "log-timestamps = yes\n"),
        object: oneshot(`printf 'a "quoted"\\tword\\n\\377\\n'`, "log = json\n"),
        silent: oneshot("echo nothing", "log = none\n"),
      }).path,
    ]);
    await done(space, "plain", "stamped", "object", "silent");
    const logs = await space.upkeep("logs", "silent");
    await stop(space);
    const out = space.stdout();
    expect(linesOf(out, "plain")).toEqual(["one", "two", "\ufffd\x01"]);
    expect(out).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[stamped\] at$/m);
    const objects = out.split("\n").filter((line) => line.startsWith("{"));
    expect(objects.map((line) => JSON.parse(line))).toMatchObject([
      { service: "object", line: 'a "quoted"\tword' },
      { service: "object", line: "\ufffd", utf8: false },
    ]);
    expect(out).not.toMatch(/nothing/);
    expect(logs.stdout).toMatch(/nothing/);
  });

  test("inherit hands the descriptor itself down: 1 MB of any bytes arrives whole", async () => {
    const file = join(temporaryDirectory(), "bytes");
    const bytes = randomBytes(1 << 20);
    writeFileSync(file, bytes);
    const out = await readPipe();
    const space = await launch(
      [scanDir({ dd: oneshot(`exec dd if=${file} bs=64k status=none`, "log = inherit\n") }).path],
      {
        stdout: out.write,
      },
    );
    await done(space, "dd");
    await stop(space);
    await eventually("all has come", () => out.size() >= bytes.length);
    expect(sha(Buffer.from(out.text(), "latin1"))).toBe(sha(bytes));
  });

  test("the lines of many who write at once are whole, each in its writer's order", async () => {
    const count = 20_000;
    const names = ["a", "b", "c", "d"];
    const services = names.map((name) => [name, oneshot(`exec seq -f '${name} %.0f ${"z".repeat(50)}' 1 ${count}`)]);
    const out = await readPipe();
    const space = await launch([scanDir(Object.fromEntries(services)).path], { stdout: out.write });
    await done(space, ...names);
    await stop(space);
    await eventually("all has come", () => out.text().split("\n").length > names.length * count);
    for (const name of names) {
      const lines = linesOf(out.text(), name);
      expect(lines.length).toBe(count);
      expect(lines.findIndex((line, index) => line !== `${name} ${index + 1} ${"z".repeat(50)}`)).toBe(-1);
    }
    expect(out.text().split("\n").length).toBe(names.length * count + 1);
  });
});

test("the descriptors that services inherit are never made non-blocking", async () => {
  const [out, err] = [await readPipe(), await readPipe()];
  const directory = scanDir({
    web: { run: "#!/bin/sh\nexec sleep 1000\n", "service.ini": "log = inherit\n" },
    crasher: { run: "#!/bin/sh\nexit 1\n" },
  });
  const space = await launch([directory.path], { stdout: out.write, stderr: err.write });
  await allUp(space, "web");
  await eventually("it has said something", () => /crasher/.test(err.text()));
  const flags = (fd: number) =>
    Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/${space.pid}/fdinfo/${fd}`, "utf8"))?.[1] ?? "", 8);
  expect([1, 2].map((fd) => flags(fd) & constants.O_NONBLOCK)).toEqual([0, 0]);
  await stop(space);
});

describe("what a service can do with its output", () => {
  test("open /dev/stdout and /dev/stderr anew after it has dropped to another user", async (context) => {
    need(context, "root", "setpriv");
    const drop = "exec setpriv --reuid 65534 --regid 65534 --clear-groups";
    const space = await launch([
      scanDir({
        dropped: oneshot(`${drop} sh -c 'echo to stdout > /dev/stdout; echo to stderr > /dev/stderr; id -u'`),
        nobody: oneshot("echo to stdout > /dev/stdout; echo to stderr > /dev/stderr; id -u", "user = nobody\n"),
      }).path,
    ]);
    await done(space, "dropped", "nobody");
    await stop(space);
    expect(linesOf(space.stdout(), "dropped")).toEqual(["to stdout", "to stderr", "65534"]);
    expect(linesOf(space.stdout(), "nobody")).toEqual(["to stdout", "to stderr", "65534"]);
  });

  test("end without a newline: the last line is ended for it, and the next run's does not stick to it", async () => {
    const directory = scanDir({
      crasher: {
        run: "#!/bin/sh\nsleep 0.02\nprintf 'no newline'\nexit 3\n",
        "service.ini": "restart-delay = 10ms\nrestart-delay-max = 10ms\n",
      },
    });
    const space = await launch([directory.path]);
    await eventually("it has crashed often", () => linesOf(space.stdout(), "crasher").length > 10);
    await stop(space);
    expect(new Set(linesOf(space.stdout(), "crasher"))).toEqual(new Set(["no newline"]));
  });

  test("say one word and be gone: it is not lost, in a hundred services at once", async () => {
    const names = Array.from({ length: 100 }, (_, index) => `quick${index}`);
    const space = await launch([
      scanDir(Object.fromEntries(names.map((name) => [name, oneshot(`echo hello from ${name}`)]))).path,
    ]);
    await done(space, ...names.slice(-1));
    await eventually("all have spoken", () => space.stdout().split("\n").length > names.length);
    await stop(space);
    for (const name of names) expect(linesOf(space.stdout(), name), name).toEqual([`hello from ${name}`]);
  });

  test("say its last word when it is told to stop", async () => {
    const directory = scanDir({
      polite: {
        run: "#!/bin/sh\ntrap 'echo bye; printf bye-bye; exit 0' TERM\necho hello\nwhile :; do sleep 0.02; done\n",
      },
    });
    const space = await launch([directory.path]);
    await allUp(space, "polite");
    await eventually("its trap is set", () => linesOf(space.stdout(), "polite").includes("hello"));
    await stop(space);
    expect(linesOf(space.stdout(), "polite").slice(-2)).toEqual(["bye", "bye-bye"]);
  });

  test("write a line of 10 MB: it comes in marked pieces, and the manager's memory stays small", async () => {
    const size = 10 << 20;
    const out = await readPipe();
    const directory = scanDir({
      big: oneshot(`head -c ${size} /dev/zero | tr '\\0' b; echo .; echo after`),
      gate: { run: "#!/bin/sh\nexec sleep 1000\n" },
    });
    const space = await launch([directory.path], { stdout: out.write });
    await done(space, "big");
    await eventually("all has come", () => /^\[big\] after$/m.test(out.text().slice(-100)));
    const peak = Number.parseInt(status(managerOf(space) ?? 0, "VmHWM") ?? "", 10);
    await stop(space);
    expect(peak).toBeLessThan(100_000);
    const whole = out.text().replaceAll("\\\n[big]+", "");
    expect(whole === `[big] ${"b".repeat(size)}.\n[big] after\n`).toBe(true);
    const pieces = out.text().split("\n");
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(65_536 + 20);
  });
});

describe("upkeep logs", () => {
  test("shows the last lines, the newest N of them, and with -f each further one as it comes", async () => {
    const directory = scanDir({
      talker: {
        run: "#!/bin/sh\ntrap 'echo again' USR1\nfor i in 1 2 3 4 5; do echo line $i; done\nwhile :; do sleep 0.02; done\n",
      },
    });
    const space = await launch([directory.path]);
    await allUp(space, "talker");
    await eventually("it has said all", () => linesOf(space.stdout(), "talker").includes("line 5"));
    const all = (await space.upkeep("logs", "talker")).stdout.split("\n");
    expect(all.map((line) => line.slice(-6))).toEqual(["line 1", "line 2", "line 3", "line 4", "line 5"]);
    expect((await space.upkeep("logs", "-n", "2", "talker")).stdout.split("\n").map((line) => line.slice(-6))).toEqual([
      "line 4",
      "line 5",
    ]);
    const follower = execa(
      "nsenter",
      ["-t", String(space.init), "-p", "-m", upkeep, "logs", "-f", "-n", "1", "talker"],
      {
        reject: false,
        timeout: 20_000,
      },
    );
    let heard = "";
    follower.stdout.on("data", (data: Buffer) => {
      heard += data.toString();
    });
    await eventually("the last one is shown", () => /line 5\n$/.test(heard));
    expect((await space.upkeep("signal", "USR1", "talker")).code).toBe(0);
    await eventually("the new one is shown", () => /line 5\n.*again\n$/.test(heard));
    await stop(space);
    await follower;
    expect(heard).not.toMatch(/line 4/);
  });
});
