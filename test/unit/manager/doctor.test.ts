import { expect, test } from "vitest";
import { createDoctor } from "../../../src/manager/doctor.ts";
import type { Runner } from "../../../src/manager/runner.ts";
import { fakeClock } from "../log/fakes.ts";
import { anywhere } from "./house.ts";

/** No process has so high a pid. */
const GONE = 2 ** 22 + 1;

test.each([
  ["perl", "left perl (pid"],
  // It was the script of the service, for all that is known.
  ["run", "left a process (pid"],
  ["dash", "left a process (pid"],
  ["cron", "left cron (pid"],
])("what was left behind by the name %s, and has gone when it is looked at: %s", (comm, words) => {
  const said: string[] = [];
  const doctor = createDoctor({
    clock: fakeClock(),
    leftovers: {} as never,
    reach: anywhere,
    say: (_level, text) => void said.push(text),
    changed() {},
  });
  const state = { phase: "finishing", want: "up", last: { exit: { code: 0 } } };
  const runner = { name: "app", spec: { type: "daemon" }, state } as unknown as Runner;
  const process = { pid: GONE, ppid: 1, session: GONE, start: "1", isOver: false, comm };
  doctor.saw(runner, [{ process, owner: 1 }]);
  expect(said.map((text) => text.includes(`ended with exit 0 and ${words} ${GONE}) in the background; `))).toEqual([
    true,
  ]);
});
