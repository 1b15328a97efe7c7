// Sets of services in Debian's layout: `current` is a link, runsvchdir and `upkeep switch` exchange it.
import { existsSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { ini, marked } from "../helpers/drop-in.ts";
import { eventually } from "../helpers/eventually.ts";
import { find, need } from "../helpers/need.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { both, goes, named, runs, sleeping, type Whose } from "../helpers/runit-pair.ts";
import { ending, linesOf } from "../helpers/scripts.ts";
import { type ServiceFiles, temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";
import { allUp } from "../helpers/status.ts";

const RUNSVDIR = find("runsvdir") ?? "/usr/bin/runsvdir";

/** Sets of services beside `current`, which leads to the first one; a string is a link to a directory of `sv`. */
function layout(sets: Readonly<Record<string, Readonly<Record<string, ServiceFiles | "linked">>>>): string {
  const root = temporaryDirectory();
  writeFiles(join(root, "sv/shared"), { run: marked("72001"), ...ini });
  for (const [set, services] of Object.entries(sets)) {
    mkdirSync(join(root, set));
    for (const [name, files] of Object.entries(services))
      if (files === "linked") symlinkSync(`../sv/${name}`, join(root, set, name));
      else writeFiles(join(root, set, name), files);
  }
  symlinkSync(Object.keys(sets)[0] ?? "", join(root, "current"));
  symlinkSync("current", join(root, "service"));
  return root;
}

const service = (word: string, more: ServiceFiles = {}): ServiceFiles => ({ run: marked(word), ...ini, ...more });
const oneAndTwo = (more: ServiceFiles = {}) =>
  ({
    one: { shared: "linked", web: service("72002", more), old: service("72003") },
    two: { shared: "linked", web: service("72004"), fresh: service("72005") },
  }) as const;
const links = (root: string) =>
  ["current", "previous"].map((name) => {
    try {
      return readlinkSync(join(root, name));
    } catch {
      return null;
    }
  });

/** Ours, with everything of the first set up. */
async function launched(root: string): Promise<{ readonly space: Namespace; readonly shared: number }> {
  const space = await launch([join(root, "service")]);
  const pids = await allUp(space, "shared", "web", "old");
  return { space, shared: pids.get("shared") ?? 0 };
}

describe("a scan directory behind a link", () => {
  test("is followed at once; a directory of both sets runs on, another by the same name takes over", async (context) => {
    need(context, "root");
    const log = join(temporaryDirectory(), "log");
    const root = layout(oneAndTwo({ finish: `#!/bin/sh\necho "web of one" >>${log}\n` }));
    const { space, shared } = await launched(root);
    symlinkSync("two", join(root, "current.new"));
    renameSync(join(root, "current.new"), join(root, "current"));
    // Nobody looks now and then where there is a watch.
    await runs({ space }, "72005");
    await runs({ space }, "72004");
    await goes({ space }, "72002");
    await goes({ space }, "72003");
    expect(sleeping({ space }, "72001")).toBe(shared);
    // Its own, though its path leads elsewhere by now.
    expect(linesOf(log)).toEqual(["web of one"]);
    expect((await space.upkeep("apply")).stdout).toBe("nothing has changed\n".trim());
    expect(sleeping({ space }, "72001")).toBe(shared);
  });

  test("may be missing for a moment, and nothing stops", async (context) => {
    need(context, "root");
    const root = layout(oneAndTwo());
    const { space, shared } = await launched(root);
    rmSync(join(root, "current"));
    await eventually("it has seen that", () => space.stderr().includes("cannot watch"));
    await runs({ space }, "72003");
    symlinkSync("two", join(root, "current"));
    await runs({ space }, "72005");
    await goes({ space }, "72003");
    expect(sleeping({ space }, "72001")).toBe(shared);
  });
});

describe("runsvchdir", () => {
  /** Runs shell lines where /etc/runit/runsvdir is a layout of its own; `runsvchdir` is the one or the other. */
  const inLayout = async (whose: Whose, root: string, script: string) => {
    const path = whose === "ours" ? `PATH=${named("runsvchdir")}:$PATH; ` : "";
    const words = ["--mount", "sh", "-c", `mount --bind ${root} /etc/runit/runsvdir || exit 99; ${path}${script}`];
    return execa("unshare", words, {
      reject: false,
      all: true,
      env: { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` },
    });
  };
  const cases = [
    "runsvchdir",
    "runsvchdir two",
    "runsvchdir two; runsvchdir two",
    "runsvchdir one",
    "runsvchdir absent",
    "runsvchdir .two",
    "runsvchdir two more",
    "runsvchdir /etc/runit/runsvdir/two",
    "runsvchdir two/",
    "runsvchdir two/web",
    "runsvchdir /etc/passwd",
    "runsvchdir ''",
    "runsvchdir -x",
    "runsvchdir two; runsvchdir three; runsvchdir one",
    "ln -s x current.new; runsvchdir two",
    "mkdir -p previous/x; runsvchdir two",
    "rm current; runsvchdir two",
    "rm current; mkdir current; runsvchdir two",
    "rm current; ln -s absent current; runsvchdir two",
    "chmod 555 .; setpriv --reuid 65534 --clear-groups runsvchdir two",
    "chmod 700 .; setpriv --reuid 65534 --clear-groups runsvchdir two",
    "mount -o remount,ro,bind .; runsvchdir two",
    `runsvchdir ${"n".repeat(300)}`,
  ];

  test("says what Debian's says, leaves with its codes, and leaves the links as it does", async (context) => {
    need(context, "root", "runsvchdir", "setpriv");
    for (const script of cases) {
      const [ours, theirs] = await Promise.all(
        both.map(async (whose) => {
          const root = layout({ ...oneAndTwo(), three: {} });
          const { all, exitCode } = await inLayout(whose, root, `cd /etc/runit/runsvdir; ${script}`);
          return { script, exitCode, all, links: links(root) };
        }),
      );
      expect(ours).toEqual(theirs);
    }
  });

  /** How often nothing is at `current` in this many looks, while it is exchanged all the time. */
  const gaps = async (whose: Whose, looks: number): Promise<number> => {
    const root = layout(oneAndTwo());
    const script = `until [ -e ${root}/enough ]; do runsvchdir two; runsvchdir one; echo x >>${root}/turns; done 2>/dev/null`;
    const turns = inLayout(whose, root, script);
    await eventually("it has begun", () => linesOf(join(root, "turns")).length > 2);
    let gaps = 0;
    for (let look = 0; look < looks || linesOf(join(root, "turns")).length < 30; look++) {
      if (!existsSync(join(root, "current"))) gaps++;
      if (look % 100 === 0) await new Promise((next) => setImmediate(next));
    }
    writeFiles(root, { enough: "" });
    expect((await turns).exitCode).toBe(0);
    return gaps;
  };

  // Debian's makes `current` a link to `previous`, which by then leads back: nothing changes.
  test("goes back to previous by that name", async (context) => {
    need(context, "root");
    const root = layout(oneAndTwo());
    const { all } = await inLayout("ours", root, "runsvchdir two; runsvchdir previous");
    expect(all).toBe("runsvchdir: two: now current.\nrunsvchdir: previous: now current.");
    expect(links(root)).toEqual(["one", "two"]);
  });

  test("never leaves the place of the link empty", async (context) => {
    need(context, "root");
    expect(await gaps("ours", 20_000)).toBe(0);
  });

  test.each(both)("makes the supervisor run the other set, as beside Debian's runsvdir: %s", async (whose) => {
    const root = layout(oneAndTwo());
    const scan = join(root, "service");
    const space = await (whose === "ours" ? launch([scan]) : launch([scan], { program: RUNSVDIR }));
    const shared = await runs({ space }, "72001");
    for (const word of ["72002", "72003"]) await runs({ space }, word);
    expect((await inLayout(whose, root, "runsvchdir two")).all).toBe("runsvchdir: two: now current.");
    for (const word of ["72004", "72005"]) await runs({ space }, word, 15_000);
    for (const word of ["72002", "72003"]) await goes({ space }, word);
    expect(sleeping({ space }, "72001")).toBe(shared);
  });
});

describe("upkeep switch", () => {
  test("shows the plan, makes it so, and waits until the new services are up", async (context) => {
    need(context, "root");
    const root = layout({ ...oneAndTwo() });
    writeFiles(join(root, "two/later"), service("72006", { down: "" }));
    const { space, shared } = await launched(root);
    const plan = [
      "from one to two",
      "+ fresh  starts",
      "+ later  stays down",
      "- old  stops",
      "= shared  stays as it is",
      "! web  stops, and starts from its other directory",
    ];
    const dry = await space.upkeep("switch", "two", "--dry-run");
    expect([dry.code, ...dry.stdout.split("\n")]).toEqual([2, ...plan]);
    expect(links(root)).toEqual(["one", null]);
    const done = await space.upkeep("switch", "two");
    expect([done.code, ...done.stdout.split("\n").slice(0, -1)]).toEqual([0, ...plan]);
    expect(done.stdout).toMatch(/\nswitched to two, after [\d.]+s$/);
    expect(links(root)).toEqual(["two", "one"]);
    expect(["72003", "72002", "72006"].map((word) => sleeping({ space }, word))).toEqual([null, null, null]);
    // Whoever is up may still be the shell that becomes it.
    for (const word of ["72004", "72005"]) await runs({ space }, word);
    expect(sleeping({ space }, "72001")).toBe(shared);
    expect(await space.upkeep("switch", "two")).toMatchObject({ code: 0, stdout: "two is current" });
    const back = await space.upkeep("switch", "previous");
    expect(back.stdout).toMatch(/^from two to one\n(.*\n)*switched to one, after [\d.]+s$/);
    expect(links(root)).toEqual(["one", "two"]);
  });

  test("goes back when a service fails, and says so", async (context) => {
    need(context, "root");
    const bad = { shared: "linked", fresh: service("72005"), broken: { run: ending(3) } } as const;
    const root = layout({ ...oneAndTwo(), bad });
    const { space, shared } = await launched(root);
    symlinkSync("two", join(root, "previous"));
    const { code, stderr } = await space.upkeep("switch", "bad");
    expect(code).toBe(1);
    expect(stderr).toBe(
      "broken: cannot start: it left with exit 3; see upkeep logs broken\nwent back to one: what ran before is up again",
    );
    expect(links(root)).toEqual(["one", "two"]);
    for (const word of ["72002", "72003"]) await runs({ space }, word);
    expect(sleeping({ space }, "72001")).toBe(shared);
    expect(sleeping({ space }, "72005")).toBeNull();
  });

  test("goes back with another code when a service is not ready in time", async (context) => {
    need(context, "root");
    const late = { shared: "linked", slow: service("72005", { check: ending(1) }) } as const;
    const root = layout({ ...oneAndTwo(), late });
    const { space } = await launched(root);
    const { code, stderr } = await space.upkeep("switch", "-w", "0.7", "late");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^slow: not up after 0.7s: .*\nwent back to one: what ran before is up again$/);
    expect(links(root)).toEqual(["one", null]);
    expect(sleeping({ space }, "72005")).toBeNull();
  });

  test("changes nothing for a set with mistakes, for none, for a bad name, or without such links", async (context) => {
    need(context, "root");
    const wrong = { web: { run: marked("72007"), "service.ini": "restart = perhaps" } };
    const root = layout({ ...oneAndTwo(), wrong });
    const { space } = await launched(root);
    const web = await runs({ space }, "72002");
    const refused = async (...words: string[]) => {
      const { code, stderr } = await space.upkeep("switch", ...words);
      return [code, stderr.split("\n").at(-1)];
    };
    expect(await refused("wrong")).toEqual([1, "upkeep: cannot switch: wrong has mistakes; nothing was changed"]);
    expect(await refused("absent")).toEqual([1, `upkeep: cannot switch: ${root}/absent: there is no such file`]);
    expect(await refused(".two")).toEqual([1, "upkeep: cannot switch: .two must not start with a dot"]);
    expect(await refused()).toEqual([64, "upkeep: switch: no directory named; one beside the link current"]);
    expect(links(root)).toEqual(["one", null]);
    expect(sleeping({ space }, "72002")).toBe(web);
    const plain = await launch([join(root, "two")]);
    await allUp(plain, "web");
    expect((await plain.upkeep("switch", "one")).stderr).toContain("is not reached over a link named current");
  });

  test("is one at a time", async (context) => {
    need(context, "root");
    const go = join(temporaryDirectory(), "go");
    const check = `#!/bin/sh\nexec test -e ${go}\n`;
    const late = { shared: "linked", slow: service("72005", { check }) } as const;
    const root = layout({ ...oneAndTwo(), late });
    const { space } = await launched(root);
    const first = space.upkeep("switch", "-w", "30", "late");
    await eventually("the first is under way", () => links(root)[0] === "late");
    expect((await space.upkeep("switch", "two")).stderr).toBe("upkeep: cannot switch: another switch is under way");
    writeFileSync(go, "");
    expect((await first).code).toBe(0);
    expect((await space.upkeep("switch", "two")).code).toBe(0);
  });
});
