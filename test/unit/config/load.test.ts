import { describe, expect, test } from "vitest";
import { loadService } from "../../../src/config/load.ts";
import { accountsFrom } from "../../../src/config/passwd.ts";
import { loadSettings } from "../../../src/config/settings.ts";
import { type Tree, tree } from "../../helpers/tree.ts";

const etc = tree({
  passwd: "root:x:0:0:root:/root:/bin/bash\napp:x:1000:1001:App:/home/app:/bin/zsh\nbad line\n",
  group: "root:x:0:\napp:x:1001:\nlog:x:4:app,other\nssl:x:5:app\n",
});
const accounts = accountsFrom(`${etc}/passwd`, `${etc}/group`);
const ROOT = { uid: 0, gid: 0, groups: [0] };
const SH = "#!/bin/sh\nexec sleep 1\n";

function load(files: Tree, { own = ROOT, global = "" } = {}) {
  const home = tree(files);
  const config = tree({ "upkeep.ini": global });
  const { defaults, problems } = loadSettings([{ path: `${config}/upkeep.ini`, required: true }], {}, own, accounts);
  expect(problems).toEqual([]);
  return { home, ...loadService(home, "web", defaults) };
}

const texts = (loaded: ReturnType<typeof load>) =>
  loaded.problems.map((problem) => `${problem.severity}: ${problem.text}`);

describe("a directory with only a run script", () => {
  test("is a service with the documented defaults", () => {
    const { spec, incomplete, problems, home } = load({ run: SH });
    expect({ incomplete, problems }).toEqual({ incomplete: null, problems: [] });
    expect(spec).toEqual({
      name: "web",
      home,
      type: "service",
      command: [`${home}/run`],
      dir: home,
      identity: null,
      umask: null,
      nice: null,
      limits: {},
      env: {},
      after: [],
      requires: [],
      wants: [],
      notifyFd: null,
      check: null,
      startTimeout: Infinity,
      settle: 1000,
      startPre: null,
      finish: null,
      restart: "always",
      restartDelay: 100,
      restartDelayMax: 30_000,
      stable: 10_000,
      successCodes: [0],
      giveUp: null,
      stopSignal: 15,
      stopScope: "session",
      stopGrace: 7000,
      critical: false,
      log: "prefix",
      logTimestamps: false,
      logLineMax: 65_536,
      down: false,
      logger: null,
      loggerOf: null,
      source: { command: `${home}/run` },
    });
    expect(Object.isFrozen(spec)).toBe(true);
  });
});

