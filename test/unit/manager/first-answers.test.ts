// Starts that wait until it is known whether somebody else supervises their directory.
import { expect, test } from "vitest";
import type { Core } from "../../../src/channel/core.ts";
import { createFirstAnswers } from "../../../src/manager/first-answers.ts";
import type { Runner } from "../../../src/manager/runner.ts";
import type { Entry } from "../../../src/manager/supervise-entry.ts";
import { fakeClock } from "../log/fakes.ts";

function stage() {
  const clock = fakeClock();
  const did: string[] = [];
  const first = createFirstAnswers(clock, { hasten() {} } as unknown as Core);
  const runner = (number: number) => {
    const state = { phase: "starting" };
    return { number, state, send: (event: { type: string }) => did.push(event.type) } as unknown as Runner;
  };
  const asked = (number: number, mayHang: boolean) => {
    const entry = { runner: runner(number), mayRun: false } as unknown as Entry;
    first.asked(entry, mayHang);
    return entry;
  };
  const start = ({ runner: one }: Entry) => first.defers(one, 1, () => did.push(`start ${one.number}`));
  let areAll = false;
  const all = async () => {
    void first.all().then(() => {
      areAll = true;
    });
    await Promise.resolve();
    return areAll;
  };
  return { clock, did, first, asked, start, all };
}

test("a start waits only where the answer may stay away, and goes on with the answer", () => {
  const { did, first, asked, start } = stage();
  expect(start(asked(1, false))).toBe(false);
  const entry = asked(2, true);
  expect(start(entry)).toBe(true);
  expect(did).toEqual([]);
  first.came(2);
  expect(did).toEqual(["start 2"]);
  expect(entry.mayRun).toBe(false);
  // From then on nothing waits.
  expect(start(entry)).toBe(false);
});

test("it waits a second and no longer; then it may run before anybody knows", () => {
  const { clock, did, first, asked, start } = stage();
  const entry = asked(2, true);
  start(entry);
  clock.advance(999);
  expect(did).toEqual([]);
  clock.advance(1);
  expect(did).toEqual(["start 2"]);
  expect(entry.mayRun).toBe(true);
  first.came(2);
  expect(did).toEqual(["start 2"]);
});

test("what is stopped meanwhile never begins; what is forgotten is not started either", () => {
  const { did, first, asked, start } = stage();
  const [stopped, forgotten] = [asked(1, true), asked(2, true)];
  start(stopped);
  start(forgotten);
  Object.assign(stopped.runner.state, { phase: "stopping" });
  first.came(1);
  first.forget(2);
  first.came(2);
  expect(did).toEqual(["unspawned"]);
});

test("all are answered once each has its answer, or has had a moment for it", async () => {
  const { clock, first, asked, all } = stage();
  expect(await stage().all()).toBe(true);
  asked(1, false);
  asked(2, true);
  expect(await all()).toBe(false);
  clock.advance(200);
  expect(await all()).toBe(false);
  first.came(1);
  expect(await all()).toBe(true);
});
