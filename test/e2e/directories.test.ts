// Directories that are no services, and a scan directory that cannot be watched.
import { chmodSync, chownSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ini, isWatching, marked, runs } from "../helpers/drop-in.ts";
import { eventually, timed } from "../helpers/eventually.ts";
import { need } from "../helpers/need.ts";
import { launch } from "../helpers/pid-namespace.ts";
import { sleeper } from "../helpers/scripts.ts";
import { scanDir, temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";

describe("where the kernel tells of no changes", () => {
  test("upkeep says so, looks every 5 s, and watches again once it can", { timeout: 40_000 }, async (context) => {
    need(context, "root");
    const scan = scanDir({ web: { run: sleeper, ...ini }, half: { run: { text: marked("71001"), mode: 0o644 } } });
    const limit = "/proc/sys/user/max_inotify_instances";
    // A user namespace has a count of its own, and the old one is the bound of what it may be raised to.
    const setup = `set -- unshare --user --map-root-user sh -c 'echo 0 >${limit}; exec "$@"' sh "$@"`;
    const space = await launch([scan.path], { setup });
    await allUp(space, "web");
    await eventually("it says so", () => /cannot watch .*EMFILE.* every 5 s/.test(space.stderr()));
    scan.write("late", { run: marked("71000"), ...ini });
    chmodSync(scan.at("half", "run"), 0o755);
    await eventually("both run", () => runs(space, "71000") && runs(space, "71001"), 15_000);
    scan.remove("late");
    await eventually("it is gone", () => !runs(space, "71000"), 15_000);
    expect(space.stderr().split("cannot watch").length).toBe(2);
    const raised = await space.inside(["nsenter", "--target", "1", "--user", "sh", "-c", `echo 9 >${limit}`]);
    expect(raised.code).toBe(0);
    // Once it watches, a drop-in need not wait for the next look.
    let next = 71_002;
    await eventually(
      "a drop-in is started at once",
      async () => {
        const own = String(next++);
        scan.write(`prompt-${own}`, { run: marked(own), ...ini });
        return (await timed(() => eventually("it runs", () => runs(space, own), 15_000))).active < 400;
      },
      15_000,
    );
  });

  test("a scan directory that goes stops nothing, and is watched again once it is back", async () => {
    const scan = scanDir({ web: { run: sleeper, ...ini } });
    const space = await launch([scan.path]);
    const web = (await allUp(space, "web")).get("web") ?? 0;
    await isWatching(scan, space);
    renameSync(scan.path, `${scan.path}.away`);
    await eventually("it is missed", () => space.stderr().includes("cannot watch"));
    // Whole at once: a look at an empty one would stop what is not in it.
    mkdirSync(`${scan.path}.new`);
    renameSync(`${scan.path}.away/web`, `${scan.path}.new/web`);
    renameSync(`${scan.path}.new`, scan.path);
    scan.write("back", { run: marked("72000"), ...ini });
    await eventually("a service in the new one runs", () => runs(space, "72000"), 15_000);
    expect((await allUp(space, "web")).get("web")).toBe(web);
  });
});

describe("a directory that cannot be a service", () => {
  test("is named with one sentence each, and harms nobody", async () => {
    const scan = scanDir({ web: { run: sleeper, ...ini } });
    mkdirSync(scan.at("empty"));
    mkdirSync(scan.at("directory", "run"), { recursive: true });
    writeFiles(scan.at("binary"), {
      run: sleeper,
      "service.ini": Buffer.from([0, 255, 1, 254, 10, 61, 0, 91, 93, 13, 10]),
    });
    writeFiles(scan.at("typo"), { run: sleeper, "service.ini": "[service]\nstop-grase = 3s\n" });
    writeFiles(scan.at("value"), { run: sleeper, "service.ini": "nice = fast\n" });
    writeFiles(scan.at("crlf"), { run: "#!/bin/sh\r\nexec sleep 1000\r\n" });
    writeFiles(scan.at("interpreter"), { run: "#!/no/such/shell\n" });
    writeFiles(scan.at("plain"), { run: { text: sleeper, mode: 0o644 } });
    writeFileSync(scan.at("file"), "no directory");
    const space = await launch([scan.path]);
    await allUp(space, "web");
    const told = async (name: string) => (await statusOf(space, name)).why;
    await eventually("all are known", async () => (await told("plain")) !== null);
    // biome-ignore format: a table
    const sentences = {
      empty: /there is no run yet/, directory: /run: .*directory/, binary: /^service\.ini:1: /, value: /^service\.ini:1: cannot use nice "fast"/,
      crlf: /CRLF/, interpreter: /\/no\/such\/shell.* does not exist/, plain: /not executable; chmod \+x/,
    } as const;
    for (const [name, sentence] of Object.entries(sentences)) expect(await told(name), name).toMatch(sentence);
    expect(space.stderr()).toMatch(/typo\/service\.ini:2.*stop-grase.*stop-grace/);
    const { code, stdout, stderr } = await space.upkeep("lint", scan.path);
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/typo\/service\.ini:2.*did you mean stop-grace/);
    const health = await space.upkeep("health");
    expect(health).toMatchObject({ code: 1 });
  });

  test("is one that cannot be read, for an ordinary user", async (context) => {
    need(context, "root");
    const scan = scanDir({ web: { run: sleeper, ...ini }, secret: { run: sleeper } });
    chmodSync(scan.at("secret"), 0);
    const runtime = temporaryDirectory();
    chownSync(runtime, 12345, 12345);
    const setup = `set -- setpriv --reuid 12345 --regid 12345 --clear-groups "$@"`;
    const space = await launch([scan.path], { setup, env: { UPKEEP_RUNTIME_DIR: runtime } });
    await allUp(space, "web");
    expect((await statusOf(space, "secret")).why).toMatch(/cannot read the service directory: permission denied/);
    await isWatching(scan, space);
    chmodSync(scan.at("secret"), 0o755);
    await allUp(space, "secret");
  });

  test("is started once it is mended, without a command", async () => {
    const scan = scanDir({ web: { run: sleeper, ...ini }, crlf: { run: "#!/bin/sh\r\nexec sleep 73000\r\n" } });
    const space = await launch([scan.path]);
    await allUp(space, "web");
    await isWatching(scan, space);
    writeFiles(scan.at("crlf"), { run: marked("73000") });
    await eventually("it runs", () => runs(space, "73000"));
  });
});
