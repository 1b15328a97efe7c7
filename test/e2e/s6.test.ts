// Directories made for s6 and s6-rc, as they are; beside s6-supervise where it has a word in it.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually, throughout } from "../helpers/eventually.ts";
import { shell } from "../helpers/init.ts";
import { need } from "../helpers/need.ts";
import { launch } from "../helpers/pid-namespace.ts";
import { lines, linesOf, patience } from "../helpers/scripts.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statuses, statusOf } from "../helpers/status.ts";

/** Tells its arguments to `file`, then does `then`. */
const telling = (who: string, file: string, then: string) =>
  `#!/bin/sh\necho "${who} $# $1 $2 $3" >>${file}\n${then}\n`;

/** Runs s6-supervise on the directory `web` in `path` until the test is over. */
function superviseByS6(path: string): void {
  const child = spawn("s6-supervise", ["web"], { cwd: path, stdio: "ignore" });
  onTestFinished(async () => {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await gone;
  });
}

describe("beside s6-supervise", () => {
  test.for<[string, string, string]>([
    ["an exit code", "exit 3", "finish 3 3 0 web"],
    ["a signal", "kill -9 $$", "finish 3 256 9 web"],
  ])("run and finish get the same arguments after %s, and 125 ends it for both", async ([, end, last], context) => {
    need(context, "s6-supervise");
    const told = async (how: "s6" | "upkeep") => {
      const file = join(temporaryDirectory(), how);
      const services = scanDir({
        web: {
          run: telling("run", file, end),
          // The fourth argument came to s6 later than to Debian 12.
          finish: `#!/bin/sh\necho "finish 3 $1 $2 $3" >>${file}\nexit 125\n`,
          "timeout-finish": "2000",
        },
      });
      if (how === "s6") superviseByS6(services.path);
      else await launch([services.path]);
      await eventually("finish has told", () => linesOf(file).length >= 2);
      // Either would have started it again within this time.
      await throughout("it stays down", () => linesOf(file).length === 2, 1200);
      return linesOf(file);
    };
    const [theirs, ours] = await Promise.all([told("s6"), told("upkeep")]);
    expect(theirs).toEqual(["run 1 web  ", last]);
    expect(ours).toEqual(theirs);
  });
}, 20_000);

test("finish has the process group of what has ended as its fourth argument", async () => {
  const file = join(temporaryDirectory(), "told");
  const services = scanDir({
    web: {
      run: `#!/bin/sh\necho $$ >>${file}\n`,
      finish: `#!/bin/sh\necho "$4" >>${file}\nexit 125\n`,
      "timeout-finish": "2000",
    },
  });
  const space = await launch([services.path]);
  await eventually("it has failed", async () => (await statusOf(space, "web")).state === "failed");
  const [pid, group] = linesOf(file);
  expect(group).toBe(pid);
});

test("a directory of runit keeps runit's arguments, and 125 is an exit code like any other", async () => {
  const file = join(temporaryDirectory(), "told");
  const services = scanDir({
    web: { run: telling("run", file, "kill -9 $$"), finish: telling("finish", file, "exit 125") },
  });
  await launch([services.path]);
  await eventually("it has been started again", () => linesOf(file).length >= 3);
  expect(linesOf(file).slice(0, 3)).toEqual(["run 0   ", "finish 2 -1 9 ", "run 0   "]);
});

