// The commands against real processes: what each does, what it waits for and what it leaves with.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { launch, type Namespace, upkeep } from "../helpers/pid-namespace.ts";
import { stat } from "../helpers/proc.ts";
import { lines, linesOf, sayReady, saysReady, sleeper, stubborn } from "../helpers/scripts.ts";
import { type ScanDir, scanDir, temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statuses, statusOf } from "../helpers/status.ts";

const quick = "settle = 10ms\n";
const web = { run: sleeper, "service.ini": quick };

describe("a command", () => {
  const file = join(temporaryDirectory(), "heard");
  const hearing = `#!/bin/sh
for each in HUP USR1; do trap "echo $each >>${file}" $each; done
${sayReady}
while :; do sleep 1000 & wait $!; done
`;
  let space: Namespace;

  beforeAll(async () => {
    const services = scanDir({
      web,
      "web-2": web,
      hearing: { run: hearing, "service.ini": saysReady },
      stubborn: { run: stubborn, "service.ini": `stop-grace = 1m\n${saysReady}` },
      failing: { run: "#!/bin/sh\nexit 3\n", "service.ini": "restart-delay = 1h\nrestart-delay-max = 1h", down: "" },
      never: { run: "#!/no/such/shell\n" },
      task: { run: "#!/bin/sh\nexit 0\n", "service.ini": "type = oneshot", down: "" },
      slow: { run: sleeper, "service.ini": "settle = 400ms", down: "" },
      down: { run: sleeper, down: "" },
    });
    space = await launch([services.path]);
    await allUp(space, "web", "web-2", "hearing", "stubborn");
  });

  // biome-ignore format: a table
  test.each([
    [0, ["status"]],
    [0, ["status", "web"]],
    [0, ["start", "web"]],
    [0, ["stop", "down"]],
    [0, ["stop", "never"]],
    [0, ["start", "--no-wait", "slow"]],
    [0, ["signal", "WINCH", "web"]],
    [0, ["version"]],
    [0, ["help"]],
    [0, ["health", "web"]],
    [1, ["health", "down"]],
    [1, ["start", "failing"]],
    [1, ["start", "never"]],
    [2, ["stop", "--wait", "0.1", "stubborn"]],
    [2, ["wait", "--for", "down", "--wait", "0.1", "web"]],
    [3, ["signal", "HUP", "down"]],
    [3, ["reload", "down"]],
    [3, ["pause", "down"]],
    [3, ["cont", "down"]],
    [4, ["status", "nobody"]],
    [4, ["start", "nobody"]],
    [64, ["start"]],
    [64, ["no-such-verb"]],
    [64, ["signal", "NOSUCH", "web"]],
  ] as const)("leaves with %i: upkeep %j", async (code, words) => {
    const result = await space.upkeep(...words);
    expect(result, result.stderr).toMatchObject({ code });
    if (code > 0) expect(result.stdout + result.stderr).toMatch(/\S/);
  });

  test("that is refused says so once", async () => {
    const { stderr } = await space.upkeep("start", "never");
    expect(stderr).toMatch(/^never: cannot start: cannot use run: /);
  });

  test("leaves with 7 where no supervisor answers", async () => {
    // Nor one of another test, in the place for those without /run.
    const places = ["/run", `/tmp/upkeep-${process.getuid?.()}`];
    const script = `${places.map((place) => `mkdir -p -m 700 ${place}; mount -t tmpfs -o mode=700 tmpfs ${place}`).join("; ")}; exec "$@"`;
    const { code, stderr } = await space.inside(["unshare", "--mount", "sh", "-c", script, "sh", upkeep, "status"]);
    expect({ code, isSaid: stderr.includes("/run/upkeep") }, stderr).toEqual({ code: 7, isSaid: true });
  });

  test.each(["help", "stop --help", "status", "version", "--version", "-h"])(
    "whose output cannot be written says why and fails: upkeep %s",
    async (words) => {
      for (const [output, why] of [
        [">/dev/full", "no space left on device"],
        [">&-", "bad file descriptor"],
      ]) {
        const { code, stderr } = await space.inside(["sh", "-c", `exec ${upkeep} ${words} ${output}`]);
        expect({ code, stderr: stderr.toLowerCase() }, words).toEqual({
          code: 1,
          stderr: expect.stringMatching(new RegExp(`^upkeep: cannot write the output: [^\n]*${why}$`)),
        });
      }
    },
  );

  test("suggests the name that was meant", async () => {
    expect((await space.upkeep("stop", "wbe")).stderr).toMatch(/did you mean web\?/);
  });

  test("takes patterns, and many names at once", async () => {
    expect((await space.upkeep("stop", "web*")).code).toBe(0);
    expect((await statuses(space, "web", "web-2")).map(({ state }) => state)).toEqual(["down", "down"]);
    expect((await space.upkeep("start", "web", "web-2")).code).toBe(0);
    expect((await statuses(space, "web", "web-2")).map(({ state }) => state)).toEqual(["up", "up"]);
  });

  test("prints names, a table or JSON", async () => {
    expect((await space.upkeep("status", "-o", "name", "web*")).stdout).toBe("web\nweb-2");
    expect((await space.upkeep("status", "web*")).stdout).toMatch(/^NAME .*\nweb +up +\d+ /);
    expect(JSON.parse((await space.upkeep("status", "-o", "json", "web")).stdout)).toMatchObject([{ name: "web" }]);
  });

  test("pause halts a process, and cont lets it go on", async () => {
    const pid = (await allUp(space, "web")).get("web") ?? 0;
    expect((await space.upkeep("pause", "web")).code).toBe(0);
    await eventually("it is halted", () => stat(pid)?.state === "T");
    expect(await statusOf(space, "web")).toMatchObject({ state: "paused" });
    expect((await space.upkeep("health", "web")).code).toBe(1);
    expect((await space.upkeep("cont", "web")).code).toBe(0);
    await eventually("it goes on", () => stat(pid)?.state === "S");
    expect(await statusOf(space, "web")).toMatchObject({ state: "up" });
  });

  test("signal and reload reach the main process", async () => {
    expect((await space.upkeep("signal", "USR1", "hearing")).code).toBe(0);
    await lines(file, 1);
    expect((await space.upkeep("reload", "hearing")).code).toBe(0);
    await lines(file, 2);
    expect((await space.upkeep("signal", "10", "hearing")).code).toBe(0);
    expect(await lines(file, 3)).toEqual(["USR1", "HUP", "USR1"]);
  });

  test("restart comes back when another process is ready", async () => {
    const before = (await allUp(space, "web")).get("web");
    expect((await space.upkeep("restart", "web")).code).toBe(0);
    const { pid, state, ready } = await statusOf(space, "web");
    expect({ state, ready }).toEqual({ state: "up", ready: true });
    expect(space.outer(pid ?? 0)).not.toBe(before);
  });

  test("start of a oneshot comes back when its work is done", async () => {
    expect((await space.upkeep("start", "task")).code).toBe(0);
    expect(await statusOf(space, "task")).toMatchObject({ state: "done", ready: true, lastExit: { code: 0 } });
  });

  test("wait comes back when the service is as asked", async () => {
    expect((await space.upkeep("stop", "slow")).code).toBe(0);
    const waiting = space.upkeep("wait", "--for", "ready", "slow");
    expect((await space.upkeep("start", "--no-wait", "slow")).code).toBe(0);
    expect((await waiting).code).toBe(0);
    expect((await statusOf(space, "slow")).ready).toBe(true);
  });

  test("events tells of each change, in order", async () => {
    const out = join(temporaryDirectory(), "events");
    // It goes on until the supervisor ends.
    void space.inside(["sh", "-c", `exec ${upkeep} events -f -o json web-2 >${out}`]);
    // Nothing says that it listens: it is told of restarts until it does.
    await eventually("it hears", async () => {
      await space.upkeep("restart", "web-2");
      return linesOf(out).length > 0;
    });
    const count = linesOf(out).length;
    await space.upkeep("stop", "web-2");
    const heard = (await lines(out, count + 2)).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(heard.every(({ service }) => service === "web-2")).toBe(true);
    const told = () =>
      linesOf(out).map((line) => (JSON.parse(line) as { status: { state: string } | null }).status?.state);
    await eventually("the end is told", () => told().at(-1) === "down");
    expect(told().slice(count)).toContain("stopping");
  });
});

