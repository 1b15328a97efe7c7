import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { loadService } from "../../../src/config/load.ts";
import { loadSettings } from "../../../src/config/settings.ts";
import { accounts, load, ROOT, SH, texts } from "../../helpers/load.ts";
import { tree } from "../../helpers/tree.ts";

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
    ["limits = memory=9:4", "above the hard"],
    ["limits = nofile=9:inherit", "nor unlimited or inherited"],
    ["limits = nofile=inherited:9", "nor unlimited"],
    ["close = stdin fd3", "not one of stdin, stdout, stderr"],
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

test("a file of another program gets some warnings, not thousands", () => {
  const loaded = load({ run: SH, "service.ini": Array.from({ length: 3000 }, (_, i) => `key${i} = 1`).join("\n") });
  expect(loaded.spec).not.toBeNull();
  expect(loaded.problems).toHaveLength(21);
  expect(texts(loaded).at(-1)).toBe("warning: 2980 more unknown keys from here on");
});

test("a fifo in its place is refused and waits for nobody", () => {
  const root = tree({ "web/run": SH });
  execFileSync("mkfifo", [`${root}/web/service.ini`]);
  const { defaults } = loadSettings([], {}, ROOT, accounts);
  const loaded = loadService(`${root}/web`, "web", defaults);
  expect(loaded).toMatchObject({ spec: null, problems: [{ text: expect.stringContaining("not a regular file") }] });
});

test("a hard limit that is inherited, and the word for all that bounds memory", () => {
  const file = "limits = data=1MB:inherited memory=unlimited memlock=5\n[limits]\nrss = 2K:3K\n";
  const kept = { soft: null, hard: "inherited" };
  expect(load({ run: SH, "service.ini": file }).spec?.limits).toEqual({
    data: kept,
    stack: kept,
    as: kept,
    memlock: { soft: 5, hard: 5 },
    rss: { soft: 2048, hard: 3072 },
  });
  expect(load({ run: SH, "service.ini": "limits = memory=1M:2M" }).spec?.limits.as).toEqual({
    soft: 1_048_576,
    hard: 2_097_152,
  });
});
