import { expect, test } from "vitest";
import { createFace } from "../../../src/control/face.ts";
import { createOrders, type Order } from "../../../src/manager/orders.ts";
import type { Outputs } from "../../../src/manager/outputs.ts";
import { type House, house } from "../manager/house.ts";
import { service } from "../service/support.ts";

const faceOf = ({ manager, clock }: House) =>
  createFace({
    manager,
    clock,
    outputs: { ring: () => null } as unknown as Outputs,
    unready: () => new Map(),
    isSilent: () => false,
    about: { version: "", node: "", corePid: 1, scanDir: "" },
    orders: createOrders({
      manager,
      refresh: (_runner, done) => done({ refused: null, isSilent: false }),
      say: () => {},
    }),
    recall: (_name, _once, done) => done(null),
    apply: async () => ({ changes: [], problems: [] }),
    isStopping: manager.isStopping,
    switching: {
      plan: () => Promise.resolve({ refused: "" }),
      go: async () => null,
      back: async () => null,
      settled: () => {},
    },
    shutdown: () => {},
  });

/** The answer, which is given at once. */
function order(all: House, name: string, what: Order): string | null | undefined {
  let answer: string | null | undefined;
  faceOf(all).order(name, what, (refused) => {
    answer = refused;
  });
  return answer;
}

test("a restart of what does not run starts it once", () => {
  const all = house();
  all.manager.add(service({ down: true, settle: 0 }));
  expect(order(all, "web", { do: "restart" })).toBe(null);
  all.up("web");
  expect(all.phase("web")).toBe("up");
  expect(all.asked).toEqual(["spawn 1.1"]);
});

test("a stop of one service while everything stops brings up nobody", () => {
  const all = house();
  all.manager.add(service({ name: "db", settle: 0 }));
  all.up("db");
  all.manager.add(service({ settle: 0, requires: ["db"] }));
  all.up("web");
  all.manager.remember({ since: 1, code: 0, why: "" });
  expect(order(all, "db", { do: "stop" })).toBe(null);
  expect([all.phase("db"), all.phase("web")]).toEqual(["up", "up"]);
});

test("health tells what was given up from what was to run once", () => {
  for (const [name, giveUp, text] of [
    ["once", null, "web was to run once, and failed: killed by SIGKILL"],
    ["start", { count: 1, within: 60_000 }, "web has given up: killed by SIGKILL"],
  ] as const) {
    const all = house();
    all.manager.add(service({ down: true, settle: 0, giveUp }));
    expect(order(all, "web", { do: name })).toBe(null);
    all.up("web");
    all.die("web", { signal: 9 });
    expect(faceOf(all).health([])).toEqual({ healthy: false, text });
  }
});
