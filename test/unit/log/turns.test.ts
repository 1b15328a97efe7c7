import { describe, expect, test } from "vitest";
import { createTurns } from "../../../src/log/turns.ts";
import { fakeClock, fakeLoop } from "./fakes.ts";

describe("turns", () => {
  test("a round that takes more than 5 ms is interrupted, and goes on where it stopped", () => {
    const clock = fakeClock();
    const loop = fakeLoop();
    const seen: string[] = [];
    const turns = createTurns<string>(
      (item) => {
        seen.push(item);
        clock.advance(3);
        if (item === "a") turns.soon("later than all");
      },
      { clock, soon: loop.soon },
    );
    for (const item of ["a", "b", "c"]) turns.soon(item);
    loop.turn();
    expect(seen).toEqual(["a", "b"]);
    loop.run();
    expect(seen).toEqual(["a", "b", "c", "later than all"]);
  });

  test("one who throws does not take the turns of the others", () => {
    const loop = fakeLoop();
    const seen: string[] = [];
    const turns = createTurns<string>(
      (item) => {
        if (item === "bad") throw new Error("bad");
        seen.push(item);
      },
      { clock: fakeClock(), soon: loop.soon },
    );
    for (const item of ["bad", "good"]) turns.soon(item);
    expect(() => loop.turn()).toThrow("bad");
    loop.run();
    turns.soon("next");
    loop.run();
    expect(seen).toEqual(["good", "next"]);
  });

  test("all who wait share one timer, and none runs while nobody waits", () => {
    const clock = fakeClock();
    const loop = fakeLoop();
    const seen: string[] = [];
    const turns = createTurns<string>((item) => seen.push(item), { clock, soon: loop.soon });
    turns.later("a");
    clock.advance(4);
    turns.later("b");
    expect(clock.count()).toBe(1);
    clock.advance(6);
    loop.run();
    expect([seen, clock.count()]).toEqual([["a", "b"], 0]);
  });
});