describe("service.ini", () => {
  test("sets every key, and each knows its file and line", () => {
    const { spec, problems, home } = load({
      "service.ini": `# a comment
command = /bin/echo 'a ; b # c' "d \\" e" f\\ g
dir = sub
umask = 027
nice = -5
limits = nofile=1024:4096 core=unlimited
env = A=1 B="two words"
after = x, y
requires = z
wants = w
type = oneshot
start-pre = /bin/true now
notify-fd = 3
settle = 0
start-timeout = 1m30s
restart = never
restart-delay = 40
stable = 500ms
success-codes = 0 3
give-up = 5 in 60s
critical = yes
stop-signal = sigquit
stop-scope = group
stop-grace = never
log = json
log-timestamps = on
log-line-max = 16KB

[env]
C = it's " fine ; # $HOME
D = "  kept  "

[limits]
cpu = 1m
as = 64MB:unlimited
`,
    });
    expect(problems).toEqual([]);
    expect(spec).toMatchObject({
      command: ["/bin/echo", "a ; b # c", 'd " e', "f g"],
      dir: `${home}/sub`,
      umask: 0o27,
      nice: -5,
      limits: {
        nofile: { soft: 1024, hard: 4096 },
        core: { soft: null, hard: null },
        cpu: { soft: 60, hard: 60 },
        as: { soft: 64 << 20, hard: null },
      },
      env: { A: "1", B: "two words", C: `it's " fine ; # $HOME`, D: "  kept  " },
      after: ["x", "y"],
      requires: ["z"],
      wants: ["w"],
      type: "oneshot",
      startPre: ["/bin/true", "now"],
      notifyFd: 3,
      settle: 0,
      startTimeout: 90_000,
      restart: "never",
      restartDelay: 40_000,
      restartDelayMax: 40_000,
      stable: 500,
      successCodes: [0, 3],
      giveUp: { count: 5, within: 60_000 },
      critical: true,
      stopSignal: 3,
      stopScope: "group",
      stopGrace: Number.POSITIVE_INFINITY,
      log: "json",
      logTimestamps: true,
      logLineMax: 16_384,
    });
    expect(spec?.source["stop-grace"]).toBe(`${home}/service.ini:24`);
  });

  test.each([
    ["stop-grace = 10x", "not a duration"],
    ["stop-grace = 10s ; ten", "a comment needs a line of its own"],
    ["settle = never", "must come to an end"],
    ["umask = 8", "octal"],
    ["nice = 20", "-20 to 19"],
    ["type = daemon", "not one of service, oneshot"],
    ["stop-signal = FOO", "not a signal"],
    ["success-codes = 0 256", '"256" is not a whole number from 0 to 255'],
    ["give-up = often", "5 in 60s"],
    ["critical = maybe", "neither yes nor no"],
    ["log-line-max = 1", "256 bytes"],
    ["notify-fd = 1", "3 to 1023"],
    ["limits = nofile=9:4", "above the hard"],
    ["limits = files=4", "not one of nofile"],
    ["env = A", "NAME=VALUE"],
    ["start-pre = echo 'open", "not closed"],
    ["start-pre = a && b", "no shell reads"],
    ["start-pre = a # b", "a comment needs a line of its own"],
    ["start-pre =", "no program"],
    ["after = db # the base", "a comment needs a line of its own"],
    ["requires = a/b", "slashes"],
    ["user = ap", 'no user "ap" in'],
    ["group = nogroup", "no group"],
    ["log = logger", "no log/run"],
  ])("%s refuses the service and says why, at its line", (line, why) => {
    const loaded = load({ run: SH, "service.ini": `\n${line}\n` });
    expect(loaded.spec).toBeNull();
    expect(loaded.problems).toHaveLength(1);
    expect(loaded.problems[0]).toMatchObject({
      severity: "error",
      service: "web",
      where: `${loaded.home}/service.ini:2`,
      text: expect.stringContaining(why),
    });
  });

  test.each([
    ["stop-gace = 1s", "did you mean stop-grace?"],
    ["autorestart = true", "it is called restart here"],
    ["[servce]\nrestart = never", "did you mean service?"],
    ["[limits]\nnofil = 1", "did you mean nofile?"],
    ["restart = always\nzzzzzz = 1", 'unknown key "zzzzzz"'],
  ])("%j is a warning with a hint, and the service runs", (text, hint) => {
    const loaded = load({ run: SH, "service.ini": text });
    expect(loaded.spec).not.toBeNull();
    expect(texts(loaded)).toEqual([expect.stringMatching(/^warning: /)]);
    expect(texts(loaded)[0]).toContain(hint);
  });

  test("a key swallowed by its own indentation is pointed out", () => {
    const loaded = load({ "service.ini": "command = /bin/app\n  restart = never\n" });
    expect(texts(loaded)).toEqual([expect.stringContaining('"restart = never" continues command')]);
  });

  test.each([
    ["binary garbage", new Uint8Array(4096).map((_, i) => (i * 7919) % 256)],
    ["ten megabytes", new Uint8Array(10 << 20).fill(0x61)],
    ["a NUL", "restart = never\n\0"],
    ["Latin-1", Buffer.from("env = A=\xe9\n", "latin1")],
  ])("%s is refused in one sentence", (_, bytes) => {
    const loaded = load({ run: SH, "service.ini": bytes });
    expect(loaded.spec).toBeNull();
    expect(loaded.problems).toHaveLength(1);
    expect(loaded.problems[0]?.text).toMatch(/^cannot read /);
    expect(loaded.problems[0]?.text.length).toBeLessThan(200);
  });

  test("a directory in its place is refused", () => {
    expect(texts(load({ run: SH, "service.ini": {} }))).toEqual(["error: cannot read service.ini: it is a directory"]);
  });
});

