import { describe, expect, test } from "vitest";
import { load, SH, texts } from "../../helpers/load.ts";

describe("a directory with only a run script", () => {
  test("is a service with the documented defaults", () => {
    const { spec, incomplete, problems, home } = load({ run: SH });
    expect({ incomplete, problems }).toEqual({ incomplete: null, problems: [] });
    expect(spec).toEqual({
      name: "web",
      home,
      type: "service",
      command: [`${home}/run`],
      argv0: null,
      root: null,
      dir: home,
      identity: null,
      umask: null,
      nice: null,
      limits: {},
      lock: null,
      close: [],
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
      finishTimeout: 30_000,
      undo: null,
      isS6: false,
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
      logDir: null,
      logTimestamps: false,
      logLineMax: 65_536,
      down: false,
      logger: null,
      loggerOf: null,
      foreground: false,
      fixed: false,
      source: { command: `${home}/run` },
    });
    expect(Object.isFrozen(spec)).toBe(true);
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

test("no global default makes a service wait for itself", () => {
  expect(load({ run: SH }, { global: "after = web db" }).spec?.after).toEqual(["db"]);
});

test("more variables than can be handed to a process refuse the service, and only it", () => {
  const large = Object.fromEntries(Array.from({ length: 4 }, (_, index) => [`env/V${index}`, "x".repeat(100_000)]));
  const loaded = load({ run: SH, ...large });
  expect(loaded.spec).toBe(null);
  expect(texts(loaded)[0]).toContain("bytes of variables and arguments: over 393216");
  const many = Array.from({ length: 5000 }, (_, index) => `V${index} =`).join("\n");
  expect(texts(load({ run: SH, "service.ini": `[env]\n${many}\n` }))[0]).toContain("5001 variables and arguments");
});
