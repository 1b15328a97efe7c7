import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { lastLink, realPath, wayTo } from "../../../src/manager/way.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "upkeep-way-")));
afterAll(() => rmSync(root, { recursive: true }));
mkdirSync(join(root, "runit/default/web"), { recursive: true });
symlinkSync("default", join(root, "runit/current"));
symlinkSync("runit/current", join(root, "service"));
symlinkSync(join(root, "service"), join(root, "absolute"));
symlinkSync("nowhere", join(root, "dangling"));
symlinkSync("loop", join(root, "loop"));

const shown = (path: string) =>
  wayTo(join(root, path)).map(({ dir, name, isLink }) => `${dir.replace(root, "ROOT")} ${name}${isLink ? " ->" : ""}`);

const always = () => true;

describe("the way to a directory", () => {
  test("is its last entry where it has no links", () => {
    expect(shown("runit/default")).toEqual(["ROOT/runit default"]);
    expect(shown("runit/../runit/./default/")).toEqual(["ROOT/runit default"]);
  });

  test("is each link, whether it is relative, absolute or a link to a link, and where they lead", () => {
    const rest = ["ROOT/runit current ->", "ROOT/runit default"];
    expect(shown("service")).toEqual(["ROOT service ->", ...rest]);
    expect(shown("absolute")).toEqual(["ROOT absolute ->", "ROOT service ->", ...rest]);
    expect(shown("service/web")).toEqual(["ROOT service ->", "ROOT/runit current ->", "ROOT/runit/default web"]);
  });

  test("ends at the first entry that is missing", () => {
    expect(shown("dangling")).toEqual(["ROOT dangling ->", "ROOT nowhere"]);
    expect(shown("a/b/c")).toEqual(["ROOT a"]);
  });

  test("has an end in a loop, too", () => {
    expect(shown("loop").length).toBeLessThan(50);
    expect(new Set(shown("loop"))).toEqual(new Set(["ROOT loop ->"]));
  });

  test("tells the last link with its target as it is written", () => {
    expect(lastLink(join(root, "absolute"), always)).toMatchObject({
      dir: join(root, "runit"),
      name: "current",
      target: "default",
    });
    expect(lastLink(join(root, "runit/default"), always)).toBeNull();
    // What it leads to is not touched for that.
    expect(lastLink(join(root, "absolute"), (path) => !path.endsWith("/default"))).toMatchObject({ name: "current" });
  });

  test("has a real path, or itself where it leads nowhere", () => {
    expect(realPath(join(root, "service/web"))).toBe(join(root, "runit/default/web"));
    expect(realPath(join(root, "dangling"))).toBe(join(root, "dangling"));
  });
});
