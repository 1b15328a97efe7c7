import { describe, expect, test } from "vitest";
import { runCommand } from "../../../src/cli/run-command.ts";
import type { Supervisor, SwitchPlan } from "../../../src/control/supervisor.ts";
import { capture, fakeSupervisor, handClock, someClient, statusOf, turn } from "../../helpers/fake-supervisor.ts";

const plan: SwitchPlan = {
  from: "one",
  to: "two",
  isCurrent: false,
  services: [
    { service: "fresh", change: "starts" },
    { service: "old", change: "stops" },
    { service: "same", change: "stays" },
    { service: "web", change: "restarts" },
  ],
  problems: [],
};
const shown = [
  "from one to two",
  "+ fresh  starts",
  "- old  stops",
  "= same  stays as it is",
  "! web  stops, and starts from its other directory",
  "",
].join("\n");

type Switching = Supervisor["switching"];

/** A supervisor with the services of the first set, which notes what its links are told. */
function scene(words: string, over: Partial<SwitchPlan> = {}, links: Partial<Switching> = {}) {
  const fake = fakeSupervisor(statusOf("old"), statusOf("same"), statusOf("web"));
  const told: string[] = [];
  const switching: Switching = {
    plan: () => Promise.resolve({ ...plan, ...over }),
    async go(name) {
      told.push(`go ${name}`);
      return null;
    },
    async back() {
      told.push("back");
      return null;
    },
    settled: () => void told.push("settled"),
    ...links,
  };
  const io = capture();
  const clock = handClock();
  const supervisor = { ...fake, switching };
  const code = runCommand(words.split(" "), someClient, supervisor, io, clock);
  return { fake, told, io, clock, code };
}

const comes = (fake: ReturnType<typeof fakeSupervisor>, name: string) => {
  fake.change(name, { state: "starting", pid: 7, ready: false });
  fake.change(name, { state: "up", ready: true });
};

describe("switch", () => {
  test("ends with 0 once what goes is gone and what comes is ready", async () => {
    const { fake, told, io, clock, code } = scene("switch two");
    await turn();
    expect(told).toEqual(["go two"]);
    comes(fake, "fresh");
    fake.change("old", null, "removed");
    // The old one by this name is up; that says nothing of the new one.
    fake.change("web", { state: "up" });
    fake.change("web", null, "removed");
    clock.pass(1500);
    comes(fake, "web");
    expect(await code).toBe(0);
    expect(io.stdout()).toBe(`${shown}switched to two, after 1.5s\n`);
    expect(told).toEqual(["go two", "settled"]);
    expect([fake.watchers(), clock.alarms()]).toEqual([0, 0]);
  });

  test("goes back at the first end of what comes, and waits for what was up", async () => {
    const { fake, told, io, clock, code } = scene("switch two");
    await turn();
    fake.change("old", null, "removed");
    fake.change("fresh", { state: "backoff", pid: null, lastExit: { code: 3 }, retryIn: 0.4 }, "ended");
    await turn();
    expect(told).toEqual(["go two", "back"]);
    fake.change("fresh", null, "removed");
    comes(fake, "old");
    fake.change("web", null, "removed");
    comes(fake, "web");
    expect(await code).toBe(1);
    expect(io.stderr()).toContain("fresh: cannot start: it left with exit 3");
    expect(io.stderr()).toContain("went back to one: what ran before is up again\n");
    expect([fake.watchers(), clock.alarms()]).toEqual([0, 0]);
  });

  test("goes back with 2 when the time is over, and is patient with the way back", async () => {
    const { fake, told, io, clock, code } = scene("switch -w 2 two");
    await turn();
    clock.pass(2000);
    await turn();
    expect(told).toEqual(["go two", "back"]);
    clock.pass(20_000);
    fake.change("web", null, "removed");
    for (const name of ["old", "web"]) comes(fake, name);
    expect(await code).toBe(2);
    expect(io.stderr()).toContain("old: not gone after 2s");
    expect(io.stderr()).toContain("fresh: not up after 2s: it is not there");
  });

  test("says what does not come up again", async () => {
    const { io, clock, code } = scene("switch -w 1 two");
    await turn();
    clock.pass(1000);
    await turn();
    clock.pass(30_000);
    expect(await code).toBe(1);
    expect(io.stderr()).toContain("went back to one: not all that ran before is up again\n");
  });

  test("says so where it cannot go back", async () => {
    const { clock, told, io, code } = scene("switch -w 1 two", {}, { back: async () => "it may not be written to" });
    await turn();
    clock.pass(1000);
    expect(await code).toBe(1);
    expect(io.stderr()).toContain("cannot go back to one: it may not be written to; two stays\n");
    expect(told).toEqual(["go two", "settled"]);
  });

  test("changes nothing with --dry-run, for the current set, or where a mistake is in it", async () => {
    const dry = scene("switch --dry-run two");
    expect([await dry.code, dry.io.stdout(), dry.told]).toEqual([2, shown, []]);
    const same = scene("switch two", { isCurrent: true });
    expect([await same.code, same.io.stdout(), same.told]).toEqual([0, "two is current\n", []]);
    const problem = { severity: "error", where: "/two/web/run", text: "it is no program" } as const;
    const wrong = scene("switch two", { problems: [problem] });
    expect([await wrong.code, wrong.told]).toEqual([1, []]);
    expect(wrong.io.stderr()).toContain("cannot switch: two has mistakes; nothing was changed\n");
  });

  test("does not wait with --no-wait, nor go back", async () => {
    const { told, io, code, fake } = scene("switch two --no-wait");
    expect(await code).toBe(0);
    expect(io.stdout()).toContain("switched to two; its services were not waited for\n");
    expect([told, fake.watchers()]).toEqual([["go two", "settled"], 0]);
  });

  test("leaves nothing behind where the links cannot be exchanged", async () => {
    const { code, io, told, fake, clock } = scene("switch two", {}, { go: async () => "another switch is under way" });
    expect(await code).toBe(1);
    expect(io.stderr()).toBe("upkeep: cannot switch: another switch is under way\n");
    expect([told, fake.watchers(), clock.alarms()]).toEqual([[], 0, 0]);
  });
});
