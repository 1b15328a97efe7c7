import { describe, expect, test } from "vitest";
import { checkSet } from "../../../src/config/check-set.ts";
import { byPlace, lint } from "../../../src/config/lint.ts";
import { loadService } from "../../../src/config/load.ts";
import { loadSettings } from "../../../src/config/settings.ts";
import type { ServiceSpec } from "../../../src/spec/spec.ts";
import { tree } from "../../helpers/tree.ts";

const OWN = { uid: 0, gid: 0, groups: [0] };
const { defaults } = loadSettings([], {}, OWN);

function specs(inis: Readonly<Record<string, string>>): Map<string, ServiceSpec> {
  const dir = tree(
    Object.fromEntries(Object.entries(inis).map(([name, text]) => [`${name}/service.ini`, `command = x\n${text}`])),
  );
  return new Map(
    Object.keys(inis).map((name) => {
      const { spec } = loadService(`${dir}/${name}`, name, defaults);
      if (spec === null) throw new Error(`the fixture ${name} is refused`);
      return [name, spec];
    }),
  );
}

describe("the set as a whole", () => {
  test("a service that requires an unknown one is refused, with a hint; unknown in after or wants is a warning", () => {
    const set = specs({ db: "", web: "requires = bd\nafter = ghost\nwants = spook" });
    expect(checkSet(set, 9000)).toEqual([
      {
        severity: "error",
        service: "web",
        where: expect.stringMatching(/service\.ini:2$/),
        text: expect.stringContaining("did you mean db?"),
      },
      expect.objectContaining({ severity: "warning", where: expect.stringMatching(/service\.ini:3$/) }),
      expect.objectContaining({ severity: "warning", where: expect.stringMatching(/service\.ini:4$/) }),
    ]);
  });

  test("a name that exists without a spec is not unknown", () => {
    expect(checkSet(specs({ web: "requires = half" }), 9000, new Set(["half"]))).toEqual([]);
  });

  test("each member of a cycle is refused, told with the path from itself; others are not", () => {
    const problems = checkSet(specs({ a: "requires = b", b: "after = a", c: "requires = a" }), 9000);
    expect(problems.map(({ severity, service }) => [severity, service]).sort()).toEqual([
      ["error", "a"],
      ["error", "b"],
    ]);
    expect(problems.find(({ service }) => service === "a")?.text).toContain("a -> b -> a");
    expect(problems.find(({ service }) => service === "b")).toMatchObject({
      where: expect.stringMatching(/b\/service\.ini:2$/),
      text: expect.stringContaining("b -> a -> b"),
    });
  });

  test("a cycle of a thousand refuses a thousand, each in one line that can be read", () => {
    const set = specs({ s: "" });
    const one = set.get("s");
    if (one === undefined) throw new Error("no fixture");
    const ring = new Map(
      Array.from({ length: 1000 }, (_, i) => [`s${i}`, { ...one, name: `s${i}`, requires: [`s${(i + 1) % 1000}`] }]),
    );
    const problems = checkSet(ring, 9000);
    expect(new Set(problems.map((problem) => problem.service)).size).toBe(1000);
    expect(Math.max(...problems.map((problem) => problem.text.length))).toBeLessThan(300);
  });

  test("a grace over the budget is a warning where it is set; a short budget is one warning", () => {
    const set = specs({ a: "stop-grace = 20s", b: "", c: "" });
    expect(checkSet(set, 9000)).toMatchObject([{ severity: "warning", service: "a" }]);
    const [own, ...rest] = checkSet(set, 2000);
    expect(own).toMatchObject({ service: "a" });
    expect(rest).toHaveLength(1);
    expect(rest[0]?.text).toContain("2 services");
  });

  test("a grace that is set for all is told once, at its line", () => {
    const set = specs({ a: "", b: "" });
    const source = { "stop-grace": "/etc/upkeep.ini:3" };
    const all = new Map([...set].map(([name, spec]) => [name, { ...spec, stopGrace: 20_000, source }]));
    expect(checkSet(all, 9000)).toMatchObject([{ severity: "warning", where: "/etc/upkeep.ini:3" }]);
  });
});

describe("lint", () => {
  const run = "#!/bin/sh\n";

  test("reads everything and sorts what it finds by file and line", () => {
    const dir = tree({
      "etc/upkeep.ini": "\nlog-level = loud\n",
      "etc/web/run": run,
      "etc/web/service.ini": `${"\n".repeat(9)}nice = x\n[oops]\n`,
      "etc/app/run": { text: run, mode: 0o644 },
      "etc/fine/run": run,
      "etc/fine/service.ini": "requires = web\n",
    });
    const { problems, services } = lint(`${dir}/etc`, [{ path: `${dir}/etc/upkeep.ini`, required: true }], {}, OWN);
    expect(services).toBe(3);
    expect(problems.map(({ severity, where }) => `${severity} ${where.slice(dir.length)}`)).toEqual([
      "error /etc/app",
      "error /etc/upkeep.ini:2",
      "error /etc/web/service.ini:10",
      "warning /etc/web/service.ini:11",
    ]);
  });

  test("a clean directory has no problems", () => {
    expect(lint(tree({ "web/run": run }), [], {}, OWN)).toEqual({ problems: [], services: 1 });
  });

  test("a directory that is not there is one problem", () => {
    expect(lint("/nonexistent", [], {}, OWN)).toMatchObject({ problems: [{ where: "/nonexistent" }], services: 0 });
  });

  test("line 9 comes before line 10", () => {
    const at = (where: string) => ({ severity: "error", where, text: "" }) as const;
    expect([at("b:1"), at("a:10"), at("a:9"), at("a")].sort(byPlace).map(({ where }) => where)).toEqual([
      "a",
      "a:9",
      "a:10",
      "b:1",
    ]);
  });
});
