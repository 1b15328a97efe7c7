import { describe, expect, test } from "vitest";
import { loadService } from "../../../src/config/load.ts";
import { loadSettings } from "../../../src/config/settings.ts";
import { accounts, load, ROOT, SH, texts } from "../../helpers/load.ts";
import { type Tree, tree } from "../../helpers/tree.ts";

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
