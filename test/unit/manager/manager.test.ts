import { expect, test } from "vitest";
import { service } from "../service/support.ts";
import { addUp, type House, house } from "./house.ts";

const logger = service({ name: "web/log", loggerOf: "web", settle: 0 });
const found = ({ manager }: House, name: string) => {
  const runner = manager.roster.get(name);
  if (runner === undefined) throw new Error(`no ${name}`);
  return runner;
};
const spawns = ({ asked }: House) => asked.filter((word) => word.startsWith("spawn")).length;
const STOP = { since: 1000, code: 0, why: "received SIGTERM" };

test("nothing new is started once everything stops, not even a logger", () => {
  const all = house();
  all.manager.remember(STOP);
  all.manager.add(service({ log: "logger", logger }));
  expect(spawns(all)).toBe(0);
});

test("a changed definition starts nothing again once everything stops", () => {
  const all = house();
  addUp(all, service({ settle: 0 }));
  all.manager.remember(STOP);
  found(all, "web").send({ type: "stop", cause: "shutdown", grace: null, eof: false });
  all.manager.change(found(all, "web"), service({ settle: 0, command: ["/other"] }), true);
  all.die("web");
  expect(all.phase("web")).toBe("down");
});

test("a service that is being removed is not kept by a new definition", () => {
  const all = house();
  addUp(all, service({ settle: 0 }));
  all.manager.remove("web");
  all.manager.change(found(all, "web"), service({ settle: 0, command: ["/other"] }), true);
  all.die("web");
  expect(all.phase("web")).toBe(null);
});

test("a check that is taken out of a service that is starting is not run any more", () => {
  const all = house();
  addUp(all, service({ check: "/etc/service/web/check" }));
  expect(all.phase("web")).toBe("starting");
  expect(spawns(all)).toBe(2);
  all.manager.failed([...all.world.children.keys()].at(-1) ?? "", "exec", 2);
  all.manager.change(found(all, "web"), service(), true);
  all.clock.advance(10_000);
  expect(spawns(all)).toBe(2);
});

test("what an earlier process says of its readiness is not said of the next one", () => {
  const all = house();
  addUp(all, service({ notifyFd: 3 }));
  const [earlier = ""] = all.world.children.keys();
  all.die("web", { code: 1 });
  all.up("web");
  all.manager.notified(earlier);
  expect(all.phase("web")).toBe("starting");
});

test("what a start cannot be asked for, its service survives", () => {
  const all = house();
  const spawn = all.world.core.spawn;
  Object.assign(all.world.core, {
    spawn() {
      throw new Error("a frame is too large");
    },
  });
  expect(() => all.manager.add(service())).toThrow();
  Object.assign(all.world.core, { spawn });
  found(all, "web").send({ type: "stop", cause: "request", grace: null, eof: false });
  expect(all.phase("web")).toBe("stopping");
});
