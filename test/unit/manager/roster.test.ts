import { expect, test } from "vitest";
import { service } from "../service/support.ts";
import { addUp, type House, house } from "./house.ts";

const stopped = ({ manager }: House, name: string) => {
  const runner = manager.roster.get(name);
  if (runner !== undefined) manager.roster.end(runner, { type: "stop", cause: "request", grace: null, eof: false });
};

test("a stop that waits for others is not forgotten because something else goes down", () => {
  const all = house();
  addUp(all, service({ name: "db", settle: 0, restartDelay: 100 }));
  addUp(all, service({ name: "web", settle: 0, requires: ["db"] }));
  addUp(all, service({ name: "app", settle: 0, requires: ["web"] }));
  stopped(all, "web");
  expect([all.phase("app"), all.phase("web")]).toEqual(["stopping", "up"]);
  all.die("db", { code: 1 });
  all.die("app");
  all.die("web");
  expect(all.phase("web")).toBe("down");
  expect(all.state("web").want).toBe("down");
});

test("services that require each other are no endless loop", () => {
  const all = house();
  all.manager.add(service({ name: "a", down: true, requires: ["b"] }));
  all.manager.add(service({ name: "b", down: true, requires: ["a"] }));
  const a = all.manager.roster.get("a");
  if (a !== undefined) all.manager.roster.start(a, false);
  expect([all.phase("a"), all.phase("b")]).toEqual(["waiting", "waiting"]);
});