test("down-signal asks, timeout-kill ends it, and timeout-finish ends its finish", async () => {
  const file = join(temporaryDirectory(), "told");
  const services = scanDir({
    web: {
      run: `#!/bin/sh\ntrap 'echo INT >>${file}' INT\ntrap 'echo TERM >>${file}' TERM\necho trapped >&3\nwhile :; do sleep 0.02; done\n`,
      finish: `#!/bin/sh\necho finish >>${file}\nexec sleep 1000\n`,
      "notification-fd": "3\n",
      "down-signal": "INT\n",
      "timeout-kill": "300\n",
      "timeout-finish": "200\n",
    },
  });
  const space = await launch([services.path]);
  await allUp(space, "web");
  const { code } = await space.upkeep("stop", "web");
  expect(code).toBe(0);
  expect(linesOf(file)).toEqual(["INT", "finish"]);
  expect(patience(space.output(), "web")).toBeGreaterThanOrEqual(300);
  expect(patience(space.output(), "web")).toBeLessThan(5000);
  expect(patience(space.output(), "finish of web")).toBeGreaterThanOrEqual(200);
  expect(patience(space.output(), "finish of web")).toBeLessThan(5000);
});

describe("definitions of s6-rc", () => {
  const definitions = (file: string): Readonly<Record<string, ServiceFiles>> => ({
    user: { type: "bundle\n", "contents.d/app": "", "contents.d/migrate": "" },
    app: {
      type: "longrun\n",
      run: `#!/bin/sh\ntrap 'echo app down >>${file}; exit 0' TERM\necho app up >>${file}\necho >&3\nwhile :; do sleep 0.02; done\n`,
      "notification-fd": "3",
      "dependencies.d/base": "",
      "dependencies.d/migrate": "",
    },
    migrate: {
      type: "oneshot\n",
      up: { text: `/usr/bin/env sh -c "echo migrate up >>${file}"\n`, mode: 0o644 },
      down: { text: `#!/bin/sh\necho migrate down >>${file}\n`, mode: 0o644 },
      dependencies: "db\n",
    },
    db: {
      type: "longrun\n",
      run: `#!/bin/sh\ntrap 'echo db down >>${file}; exit 0' TERM\nwhile [ ! -e ${file}.go ]; do sleep 0.02; done\necho db up >>${file}\necho >&4\nwhile :; do sleep 0.02; done\n`,
      "notification-fd": "4\n",
    },
  });

  test("come up in their order, each once what it depends on is ready, and go down in the reverse", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "told");
    const services = scanDir(definitions(file));
    const space = await launch([services.path]);
    await eventually("migrate waits", async () => (await statusOf(space, "migrate")).why?.includes("waits for db"));
    expect(linesOf(file)).toEqual([]);
    await space.inside(["touch", `${file}.go`]);
    await eventually("the bundle is done", async () => (await statusOf(space, "user")).state === "done");
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    expect(linesOf(file)).toEqual(["db up", "migrate up", "app up", "app down", "migrate down", "db down"]);
  });

  test("make a pipeline: the consumer reads what its producer says, and is last to end", async () => {
    const file = join(temporaryDirectory(), "told");
    const services = scanDir({
      user: { type: "bundle", "contents.d/pipe": "" },
      web: {
        type: "longrun",
        run: "#!/bin/sh\ntrap 'echo bye; exit 0' TERM\necho hello\nwhile :; do sleep 0.02; done\n",
        "producer-for": "web-log\n",
      },
      "web-log": {
        type: "longrun",
        run: `#!/bin/sh\ntrap "" TERM\nexec cat >>${file}\n`,
        "consumer-for": "web\n",
        "pipeline-name": "pipe\n",
      },
    });
    const space = await launch([services.path]);
    await lines(file, 1);
    await eventually("the bundle is done", async () => (await statusOf(space, "user")).state === "done");
    expect((await statuses(space)).map(({ name }) => name)).not.toContain("web-log");
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    expect(linesOf(file)).toEqual(["hello", "bye"]);
  });

  test("are told wrong by lint, with the file", async () => {
    const services = scanDir({
      bad: { type: "oneshot", up: { text: "foreground { echo }\n", mode: 0o644 }, "timeout-kill": "soon" },
    });
    const { code, stdout } = await shell('exec "$0" lint "$1"', [services.path]);
    expect(code).toBe(1);
    expect(stdout).toContain(`${services.at("bad", "timeout-kill")}: error: cannot use timeout-kill "soon"`);
  });
});
