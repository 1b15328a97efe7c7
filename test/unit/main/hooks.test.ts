import { describe, expect, test } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
import type { Exit } from "../../../src/base/exit.ts";
import { createHooks } from "../../../src/main/hooks.ts";

/** Hooks `a` and `b`, each of which ends when the test says so; what happened is told as words. */
function scene() {
  const words: string[] = [];
  let now = 0;
  let alarm: { readonly at: number; readonly ring: () => void } | null = null;
  let end: (exit: Exit | null) => void = () => {};
  const clock = {
    now: () => now,
    at(at: number, ring: () => void) {
      alarm = { at, ring };
      return () => {
        alarm = null;
      };
    },
  } as Clock;
  const hooks = createHooks({
    clock,
    files: () => ["a", "b"],
    run(path, done) {
      words.push(`run ${path}`);
      end = done;
      return () => words.push(`kill ${path}`);
    },
    say: () => {},
    begun: (path) => words.push(`begun ${path}`),
    failed: (code) => words.push(`failed ${code}`),
  });
  return {
    words,
    begin: () => hooks.begin(100, () => words.push("done")),
    hurry: hooks.hurry,
    end: (exit: Exit | null) => end(exit),
    ring() {
      now = alarm?.at ?? now;
      alarm?.ring();
    },
    isArmed: () => alarm !== null,
  };
}

describe("hooks", () => {
  test("run one after the other, each remembered before it runs", () => {
    const { words, begin, end, isArmed } = scene();
    begin();
    end({ code: 0 });
    end({ code: 0 });
    expect(words).toEqual(["begun a", "run a", "begun b", "run b", "done"]);
    expect(isArmed()).toBe(false);
  });

  test("go on after a failure, which is told", () => {
    const { words, begin, end } = scene();
    begin();
    end({ code: 3 });
    end(null);
    expect(words.filter((word) => !word.startsWith("begun"))).toEqual([
      "run a",
      "failed 3",
      "run b",
      "failed 1",
      "done",
    ]);
  });

  test("whose time is over are killed, the rest is not run, and it is done once", () => {
    const { words, begin, end, ring, hurry } = scene();
    begin();
    ring();
    hurry();
    end({ signal: 9 });
    expect(words).toEqual(["begun a", "run a", "kill a", "failed 1", "done"]);
  });
});