describe("run", () => {
  test.each<[string, Tree, RegExp]>([
    ["missing", {}, /^there is no run yet; put an executable file at \/.*\/run$/],
    ["not executable", { run: { text: SH, mode: 0o644 } }, /^run is not executable; chmod \+x \/.*\/run$/],
    ["empty", { run: { text: "", mode: 0o755 } }, /^run is empty; /],
    ["a link to nothing", { run: { link: "nowhere" } }, /^run is a link to nothing; /],
  ])("%s is incomplete, not wrong", (_, files, sentence) => {
    const { spec, incomplete, problems } = load(files);
    expect({ spec, problems }).toEqual({ spec: null, problems: [] });
    expect(incomplete).toMatch(sentence);
  });

  test.each<[string, Tree, string]>([
    ["a directory", { run: {} }, "it is a directory"],
    ["a device", { run: { link: "/dev/zero" } }, "not a regular file"],
    ["a loop of links", { run: { link: "run" } }, "in a circle"],
    ["saved with CRLF", { run: "#!/bin/sh\r\nexec sleep 1\r\n" }, "sed -i 's/\\r$//' "],
    [
      "for a missing interpreter",
      { run: "#!/opt/none/python3 -u\n" },
      'interpreter "/opt/none/python3" does not exist',
    ],
    ["for a relative interpreter", { run: "#!bash\n" }, "#!/usr/bin/env bash"],
    ["with a byte order mark", { run: { text: "\ufeff#!/bin/sh\n", mode: 0o755 } }, "byte order mark"],
    ["with an empty shebang", { run: "#!\n" }, "nothing follows the #!"],
  ])("%s is an error that names the fix", (_, files, why) => {
    const loaded = load(files);
    expect(loaded.spec).toBeNull();
    expect(loaded.incomplete).toBeNull();
    expect(texts(loaded)).toEqual([expect.stringMatching(/^error: cannot use run: /)]);
    expect(texts(loaded)[0]).toContain(why);
  });

  test("without a shebang it is given to sh, with a warning", () => {
    const { spec, problems, home } = load({ run: { text: "exec sleep 1\n", mode: 0o755 } });
    expect(spec?.command).toEqual(["/bin/sh", `${home}/run`]);
    expect(problems).toEqual([expect.objectContaining({ severity: "warning", where: `${home}/run` })]);
  });

  test("a binary is run as it is", () => {
    const elf = { text: "\x7fELF\x02\x01\x01\0\0\0\0", mode: 0o755 };
    expect(load({ run: elf })).toMatchObject({ spec: { command: [expect.stringMatching(/\/run$/)] }, problems: [] });
  });

  test("with a command nobody looks at it", () => {
    expect(load({ run: {}, "service.ini": "command = /bin/true" })).toMatchObject({
      spec: { command: ["/bin/true"] },
      incomplete: null,
      problems: [],
    });
  });

  test("a service directory behind a link keeps the path of the link", () => {
    const root = tree({ "real/run": SH, web: { link: "real" } });
    const { defaults } = loadSettings([], {}, ROOT, accounts);
    expect(loadService(`${root}/web`, "web", defaults).spec).toMatchObject({ home: `${root}/web`, dir: `${root}/web` });
  });

  test("a directory that has gone is a problem of that service", () => {
    const { defaults } = loadSettings([], {}, ROOT, accounts);
    const loaded = loadService("/nonexistent/web", "web", defaults);
    expect(loaded).toMatchObject({ spec: null, problems: [{ severity: "error", service: "web" }] });
  });
});

describe("the files beside run", () => {
  test("check, finish and down are taken up", () => {
    const { spec, home, problems } = load({ run: SH, check: SH, finish: SH, down: "" });
    expect(spec).toMatchObject({ check: `${home}/check`, finish: `${home}/finish`, down: true });
    expect(problems).toEqual([]);
  });

  test("a check or finish that cannot run is left out, with a warning, and the service runs", () => {
    const loaded = load({ run: SH, check: { text: SH, mode: 0o644 }, finish: "#!/bin/sh\r\n" });
    expect(loaded.spec).toMatchObject({ check: null, finish: null });
    expect(texts(loaded)).toEqual([
      expect.stringMatching(/^warning: check is not executable; chmod \+x/),
      expect.stringMatching(/^warning: cannot use finish: .*CRLF/),
    ]);
  });

  test("env/ follows envdir: first line, blanks cut, NUL is a newline, empty removes, dots are passed over", () => {
    const { spec, problems } = load({
      run: SH,
      "env/A": "one \t\nrest",
      "env/B": "x\0y\0",
      "env/C": "",
      "env/D": "\n",
      "env/.hidden": "no",
      "env/E": "no newline",
    });
    expect(problems).toEqual([]);
    expect(spec?.env).toEqual({ A: "one", B: "x\ny\n", C: null, D: "", E: "no newline" });
  });

  test.each<[string, Tree, string]>([
    ["is not UTF-8", { "env/A": Buffer.from([0xff, 0x0a]) }, "not UTF-8"],
    ["is longer than the kernel takes", { "env/A": "x".repeat(140_000) }, "128 KB"],
    ["is a directory", { "env/A": {} }, "it is a directory"],
    ["has = in its name", { "env/A=B": "x" }, "cannot hold ="],
  ])("a variable in env/ that %s is an error", (_, files, why) => {
    const loaded = load({ run: SH, ...files });
    expect(loaded.spec).toBeNull();
    expect(texts(loaded)).toEqual([expect.stringContaining(why)]);
  });

  test("service.ini outweighs env/, which outweighs the global file", () => {
    const { spec } = load(
      { run: SH, "env/B": "dir", "env/C": "dir", "service.ini": "env = C=ini" },
      { global: "env = A=global B=global C=global" },
    );
    expect(spec?.env).toEqual({ A: "global", B: "dir", C: "ini" });
  });
});

