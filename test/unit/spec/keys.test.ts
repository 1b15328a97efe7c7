import { expect, test } from "vitest";
import { globalKeys, type Key, serviceDefaults, serviceKeys } from "../../../src/spec/keys.ts";

const all: readonly Key<unknown>[] = [...Object.values(serviceKeys), ...Object.values(globalKeys)];

test.each(all.map((key) => [key.spelling, key] as const))(
  "%s has an example that is accepted and one sentence",
  (_, key) => {
    expect(key.kind.parse(key.example)).toMatchObject({ ok: true });
    expect(key.doc).toMatch(/^[A-Z].*\.$/);
    expect(key.default !== null || key.defaultText !== undefined).toBe(true);
  },
);

test("no two keys are spelled alike, and no alias hides a key", () => {
  const spellings = all.map((key) => key.spelling);
  expect(new Set(spellings).size).toBe(spellings.length);
  expect(all.flatMap((key) => key.alias ?? []).filter((alias) => spellings.includes(alias))).toEqual([]);
});

test("defaults cannot be changed by accident", () => {
  expect(Object.isFrozen(serviceDefaults)).toBe(true);
});
