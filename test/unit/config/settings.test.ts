import { describe, expect, test } from "vitest";
import { accountsFrom } from "../../../src/config/passwd.ts";
import { loadSettings, type SettingsEnv } from "../../../src/config/settings.ts";
import { tree } from "../../helpers/tree.ts";

const OWN = { uid: 0, gid: 0, groups: [0] };
const etc = tree({ passwd: "", group: "adm:x:4:\n" });
const accounts = accountsFrom(`${etc}/passwd`, `${etc}/group`);

function load(texts: readonly string[], env: SettingsEnv = {}) {
  const dir = tree(Object.fromEntries(texts.map((text, i) => [`${i}.ini`, text])));
  const files = texts.map((_, i) => ({ path: `${dir}/${i}.ini`, required: true }));
  return { dir, ...loadSettings(files, env, OWN, accounts) };
}

test("without files the documented defaults hold", () => {
  expect(load([])).toMatchObject({
    problems: [],
    settings: { stopBudget: 9000, stopOn: [], forward: {}, runtimeDir: null, logLevel: "info", controlGroup: null },
    defaults: { values: {}, own: OWN },
  });
});

test("every setting is read, in [upkeep] or before any section", () => {
  const { settings, problems } = load([
    "stop-budget = 25s\nstop-on = WINCH, USR1\nforward = WINCH:web USR2:app\n[upkeep]\nruntime-dir = /run/x/\nlog-level = warn\ncontrol-group = adm\n",
  ]);
  expect(problems).toEqual([]);
  expect(settings).toEqual({
    stopBudget: 25_000,
    stopOn: [28, 10],
    forward: { 28: "web", 12: "app" },
    runtimeDir: "/run/x",
    logLevel: "warn",
    controlGroup: 4,
  });
});

test("service keys are defaults for all, wherever they stand; variables and limits add up over files", () => {
  const { defaults, problems, dir } = load([
    "stop-grace = 3s\nenv = A=1 B=1\n[defaults]\nuser = app\n[env]\nB = 2\n[limits]\ncore = 0\n",
    "[defaults]\nstop-grace = 4s\nenv = C=3\nlimits = nofile=10\n",
  ]);
  expect(problems).toEqual([]);
  expect(defaults.values).toEqual({
    stopGrace: 4000,
    user: "app",
    env: { A: "1", B: "2", C: "3" },
    limits: { core: { soft: 0, hard: 0 }, nofile: { soft: 10, hard: 10 } },
  });
  expect(defaults.source).toMatchObject({ "stop-grace": `${dir}/1.ini:2`, user: `${dir}/0.ini:4` });
});

test("later files outweigh earlier ones, the environment all of them", () => {
  const texts = ["stop-budget = 1s\nruntime-dir = /a", "stop-budget = 2s"];
  expect(load(texts).settings).toMatchObject({ stopBudget: 2000, runtimeDir: "/a" });
  const env = { UPKEEP_STOP_BUDGET: "3s", UPKEEP_RUNTIME_DIR: "/b" };
  expect(load(texts, env).settings).toMatchObject({ stopBudget: 3000, runtimeDir: "/b" });
  expect(load(texts, { UPKEEP_STOP_BUDGET: "" }).settings.stopBudget).toBe(2000);
});

describe("a fault is told and the default holds", () => {
  test.each([
    ["stop-budget = soon", "not a duration"],
    ["stop-budget = never", "must come to an end"],
    ["stop-on = KILL", "nobody can catch"],
    ["forward = WINCH", "SIGNAL:SERVICE"],
    ["forward = WINSH:web", "not a signal"],
    ["runtime-dir = run", "begins with /"],
    ["log-level = loud", "not one of debug"],
    ["control-group = amd", "did you mean adm?"],
    ["stop-grace = x", "not a duration"],
    ["nice = 1\n[defaults]\nnice = 2", "twice"],
  ])("%j", (text, why) => {
    const { settings, problems, dir } = load([text]);
    expect(problems).toEqual([
      { severity: "error", where: expect.stringMatching(`^${dir}/0.ini:\\d`), text: expect.stringContaining(why) },
    ]);
    expect(settings).toEqual(load([]).settings);
  });

  test.each([
    ["stop-buget = 1", "did you mean stop-budget?"],
    ["[defalts]\nnice = 1", "did you mean defaults?"],
    ["[defaults]\nstop-budget = 1", "belongs before any section or to [upkeep]"],
    ["command = /bin/true", "belongs to one service"],
  ])("%j is a warning", (text, why) => {
    const { problems, defaults } = load([text]);
    expect(problems).toMatchObject([{ severity: "warning", text: expect.stringContaining(why) }]);
    expect(defaults.values.command).toBeUndefined();
  });

  test("a bad variable of the environment", () => {
    const { settings, problems } = load(["stop-budget = 4s"], { UPKEEP_STOP_BUDGET: "x" });
    expect(settings.stopBudget).toBe(4000);
    expect(problems).toMatchObject([{ severity: "error", where: "UPKEEP_STOP_BUDGET" }]);
  });
});

test("a missing file is an error only if it was asked for", () => {
  const missing = (required: boolean) =>
    loadSettings([{ path: "/nonexistent.ini", required }], {}, OWN, accounts).problems;
  expect(missing(false)).toEqual([]);
  expect(missing(true)).toMatchObject([{ severity: "error", where: "/nonexistent.ini" }]);
});
