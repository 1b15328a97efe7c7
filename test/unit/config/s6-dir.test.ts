import { describe, expect, test } from "vitest";
import { loadService } from "../../../src/config/load.ts";
import { loadSettings } from "../../../src/config/settings.ts";
import { accounts, load, ROOT, SH, texts } from "../../helpers/load.ts";
import { type Tree, tree } from "../../helpers/tree.ts";

describe("a service directory of s6", () => {
  test("its files are keys, each with its file as the source", () => {
    const { spec, home, problems } = load({
      run: SH,
      "notification-fd": "4\n",
      "timeout-kill": "1500\n",
      "timeout-finish": "200",
      "timeout-up": "0",
      "down-signal": "sigint\n",
    });
    expect(problems).toEqual([]);
    expect(spec).toMatchObject({
      isS6: true,
      notifyFd: 4,
      stopGrace: 1500,
      finishTimeout: 200,
      startTimeout: Number.POSITIVE_INFINITY,
      stopSignal: 2,
    });
    expect(spec?.source).toMatchObject({
      "notify-fd": `${home}/notification-fd`,
      "stop-grace": `${home}/timeout-kill`,
      "finish-timeout": `${home}/timeout-finish`,
      "stop-signal": `${home}/down-signal`,
    });
  });

  test("a timeout of 0 waits for ever, and finish has 5 s where nothing is said", () => {
    expect(load({ run: SH, "timeout-kill": "0" }).spec).toMatchObject({
      stopGrace: Number.POSITIVE_INFINITY,
      finishTimeout: 5000,
    });
    expect(load({ run: SH, "timeout-finish": "0" }).spec?.finishTimeout).toBe(Number.POSITIVE_INFINITY);
  });

  test("service.ini wins over each of them, and the global file over none", () => {
    const { spec } = load(
      { run: SH, "down-signal": "INT", "timeout-kill": "1000", "service.ini": "stop-signal = QUIT" },
      { global: "stop-grace = 3s" },
    );
    expect(spec).toMatchObject({ stopSignal: 3, stopGrace: 1000 });
  });

  test("run gets the service's name, and only there", () => {
    const s6 = load({ run: SH, "down-signal": "TERM" });
    expect(s6.spec?.command).toEqual([`${s6.home}/run`, "web"]);
    const runit = load({ run: SH, finish: SH });
    expect(runit.spec).toMatchObject({ isS6: false, command: [`${runit.home}/run`], finishTimeout: 30_000 });
  });

  test("a file by the name of something that every object has is none of it", () => {
    const { spec, problems } = load({ run: SH, "down-signal": "TERM", constructor: "x", toString: "y" });
    expect(spec).toMatchObject({ isS6: true });
    expect(problems).toEqual([]);
  });

  test("what upkeep does not do is a warning that says what does it", () => {
    const { spec, ...loaded } = load({ run: SH, "lock-fd": "5", nosetsid: "", "max-death-tally": "10" });
    expect(spec).not.toBeNull();
    expect(texts({ spec, ...loaded })).toEqual([
      expect.stringContaining("warning: lock-fd is not used"),
      expect.stringMatching(/^warning: max-death-tally is not used: .*give-up/),
      expect.stringContaining("warning: nosetsid is not used"),
    ]);
  });

  test.each<[string, Tree, string]>([
    ["a descriptor that is a standard stream", { "notification-fd": "1" }, "cannot use notification-fd"],
    ["a descriptor that is none", { "notification-fd": "three" }, "cannot use notification-fd"],
    ["a time with a unit", { "timeout-kill": "5s" }, "not a number of milliseconds like 5000"],
    ["a signal that is none", { "down-signal": "SIGNONE" }, "not a signal like TERM"],
    ["a directory for a number", { "timeout-kill": {} }, "it is a directory"],
    ["a dependency that can be no name", { dependencies: "a b\n" }, 'cannot use "a b" as the name of a service'],
  ])("%s is an error that names the file", (_, files, why) => {
    const loaded = load({ run: SH, ...files });
    expect(loaded.spec).toBeNull();
    expect(texts(loaded)).toEqual([expect.stringContaining(why)]);
    expect(loaded.problems[0]?.where).toBe(`${loaded.home}/${Object.keys(files)[0]}`);
  });
});

