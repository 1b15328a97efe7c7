import { describe, expect, test } from "vitest";
import { systemAccounts } from "../../../src/config/passwd.ts";
import { loadSettings } from "../../../src/config/settings.ts";
import type { Voice } from "../../../src/log/voice.ts";
import { absence, codesOf, mannersOf, withManners } from "../../../src/main/manners.ts";
import { readWords } from "../../../src/main/words.ts";

const plain = () => loadSettings([], {}, { uid: 0, gid: 0, groups: [] }, systemAccounts);
const as = (name: string) => mannersOf({ as: name, dir: "/srv" });

describe("the core's words for runit's names", () => {
  test("are the name, the process that stands for it, and the directory, whatever that looks like", () => {
    expect(readWords(["--as", "runsvdir", "--face", "12", "--dir", "-x"])).toMatchObject({
      as: "runsvdir",
      face: 12,
      dir: "-x",
      only: null,
      unknown: null,
    });
  });

  test("are one entry of its parent for runsv", () => {
    expect(readWords(["--as", "runsv", "--dir", "/etc/sv/web/"])).toMatchObject({ scanDir: "/etc/sv", only: "web" });
  });
});

describe("the manners of a name", () => {
  test("are upkeep's own without one, and for one that nobody knows", () => {
    expect(as("toString")).toBe(as(""));
    const config = plain();
    expect(withManners(config, as(""))).toEqual(config);
  });

  test("of runit's programs inherit the streams and speak of what is wrong, unless the configuration says otherwise", () => {
    const { settings, defaults } = withManners(plain(), as("runsvdir"));
    expect([settings.logLevel, defaults.values.log]).toEqual(["warn", { kind: "inherit", dir: null }]);
    const config = plain();
    const told = {
      ...config,
      source: { "log-level": "x:1" },
      defaults: { ...config.defaults, values: { log: { kind: "json", dir: null } as const } },
    };
    const kept = withManners(told, as("runsvdir"));
    expect([kept.settings.logLevel, kept.defaults.values.log]).toEqual(["info", { kind: "json", dir: null }]);
  });

  test("of runsvdir make HUP a stop, and those of runsv none", () => {
    expect([codesOf(as("runsvdir")), codesOf(as("runsv"))]).toEqual([[1], []]);
    expect(as("runsvdir").stopCodes[1]).toBe(111);
  });

  test("of runsvdir tell of a missing directory in its words", () => {
    const said: string[] = [];
    const voice = { warn: (text: string) => said.push(text) } as unknown as Voice;
    for (const code of ["ENOENT", "ENOTDIR", "EMFILE"]) absence(as("runsvdir"), "$&", voice)?.(code);
    expect(said).toEqual([
      "unable to stat $&: file does not exist",
      "unable to change directory to $&: not a directory",
      "unable to open directory $&: EMFILE",
    ]);
    expect(absence(as("runsv"), "/srv", voice)).toBeNull();
  });
});