describe("health", () => {
  // biome-ignore format: a table
  test.each([
    ["is well with all services up", web, 0, /1 service is up/],
    ["is well with a oneshot that has done its work", { run: "#!/bin/sh\nexit 0\n", "service.ini": "type = oneshot" }, 0, /1 service is up/],
    ["is well with one that is to be down", { run: sleeper, down: "" }, 0, /0 services are up/],
    ["tells of one that is not ready", { run: sleeper, "service.ini": "notify-fd = 3" }, 1, /^it is starting, not ready/],
    ["tells of one that crashes and crashes", { run: "#!/bin/sh\nexit 3\n", "service.ini": "restart-delay = 10ms" }, 1, /^it is crash-looping \(exit 3\)/],
    ["tells of one that is given up", { run: "#!/bin/sh\nexit 3\n", "service.ini": "restart = never" }, 1, /^it has given up: exit 3/],
    ["tells of one that is tried again later", { run: "#!/bin/sh\nexit 3\n", "service.ini": "restart-delay = 1h\nrestart-delay-max = 1h" }, 1, /^it is down and tried again in \d+ s: exit 3/],
    ["tells of one that waits for another", { run: sleeper, "service.ini": "requires = nobody" }, 1, /^it .*nobody/],
    ["tells of one that cannot run", { run: "" }, 1, /^it cannot run: run is empty/],
  ] as const)("%s", async (_promise, files, code, sentence) => {
    const space = await launch([scanDir({ it: files }).path]);
    await eventually("it is so", async () => {
      const health = await space.upkeep("health");
      expect(health.code).toBe(code);
      expect(health.stdout).toMatch(sentence);
      expect(health.stdout.split("\n").length).toBe(1);
      return true;
    });
  });

  test("forgets a crash loop when it has ended in a stable run, or in a stop", async () => {
    const go = join(temporaryDirectory(), "go");
    const services = scanDir({
      web,
      mended: {
        run: `#!/bin/sh\n[ -e ${go} ] || exit 3\nexec sleep 1000\n`,
        "service.ini": `stable = 300ms\nrestart-delay = 20ms\nrestart-delay-max = 20ms\n${quick}`,
      },
      stopped: { run: "#!/bin/sh\nexit 3\n", "service.ini": "restart-delay = 20ms\nrestart-delay-max = 20ms" },
    });
    const space = await launch([services.path]);
    await eventually("both crash", async () =>
      (await statuses(space, "mended", "stopped")).every(({ restarts }) => restarts > 3),
    );
    expect((await space.upkeep("health", "mended")).stdout).toMatch(/crash-looping/);
    writeFileSync(go, "");
    expect((await space.upkeep("stop", "stopped")).code).toBe(0);
    await eventually("all is well", async () => (await space.upkeep("health")).code === 0);
  });
});

