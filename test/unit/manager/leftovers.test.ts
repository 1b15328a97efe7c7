import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import type { Core, Hello } from "../../../src/channel/core.ts";
import { createLeftovers } from "../../../src/manager/leftovers.ts";

const children: ChildProcess[] = [];
// Whoever is killed is still to be found for a while; the next test must not find him.
afterEach(async () => {
  const ended = children.splice(0).map((child) => {
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    return exit;
  });
  await Promise.all(ended);
});

/** A process as it looks when a service has left it behind: the core's (here: our) child, and known to nobody. */
async function leaveBehind(service: string): Promise<number> {
  const child = spawn("sleep", ["1000"], { env: { PATH: process.env["PATH"], UPKEEP_SERVICE: service } });
  children.push(child);
  await new Promise((resolve) => child.once("spawn", resolve));
  return child.pid ?? 0;
}

const WEB = { number: 1, name: "web" };
const DB = { number: 2, name: "db" };
async function leftovers() {
  // Any child of ours will do for the manager.
  const manager = await leaveBehind("");
  const hello = { corePid: process.pid, instance: 7 } as Hello;
  const numbers = new Map([WEB, DB].map(({ name, number }) => [name, number]));
  return createLeftovers({ stray: () => {} } as unknown as Core, hello, manager, (name) => numbers.get(name) ?? null);
}

test("what is left of a service is told apart from what is left of another", async () => {
  const house = await leftovers();
  const [web, db] = [await leaveBehind("web"), await leaveBehind("db")];
  expect(house.of(WEB).map((stray) => stray.process.pid)).toEqual([web]);
  expect(house.of(DB).map((stray) => stray.process.pid)).toEqual([db]);
});

test("what is left behind after one question is found by the next, though nobody said that anything changed", async () => {
  const house = await leftovers();
  expect(house.of(WEB)).toEqual([]);
  const pid = await leaveBehind("web");
  expect(house.of(WEB).map((stray) => stray.process.pid)).toEqual([pid]);
});

test("one look answers every question of a turn, whoever is signalled in between", async () => {
  const house = await leftovers();
  await leaveBehind("web");
  await leaveBehind("db");
  const [web] = house.of(WEB);
  house.signal(house.of(DB), 15);
  expect(house.of(WEB)[0]).toBe(web);
  await Promise.resolve();
  expect(house.of(WEB)[0]).not.toBe(web);
});
