import { expect, test } from "vitest";
import { createSilence } from "../../../src/manager/silence.ts";
import { fakeClock } from "../log/fakes.ts";

/** A directory that answers as `answers` says, each time once the test lets it. */
function directory() {
  const clock = fakeClock();
  const due: (() => void)[] = [];
  const returned: (() => void)[] = [];
  const warnings: string[] = [];
  const world = { answers: false, isSure: false, tries: 0 };
  const silence = createSilence({
    clock,
    reach: {
      isSure: () => world.isSure,
      isSureAt: () => world.isSure,
      ask: (_path, done) => void due.push(() => done(world.answers)),
      onReturn: (listener) => void returned.push(listener),
    },
    warn: (text) => warnings.push(text),
    again: () => world.tries++,
  });
  const returns = () => {
    for (const tell of returned) tell();
  };
  return { clock, due, warnings, world, silence, returns };
}

test("it is told of once, and tried again with pauses that grow", () => {
  const { clock, due, warnings, world, silence } = directory();
  for (const pause of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    const { tries } = world;
    expect(silence.answers("/web")).toBe(false);
    // While it is asked it is not asked again.
    expect(silence.answers("/web")).toBe(false);
    expect(due).toHaveLength(1);
    due.shift()?.();
    expect(silence.isSilent("/web")).toBe(true);
    clock.advance(pause - 1);
    expect(world.tries).toBe(tries);
    clock.advance(1);
    expect(world.tries).toBe(tries + 1);
  }
  expect(warnings).toEqual(["/web does not answer; what runs goes on as it was, and it is tried again"]);
});

test("once it answers it is looked at at once, and told of again when it falls silent again", () => {
  const { due, warnings, world, silence } = directory();
  silence.answers("/web");
  due.shift()?.();
  world.answers = true;
  silence.answers("/web");
  due.shift()?.();
  expect(world.tries).toBe(1);
  world.isSure = true;
  expect(silence.answers("/web")).toBe(true);
  expect(silence.isSilent("/web")).toBe(false);
  world.answers = world.isSure = false;
  silence.answers("/web");
  due.shift()?.();
  expect(warnings).toHaveLength(2);
});

test("what answers after all is looked at before its time; where nobody is silent that is no news", () => {
  const { due, world, silence, returns } = directory();
  returns();
  expect(world.tries).toBe(0);
  silence.answers("/web");
  due.shift()?.();
  returns();
  expect(world.tries).toBe(1);
  silence.close();
  returns();
  expect(world.tries).toBe(1);
});