describe("apply", () => {
  let scan: ScanDir;
  let space: Namespace;
  beforeAll(async () => {
    scan = scanDir({ web, same: web, env: web, gone: web });
    space = await launch([scan.path]);
    await allUp(space, "web", "same", "env", "gone");
  });

  test("changes nothing with --dry-run, says what would, and leaves with 2", async () => {
    const before = await allUp(space, "web", "same", "env");
    expect((await space.upkeep("apply", "--dry-run")).code).toBe(0);
    writeFileSync(scan.at("web", "service.ini"), `nice = 5\n${quick}`);
    writeFileSync(scan.at("env", "service.ini"), `stop-grace = 3s\n${quick}`);
    const { code, stdout } = await space.upkeep("apply", "--dry-run");
    expect(
      {
        code,
        web: /web +would be restarted: nice$/m.test(stdout),
        env: /env +would be updated: stop-grace$/m.test(stdout),
      },
      stdout,
    ).toEqual({
      code: 2,
      web: true,
      env: true,
    });
    expect(stdout).not.toContain("same");
    expect(await allUp(space, "web", "same", "env")).toEqual(before);
  });

  test("restarts only what a running process cannot take up", async () => {
    const before = await allUp(space, "web", "same", "env");
    expect((await space.upkeep("apply")).code).toBe(0);
    const after = await eventually("web is another", async () => {
      const pids = await allUp(space, "web", "same", "env");
      return pids.get("web") !== before.get("web") && pids;
    });
    expect(after.get("same")).toBe(before.get("same"));
    expect(after.get("env")).toBe(before.get("env"));
    const nice = await space.inside(["ps", "-o", "ni=", "-p", String((await statusOf(space, "web")).pid)]);
    expect(nice.stdout.trim()).toBe("5");
    expect((await space.upkeep("apply", "--dry-run")).code).toBe(0);
  });

  test("tells of the global configuration, and of what takes a new start of upkeep", async () => {
    const file = join(temporaryDirectory(), "upkeep.ini");
    writeFileSync(file, "stop-budget = 8s\n");
    const other = await launch(["-c", file, scanDir({ web }).path]);
    await allUp(other, "web");
    writeFileSync(file, "stop-budget = 9s\ncontrol-group = 0\n");
    const { code, stdout, stderr } = await other.upkeep("apply");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "~ upkeep itself  updated: stop-budget" });
    expect(stderr).toMatch(/control-group is read at the start only/);
  });

  test("leaves with 1 and the sentence for a definition that is wrong, and harms nobody", async () => {
    const before = await allUp(space, "web", "same");
    writeFileSync(scan.at("same", "service.ini"), "nice = fast\n");
    const { code, stdout, stderr } = await space.upkeep("apply");
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/same\/service\.ini:1.*cannot use nice "fast"/);
    expect(await allUp(space, "web", "same")).toEqual(before);
  });
});
