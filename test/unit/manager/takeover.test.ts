import { expect, test } from "vitest";
import { service } from "../service/support.ts";
import { addUp, type House, house } from "./house.ts";

const logger = service({ name: "web/log", loggerOf: "web", settle: 0 });
const web = service({ settle: 0 });
const db = service({ name: "db", settle: 0 });

const order = ({ manager }: House, name: string, type: "stop" | "restart") => {
  const runner = manager.roster.get(name);
  if (runner === undefined) throw new Error(`no ${name}`);
  if (type === "restart") manager.roster.end(runner, { type, cause: "request" });
  else manager.roster.end(runner, { type, cause: "request", grace: null, eof: false });
};

test("the logger of a service that was never started is not started twice", () => {
  const first = house();
  first.manager.add(service({ down: true, log: "logger", logger }));
  expect(first.asked.filter((word) => word.startsWith("spawn"))).toHaveLength(1);
  const next = first.takenOver();
  expect(next.phase("web")).toBe("down");
  expect(next.asked.filter((word) => word.startsWith("spawn"))).toHaveLength(1);
});

test("a critical service that comes to its end in the very takeover ends everything", () => {
  const first = house();
  addUp(first, service({ settle: 0, critical: true, restart: "never" }));
  // What it leaves behind is looked for, and the manager dies over that.
  const key = "state:web";
  const blob = JSON.parse(first.world.blobs.get(key) ?? "");
  const { phase: _phase, child: _child, pid: _pid, startedAt: _startedAt, paused: _paused, ...common } = blob;
  first.world.children.clear();
  first.world.blobs.set(
    key,
    JSON.stringify({
      ...common,
      last: { at: 1, exit: { code: 3 }, reason: null },
      phase: "sweeping",
      until: 1e9,
      killed: false,
      left: 1,
      finished: true,
      next: "failed",
    }),
  );
  const next = first.takenOver();
  expect(next.phase("web")).toBe("failed");
  expect(next.fatal).toEqual(["3 web is critical and has ended"]);
});

test("a service that was being removed is forgotten once it has stopped", () => {
  const first = house();
  addUp(first, web);
  first.manager.remove("web");
  expect(first.phase("web")).toBe("stopping");
  const next = first.takenOver();
  next.die("web");
  expect(next.phase("web")).toBe(null);
  expect(next.removed).toEqual(["web"]);
  expect([...next.world.blobs.keys()].filter((key) => key !== "house")).toEqual([]);
});

test("a logger that was being removed is forgotten once it has stopped", () => {
  const first = house();
  first.manager.add(service({ settle: 0, log: "logger", logger }));
  first.up("web/log");
  first.up("web");
  first.manager.remove("web");
  first.die("web");
  expect(first.phase("web/log")).toBe("stopping");
  const next = first.takenOver();
  next.die("web/log");
  expect(next.phase("web/log")).toBe(null);
});

test("a stop that waited for others is carried out", () => {
  const first = house();
  addUp(first, db);
  addUp(first, service({ settle: 0, requires: ["db"] }));
  order(first, "db", "stop");
  expect(first.phase("db")).toBe("up");
  const next = first.takenOver();
  next.die("web");
  expect(next.phase("db")).toBe("stopping");
});

test("a restart that waited for others is carried out, and nobody waits for it twice", () => {
  const first = house();
  addUp(first, db);
  addUp(first, service({ settle: 0, requires: ["db"] }));
  order(first, "db", "restart");
  const second = first.takenOver();
  second.die("web");
  second.die("db");
  second.up("db");
  expect([second.phase("db"), second.phase("web")]).toEqual(["up", "starting"]);
  const third = second.takenOver();
  expect(third.phase("db")).toBe("up");
});

test("who waits is started once, though the others are taken over before it", () => {
  const first = house();
  addUp(first, db);
  first.manager.add(service({ requires: ["cache"] }));
  expect(first.phase("web")).toBe("waiting");
  const spec = JSON.parse(first.world.blobs.get("spec:web") ?? "");
  first.world.blobs.set("spec:web", JSON.stringify({ ...spec, spec: { ...spec.spec, requires: ["db"] } }));
  const next = first.takenOver();
  expect(next.phase("web")).toBe("starting");
  expect(next.spawns("web")).toBe(1);
});

test("who still waits when everything stops is not started by the next manager", () => {
  const first = house();
  first.manager.add(service({ requires: ["db"] }));
  first.manager.remember({ since: 1000, code: 0, why: "" });
  const next = first.takenOver();
  expect(next.phase("web")).toBe("waiting");
});
