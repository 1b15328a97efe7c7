import { expect, test } from "vitest";
import { createFace } from "../../../src/control/face.ts";
import { createOrders } from "../../../src/manager/orders.ts";
import type { Outputs } from "../../../src/manager/outputs.ts";
import { type House, house } from "../manager/house.ts";
import { service } from "../service/support.ts";

const faceOf = ({ manager, clock }: House) =>
  createFace({
    manager,
    clock,
    outputs: { ring: () => null } as unknown as Outputs,
    unready: () => new Map(),
    about: { version: "", node: "", corePid: 1, scanDir: "" },
    orders: createOrders({ manager, refresh: () => null }),
    recall: () => null,
    apply: async () => ({ changes: [], problems: [] }),
    isStopping: manager.isStopping,
    switching: { plan: () => Promise.resolve({ refused: "" }), go: () => null, back: () => null, settled: () => {} },
    shutdown: () => {},
  });

test("a restart of what does not run starts it once", () => {
  const all = house();
  all.manager.add(service({ down: true, settle: 0 }));
  expect(faceOf(all).order("web", { do: "restart" })).toBe(null);
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
  expect(faceOf(all).order("db", { do: "stop" })).toBe(null);
  expect([all.phase("db"), all.phase("web")]).toEqual(["up", "up"]);
});