describe("log/run", () => {
  test("is a service of its own that reads the service's output", () => {
    const { spec, home, problems } = load({ run: SH, "log/run": SH, "log/service.ini": "stop-grace = 3s" });
    expect(problems).toEqual([]);
    expect(spec?.log).toBe("logger");
    expect(spec?.logger).toMatchObject({
      name: "web/log",
      home: `${home}/log`,
      dir: `${home}/log`,
      loggerOf: "web",
      log: "prefix",
      stopGrace: 3000,
      logger: null,
    });
  });

  test("takes up the global defaults of a process, not those of order and log", () => {
    const { spec } = load({ run: SH, "log/run": SH }, { global: "nice = 5\nafter = db\ncritical = yes\nlog = json" });
    expect(spec).toMatchObject({ log: "logger", after: ["db"], critical: true });
    expect(spec?.logger).toMatchObject({ nice: 5, after: [], critical: false, log: "prefix" });
  });

  test("a log of the service's own ini outweighs it, which is said", () => {
    const loaded = load({ run: SH, "log/run": SH, "service.ini": "log = json" });
    expect(loaded.spec).toMatchObject({ log: "json", logger: null });
    expect(texts(loaded)).toEqual(["warning: log/run is not started, because log is json"]);
  });

  test("makes the service wait while it is incomplete", () => {
    const loaded = load({ run: SH, "log/run": { text: SH, mode: 0o644 } });
    expect(loaded).toMatchObject({ spec: null, problems: [] });
    expect(loaded.incomplete).toMatch(/^log\/run is not executable; chmod \+x .*\/log\/run$/);
  });

  test("a log directory without run, or a file of that name, is none", () => {
    expect(load({ run: SH, "log/current": "lines" }).spec).toMatchObject({ log: "prefix", logger: null });
    expect(load({ run: SH, log: "lines" }).spec).toMatchObject({ log: "prefix", logger: null });
  });

  test("a fault of the logger refuses the service", () => {
    const loaded = load({ run: SH, "log/run": "#!/none\n" });
    expect(loaded.spec).toBeNull();
    expect(texts(loaded)).toEqual([expect.stringContaining("cannot use log/run")]);
  });
});

describe("user", () => {
  const user = (text: string, own = ROOT) => load({ run: SH, "service.ini": text }, { own });

  test("gives ids, groups and the variables that follow", () => {
    expect(user("user = app").spec).toMatchObject({
      identity: { uid: 1000, gid: 1001, groups: [1001, 4, 5], name: "app", home: "/home/app", shell: "/bin/zsh" },
      env: { HOME: "/home/app", USER: "app", LOGNAME: "app", SHELL: "/bin/zsh" },
    });
  });

  test("env has the last word on those variables", () => {
    expect(user("user = app\nenv = HOME=/srv").spec?.env).toMatchObject({ HOME: "/srv", USER: "app" });
  });

  test("a number without an entry has its own group and nobody's home", () => {
    expect(user("user = 12345").spec).toMatchObject({
      identity: { uid: 12345, gid: 12345, groups: [12345], name: null, home: null },
      env: { HOME: null, USER: null, LOGNAME: null, SHELL: null },
    });
  });

  test.each([
    ["user = app:log", 4, [4, 5]],
    ["user = 1000:7", 7, [7, 4, 5]],
    ["user = app\ngroup = ssl", 5, [5, 4]],
    ["user = app\ngroups = log", 1001, [1001, 4]],
    ["user = app\ngroups =", 1001, [1001]],
  ])("%j has gid %i and groups %j", (text, gid, groups) => {
    expect(user(text).spec?.identity).toMatchObject({ uid: 1000, gid, groups });
  });

  test("our own identity needs no right, and is no change", () => {
    const own = { uid: 1000, gid: 1001, groups: [1001] };
    expect(user("user = app", own).spec).toMatchObject({ identity: null, env: { HOME: "/home/app" } });
  });

  test.each([
    ["user = root", "cannot run as root: upkeep itself runs as uid 1000"],
    ["group = log", "cannot run with gid 4: "],
    ["groups = ssl", "cannot change groups: "],
  ])("%j without root is an error of that service", (text, why) => {
    const loaded = user(text, { uid: 1000, gid: 1001, groups: [1001] });
    expect(loaded.spec).toBeNull();
    expect(texts(loaded)).toEqual([expect.stringContaining(why)]);
  });
});

test("no global default makes a service wait for itself", () => {
  expect(load({ run: SH }, { global: "after = web db" }).spec?.after).toEqual(["db"]);
});