describe("a definition of s6-rc", () => {
  test("dependencies, in a file and in a directory, are required", () => {
    const { spec } = load({
      run: SH,
      type: "longrun\n",
      dependencies: "db\n\n# a comment\ncache\n",
      "dependencies.d/db": "",
      "dependencies.d/net": "",
      "dependencies.d/base": "",
    });
    expect(spec).toMatchObject({ type: "service", requires: ["db", "cache", "net"] });
  });

  test("a oneshot runs up, and its down undoes it instead of keeping it down", () => {
    const { spec, problems } = load({
      type: "oneshot",
      up: "#!/bin/sh\necho up\n",
      down: "#!/bin/sh\necho down\n",
      "timeout-up": "9000",
      "timeout-down": "800",
    });
    expect(problems).toEqual([]);
    expect(spec).toMatchObject({ type: "oneshot", down: false, startTimeout: 9000, finishTimeout: 800, finish: null });
    expect(spec?.command).toEqual(["/bin/sh", `${spec?.home}/up`]);
    expect(spec?.undo).toEqual(["/bin/sh", `${spec?.home}/down`]);
  });

  test("a oneshot without up is incomplete", () => {
    expect(load({ type: "oneshot" }).incomplete).toMatch(/^there is no up yet/);
  });

  test("a bundle is done when what it contains is ready", () => {
    const { spec, problems } = load({ type: "bundle", "contents.d/app": "", "contents.d/db": "" });
    expect(problems).toEqual([]);
    expect(spec).toMatchObject({ type: "oneshot", command: ["true"], requires: ["app", "db"] });
  });

  test("a file type of somebody else is told and changes nothing", () => {
    const loaded = load({ run: SH, type: "mysql\n" });
    expect(loaded.spec).toMatchObject({ type: "service", isS6: false });
    expect(texts(loaded)).toEqual(['warning: type "mysql" is not used: not one of longrun, oneshot, bundle']);
  });
});

describe("a pipeline of s6-rc", () => {
  /** A directory of service directories. */
  const services = (files: Tree): string => tree(files);
  const at = (root: string, name: string) => {
    const { defaults } = loadSettings([], {}, ROOT, accounts);
    return loadService(`${root}/${name}`, name, defaults);
  };
  const pair: Tree = {
    "web/type": "longrun",
    "web/run": SH,
    "web/producer-for": "web-log\n",
    "web-log/type": "longrun",
    "web-log/run": SH,
    "web-log/consumer-for": "web\n",
    "web-log/pipeline-name": "web-pipeline\n",
    "web-log/notification-fd": "3",
  };

  test("is a service and its logger, and the logger is no service of its own", () => {
    const root = services(pair);
    const { spec, problems } = at(root, "web");
    expect(problems).toEqual([]);
    expect(spec?.logger).toMatchObject({ name: "web/log", home: `${root}/web-log`, loggerOf: "web", notifyFd: 3 });
    expect(spec?.log).toBe("logger");
    expect(at(root, "web-log")).toEqual({ spec: null, incomplete: null, problems: [], producer: "web" });
  });

  test("is known to others by its producer, whichever of its names they use", () => {
    const root = services({
      ...pair,
      "user/type": "bundle",
      "user/contents.d/web-pipeline": "",
      "user/contents.d/web-log": "",
      "user/contents.d/db": "",
    });
    expect(at(root, "user").spec?.requires).toEqual(["db", "web"]);
  });

  test("whose producer depends on its consumer does not wait for itself", () => {
    const root = services({ ...pair, "web/dependencies.d/web-log": "" });
    expect(at(root, "web").spec?.requires).toEqual([]);
  });

  test("whose consumer is not there yet is incomplete", () => {
    const root = services({ "web/run": SH, "web/producer-for": "web-log" });
    expect(at(root, "web").incomplete).toMatch(/^there is no web-log yet/);
  });

  test.each<[string, Tree, string]>([
    ["of three", { "x/run": SH, "x/producer-for": "y", "x/consumer-for": "w" }, "one service and one logger"],
    ["with two producers", { "x/run": SH, "x/consumer-for": "a\nb\n" }, "a logger here has one"],
    [
      "whose consumer knows nothing of it",
      { "x/run": SH, "x/producer-for": "y", "y/run": SH },
      "y has no consumer-for that names x",
    ],
    [
      "whose producer knows nothing of it",
      { "x/run": SH, "x/consumer-for": "y" },
      "y has no producer-for that names x",
    ],
    ["with a name that is none", { "x/run": SH, "x/producer-for": "../y" }, 'cannot use "../y"'],
  ])("%s is refused in a sentence", (_, files, why) => {
    const loaded = at(services(files), "x");
    expect(loaded.spec).toBeNull();
    expect(texts(loaded)).toEqual([expect.stringContaining(why)]);
  });
});
