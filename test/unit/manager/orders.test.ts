import { expect, test } from "vitest";
import type { Refreshed } from "../../../src/manager/admission.ts";
import { createOrders, type OrderName } from "../../../src/manager/orders.ts";
import { service } from "../service/support.ts";
import { addUp, house } from "./house.ts";

const fresh: Refreshed = { refused: null, isSilent: false };
const broken: Refreshed = { refused: "there is no run", isSilent: false };
const silent: Refreshed = { refused: "its directory does not answer", isSilent: true };

/** A service whose newest definition comes once the test lets it. */
function ordered(isUp: boolean) {
  const all = house();
  if (isUp) addUp(all, service({ settle: 0 }));
  else all.manager.add(service({ settle: 0, down: true }));
  const due: ((found: Refreshed) => void)[] = [];
  const said: string[] = [];
  const told: string[] = [];
  const orders = createOrders({
    manager: all.manager,
    refresh: (_runner, done) => void due.push(done),
    say: (_level, text) => said.push(text),
  });
  const runner = all.manager.roster.get("web");
  const order = (name: OrderName) => {
    if (runner !== undefined) orders(runner, { do: name }, (refused) => told.push(`${name}: ${refused ?? "ok"}`));
  };
  return { all, said, told, order, find: (found: Refreshed) => due.shift()?.(found), phase: () => all.phase("web") };
}

test("a start waits for the newest definition, and is refused where that is wrong", () => {
  const { order, find, told, phase } = ordered(false);
  order("start");
  expect([told, phase()]).toEqual([[], "down"]);
  find(broken);
  expect([told, phase()]).toEqual([["start: there is no run"], "down"]);
  order("start");
  find(fresh);
  expect([told.at(-1), phase()]).toEqual(["start: ok", "starting"]);
});

test("where its directory does not answer it starts as it was last known", () => {
  for (const name of ["start", "once", "restart"] as const) {
    const { order, find, told, said, phase } = ordered(false);
    order(name);
    find(silent);
    expect([told, phase()]).toEqual([[`${name}: ok`], "starting"]);
    expect(said).toEqual(["web: its directory does not answer; it is started as it was last known"]);
  }
});

test("and is not restarted while it runs", () => {
  const { order, find, told, phase } = ordered(true);
  order("restart");
  find(silent);
  const why = "its directory does not answer, and it would not come up again; it goes on as it is";
  expect([told, phase()]).toEqual([[`restart: ${why}`], "up"]);
});

test("a stop takes back every start before it, and none after it", () => {
  const { order, find, told, phase } = ordered(false);
  order("start");
  order("restart");
  order("stop");
  order("once");
  find(fresh);
  find(fresh);
  expect([told, phase()]).toEqual([["stop: ok", "start: ok", "restart: ok"], "down"]);
  find(fresh);
  expect([told.at(-1), phase()]).toEqual(["once: ok", "starting"]);
});
