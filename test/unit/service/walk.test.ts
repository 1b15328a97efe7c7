import { expect, test } from "vitest";
import { deadlineOf, step } from "../../../src/service/machine.ts";
import type { Cause, Event } from "../../../src/service/model.ts";
import type { ServiceSpec } from "../../../src/spec/spec.ts";
import { dice, Kernel } from "./kernel.ts";
import { kill, restart, service, start, stop, timeout } from "./support.ts";

const WALKS = 400;
const EVENTS = 200;

const pick = <T>(roll: () => number, ...choices: readonly [T, ...T[]]): T =>
  choices[Math.floor(roll() * choices.length)] ?? choices[0];

function anySpec(roll: () => number): ServiceSpec {
  const undo = pick(roll, null, null, null, ["./down"] as const);
  return service({
    type: undo === null ? pick(roll, "service", "service", "oneshot") : "oneshot",
    undo,
    startPre: pick(roll, null, ["./pre"]),
    finish: undo === null ? pick(roll, null, "./finish") : null,
    isS6: pick(roll, false, true),
    check: pick(roll, null, "./check"),
    notifyFd: pick(roll, null, 3),
    settle: pick(roll, 0, 1_000),
    startTimeout: pick(roll, 5_000, Number.POSITIVE_INFINITY),
    restart: pick(roll, "always", "always", "on-failure", "never"),
    giveUp: pick(roll, null, { count: 3, within: 60_000 }),
    stopScope: pick(roll, "session", "group", "process"),
    stopGrace: pick(roll, 0, 500, 7_000),
  });
}

const causes: readonly [Cause, ...Cause[]] = ["request", "dependency", "changed", "removed", "shutdown"];

function anyOrder(roll: () => number): Event {
  return pick<() => Event>(
    roll,
    () => start,
    () => start,
    () => ({ type: "start", once: true }),
    () => stop({ cause: pick(roll, ...causes), grace: pick(roll, null, 0, 300), eof: roll() < 0.2 }),
    () => restart,
    () => ({ type: "pause" }),
    () => ({ type: "cont" }),
    () => kill,
  )();
}

/** One thing happens: to the clock, to the process, to the leftovers, or by an order. */
function happen(kernel: Kernel): void {
  const { roll } = kernel;
  pick<() => unknown>(
    roll,
    () => kernel.deliver(),
    () => kernel.deliver(),
    () => kernel.deliver(),
    () => kernel.pass(roll() * 20_000),
    () => kernel.pass(roll() * 200),
    () => kernel.die(pick(roll, { code: 0 }, { code: 1 }, { code: 125 }, { signal: 11 })),
    () => kernel.feed(anyOrder(roll)),
    () => kernel.state.phase === "starting" && kernel.feed({ type: "ready" }),
    () => kernel.state.phase === "waiting" && kernel.feed({ type: "clear" }),
    () =>
      kernel.state.phase === "sweeping" &&
      kernel.strays.pop() &&
      kernel.feed({ type: "swept", left: kernel.strays.length }),
    () => expectStaleIsHarmless(kernel),
  )();
}

function expectStaleIsHarmless({ spec, state, now }: Kernel): void {
  const child = state.sequence + (state.sequence % 2 === 0 ? 1 : -1);
  const stale: Event[] = [
    { type: "spawned", child, pid: 1 },
    { type: "unspawned", child, reason: "late" },
    { type: "exited", child, exit: { code: 1 } },
  ];
  if (now < deadlineOf(state)) stale.push(timeout);
  if (state.phase !== "sweeping") stale.push({ type: "swept", left: 0 });
  if (state.phase !== "waiting") stale.push({ type: "clear" });
  for (const event of stale) {
    const [after, effects] = step(spec, state, event, now);
    expect(after).toBe(state);
    expect(effects).toEqual([]);
  }
}

/** Asked to stop, left to itself: the time it took to be down. */
function bringDown(kernel: Kernel, cause: Cause): number {
  const before = kernel.now;
  kernel.feed(stop({ cause }));
  for (let turns = 0; kernel.state.phase !== "down" || kernel.pending.length > 0; turns++) {
    expect(turns, `stuck in ${kernel.state.phase}`).toBeLessThan(50);
    if (kernel.deliver()) continue;
    expect(deadlineOf(kernel.state), `nothing to wait for in ${kernel.state.phase}`).toBeLessThan(
      Number.POSITIVE_INFINITY,
    );
    kernel.pass(Number.POSITIVE_INFINITY);
  }
  return kernel.now - before;
}

test(`${WALKS} random lives: one process at a time, no signal to a stranger, every wait ends, nothing is left`, () => {
  for (let walk = 1; walk <= WALKS; walk++) {
    const roll = dice(walk);
    const spec = anySpec(roll);
    const kernel = new Kernel(spec, roll);
    for (let n = 0; n < EVENTS; n++) happen(kernel);

    // grace, leftovers after KILL, finish, and what finish leaves
    const longest = spec.stopGrace + 2_000 + 30_000 + Math.min(spec.stopGrace, 2_000) + 2_000;
    const cause = pick<Cause>(roll, "request", "shutdown");
    expect(bringDown(kernel, cause), `walk ${walk}`).toBeLessThanOrEqual(longest);
    expect(kernel.process?.alive ?? false, `walk ${walk}`).toBe(false);
    expect(kernel.state.want).toBe("down");

    // A stop of the process alone may leave others; a shutdown may not.
    if (cause !== "shutdown" && spec.stopScope === "process") bringDown(kernel, "shutdown");
    expect(
      kernel.strays.filter((stray) => stray !== "immortal"),
      `walk ${walk}`,
    ).toEqual([]);
  }
});

test("a walk reaches every phase", () => {
  const seen = new Set<string>();
  for (let walk = 1; walk <= 40; walk++) {
    const roll = dice(walk);
    const kernel = new Kernel(anySpec(roll), roll);
    for (let n = 0; n < EVENTS; n++) {
      happen(kernel);
      seen.add(kernel.state.phase);
    }
  }
  expect([...seen].sort()).toEqual([
    "backoff",
    "done",
    "down",
    "failed",
    "finishing",
    "preparing",
    "starting",
    "stopping",
    "sweeping",
    "up",
    "waiting",
  ]);
});
