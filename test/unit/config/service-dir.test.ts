import { describe, expect, test } from "vitest";
import { load, SH, texts } from "../../helpers/load.ts";
import type { Tree } from "../../helpers/tree.ts";

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

  test("env/ follows chpst -e: first line, blanks cut, NUL is a newline, empty removes, dots are passed over", () => {
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
    ["has = in its name", { "env/A=B": "x" }, "cannot hold ="],
  ])("a variable in env/ that %s is an error", (_, files, why) => {
    const loaded = load({ run: SH, ...files });
    expect(loaded.spec).toBeNull();
    expect(texts(loaded)).toEqual([expect.stringContaining(why)]);
  });

  test("a directory in env/ is passed over, which is told", () => {
    const loaded = load({ run: SH, "env/A": "1", "env/sub/B": "2" });
    expect(loaded.spec?.env).toEqual({ A: "1" });
    expect(texts(loaded)).toEqual(["warning: passed over: it is a directory, not a file with a variable"]);
  });

  test("service.ini outweighs env/, which outweighs the global file", () => {
    const { spec } = load(
      { run: SH, "env/B": "dir", "env/C": "dir", "service.ini": "env = C=ini" },
      { global: "env = A=global B=global C=global" },
    );
    expect(spec?.env).toEqual({ A: "global", B: "dir", C: "ini" });
  });
});
