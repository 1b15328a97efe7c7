import { describe, expect, test } from "vitest";
import { cycleText, type Ordered, startOrder, stopLevels } from "../../../src/spec/order.ts";

/** `web: db cache` is a service that requires two others. */
function services(...lines: readonly string[]): Ordered[] {
  return lines.map((line) => {
    const [name = "", names = ""] = line.split(":");
    return { name, requires: names.split(" ").filter((each) => each !== ""), after: [], wants: [] };
  });
}

describe("levels", () => {
  test("put each service after all that it waits for, and everything else at once", () => {
    const { levels, cycles, unknown } = startOrder(services("web: db cache", "db:", "cron:", "cache: db"));
    expect(levels).toEqual([["db", "cron"], ["cache"], ["web"]]);
    expect({ cycles, unknown }).toEqual({ cycles: [], unknown: [] });
    expect(stopLevels(levels)).toEqual([["web"], ["cache"], ["db", "cron"]]);
  });

  test("after, requires and wants all order", () => {
    const none = { after: [], requires: [], wants: [] };
    const set = [
      { ...none, name: "a" },
      { ...none, name: "b", after: ["a"] },
      { ...none, name: "c", requires: ["b"] },
      { ...none, name: "d", wants: ["c"] },
    ];
    expect(startOrder(set).levels).toEqual([["a"], ["b"], ["c"], ["d"]]);
  });

  test("unknown names are told and wait for nothing", () => {
    const { levels, unknown } = startOrder(services("web: bd"));
    expect(levels).toEqual([["web"]]);
    expect(unknown).toEqual([{ service: "web", key: "requires", name: "bd" }]);
  });

  test("names such as __proto__ and constructor are names", () => {
    expect(startOrder(services("constructor: __proto__", "__proto__:")).levels).toEqual([
      ["__proto__"],
      ["constructor"],
    ]);
  });
});

describe("cycles", () => {
  test("are told by their path and take none but their members out", () => {
    const { levels, cycles } = startOrder(services("a: b", "b: a", "c: a", "d:"));
    expect(cycles.map((cycle) => cycleText(cycle))).toEqual([expect.stringMatching(/^(a -> b -> a|b -> a -> b)$/)]);
    expect(cycleText(cycles[0] ?? [], "b")).toBe("b -> a -> b");
    expect(levels).toEqual([["c", "d"]]);
  });

  test("of one member are cycles", () => {
    expect(startOrder(services("a: a", "b:"))).toMatchObject({ cycles: [["a"]], levels: [["b"]] });
  });

  test("that hang together each have a path that exists, and every member is in one", () => {
    const set = services("a: b c", "b: a", "c: d", "d: a");
    const { cycles, levels } = startOrder(set);
    expect(new Set(cycles.flat())).toEqual(new Set(["a", "b", "c", "d"]));
    expect(levels).toEqual([]);
    for (const cycle of cycles) {
      for (const [i, name] of cycle.entries()) {
        expect(set.find((each) => each.name === name)?.requires).toContain(cycle[(i + 1) % cycle.length]);
      }
    }
  });

  test("of a thousand are found whole and told in short", () => {
    const ring = Array.from({ length: 1000 }, (_, i) => `s${i}: s${(i + 1) % 1000}`);
    const { cycles, levels } = startOrder(services(...ring));
    expect(cycles).toHaveLength(1);
    expect(cycles[0]).toHaveLength(1000);
    expect(levels).toEqual([]);
    expect(cycleText(cycles[0] ?? [], "s0")).toBe(
      "s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> (991 more) -> s997 -> s998 -> s999 -> s0",
    );
  });
});

test("a chain of a hundred thousand overflows nothing", () => {
  const chain = Array.from({ length: 100_000 }, (_, i) => `s${i}: s${i + 1}`);
  expect(startOrder(services(...chain)).levels).toHaveLength(100_000);
});

test("random sets: whatever is in a level waits for earlier levels only, and nobody is lost", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  for (let round = 0; round < 200; round++) {
    const size = 1 + random(12);
    const set = services(
      ...Array.from(
        { length: size },
        (_, i) => `s${i}: ${Array.from({ length: random(3) }, () => `s${random(size)}`).join(" ")}`,
      ),
    );
    const { levels, cycles } = startOrder(set);
    const inCycle = new Set(cycles.flat());
    const place = new Map(levels.flatMap((level, index) => level.map((name) => [name, index] as const)));
    expect(place.size + inCycle.size).toBe(size);
    for (const { name, requires } of set) {
      if (inCycle.has(name)) continue;
      for (const other of requires) {
        if (!inCycle.has(other)) expect(place.get(other)).toBeLessThan(place.get(name) ?? -1);
      }
    }
  }
});
