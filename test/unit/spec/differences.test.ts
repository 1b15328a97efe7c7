import { expect, test } from "vitest";
import { loadService } from "../../../src/config/load.ts";
import { loadSettings } from "../../../src/config/settings.ts";
import { differences, globalDifferences } from "../../../src/spec/differences.ts";
import type { ServiceSpec } from "../../../src/spec/spec.ts";
import { tree } from "../../helpers/tree.ts";

const SH = "#!/bin/sh\n";
const { spec: one } = loadService(
  tree({ run: SH, "log/run": SH }),
  "web",
  loadSettings([], {}, { uid: 0, gid: 0, groups: [0] }).defaults,
);
if (one === null) throw new Error("the fixture is refused");
const base: ServiceSpec = one;
const logger = base.logger;
const piped: ServiceSpec = { ...base, log: "prefix", logger: null };

test("the same definition from another line is the same", () => {
  const other = { ...base, env: { ...base.env }, source: { command: "elsewhere:3" } };
  expect(differences(base, other)).toEqual({ keys: [], needsRestart: false });
});

test.each<[Partial<ServiceSpec>, string, boolean]>([
  [{ command: ["/bin/true"] }, "command", true],
  [{ env: { A: "1" } }, "env", true],
  [{ env: { A: null } }, "env", true],
  [{ limits: { core: { soft: 0, hard: 0 } } }, "limits", true],
  [{ umask: 0o77 }, "umask", true],
  [{ identity: { uid: 1, gid: 1, groups: [1], name: null, home: null, shell: null } }, "user", true],
  [{ notifyFd: 3 }, "notify-fd", true],
  [{ log: "inherit" }, "log", true],
  [{ log: "json" }, "log", false],
  [{ restart: "never" }, "restart", false],
  [{ restartDelay: 1 }, "restart-delay", false],
  [{ stopGrace: 1 }, "stop-grace", false],
  [{ settle: 1 }, "settle", false],
  [{ giveUp: { count: 1, within: 1 } }, "give-up", false],
  [{ critical: true }, "critical", false],
  [{ after: ["x"] }, "after", false],
  [{ requires: ["x"] }, "requires", false],
  [{ check: "/x" }, "check", false],
  [{ finish: "/x" }, "finish", false],
  [{ down: true }, "down", false],
])("%j is told as %s; a restart is needed: %s", (change, key, needsRestart) => {
  expect(differences(piped, { ...piped, ...change })).toEqual({ keys: [key], needsRestart });
});

test("a change within the logger is told, and restarts the logger alone", () => {
  if (logger === null) throw new Error("the fixture has no logger");
  const changed = { ...base, logger: { ...logger, nice: 5 } };
  expect(differences(base, changed)).toEqual({ keys: ["log/run"], needsRestart: false });
  expect(differences(logger, changed.logger)).toEqual({ keys: ["nice"], needsRestart: true });
});

test("a logger that comes or goes restarts the service", () => {
  expect(differences(base, piped)).toEqual({ keys: ["log", "log/run"], needsRestart: true });
});

test("every field of a spec is looked at", () => {
  const skipped = new Set(["name", "source", "loggerOf", "foreground", "fixed"]);
  for (const field of Object.keys(base).filter((name) => !skipped.has(name))) {
    expect(differences(base, { ...base, [field]: Symbol(field) } as unknown as ServiceSpec).keys, field).toHaveLength(
      1,
    );
  }
});

test("of the global keys, those of the start alone are told apart from those in force", () => {
  const atStart = loadSettings([], {}, { uid: 0, gid: 0, groups: [0] }).settings;
  expect(globalDifferences(atStart, atStart, { ...atStart })).toEqual({ keys: [], late: [] });
  const next = {
    ...atStart,
    logLevel: "warn",
    forward: { 28: "web" },
    runtimeDir: "/run/other",
    stopOn: [10],
  } as const;
  expect(globalDifferences(atStart, atStart, next)).toEqual({
    keys: ["stop-on", "forward", "log-level"],
    late: ["runtime-dir"],
  });
  expect(globalDifferences(atStart, next, next)).toMatchObject({ keys: [] });
});
