import { type Duplex, duplexPair } from "node:stream";
import { describe, expect, test } from "vitest";
import type { Runner } from "../../../src/control/exec.ts";
import { outboxMax } from "../../../src/control/outbox.ts";
import { connectionsMax, createControl } from "../../../src/control/server.ts";
import { fakeSupervisor, handClock, statusOf, turn } from "../../helpers/fake-supervisor.ts";

const peer = { uid: 1000, gid: 1000, pid: 42 };

function setup(run: Runner = () => Promise.resolve(0)) {
  const supervisor = fakeSupervisor(statusOf("web"));
  const clock = handClock();
  const notes: string[] = [];
  const faults: string[] = [];
  const control = createControl({
    supervisor,
    run,
    clock,
    note: (text) => notes.push(text),
    fault: (text) => faults.push(text),
    writeLogs: () => {},
  });
  const connect = () => {
    const [near, far] = duplexPair();
    control.serve(far, peer);
    return { near, far, ...reader(near) };
  };
  return { supervisor, clock, notes, faults, control, connect };
}

function reader(near: Duplex) {
  let text = "";
  let ended = false;
  near.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
  });
  near.on("end", () => {
    ended = true;
  });
  return {
    text: () => text,
    ended: () => ended,
    lines: () =>
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    send: async (...lines: readonly unknown[]) => {
      near.write(lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""));
      await turns();
    },
  };
}

async function turns() {
  for (let at = 0; at < 8; at++) await turn();
}

describe("requests of programs", () => {
  test("are answered in their order, each with its id", async () => {
    const { connect, supervisor } = setup();
    const client = connect();
    await client.send(
      { v: 1, id: 1, do: "status", services: ["web"] },
      { id: 2, do: "order", service: "web", order: "stop" },
      { id: 3, do: "apply", dryRun: true },
      { id: 4, do: "version" },
      { id: 5, do: "health" },
      { id: 6, do: "status", services: ["none"] },
    );
    expect(client.lines()).toMatchObject([
      { id: 1, ok: true, result: [{ name: "web" }] },
      { id: 2, ok: true },
      { id: 3, ok: true, result: { changes: [] } },
      { id: 4, ok: true, result: { version: "0.1.0" } },
      { id: 5, ok: true, result: { healthy: true } },
      { id: 6, ok: false, error: "no service none" },
    ]);
    expect(supervisor.orders).toEqual(["stop web"]);
  });

  test("that watch get each change until they go", async () => {
    const { connect, supervisor } = setup();
    const client = connect();
    await client.send({ id: 9, do: "watch" });
    supervisor.change("web", { state: "stopping" }, "stopping", "asked to stop");
    await turns();
    expect(client.lines()).toMatchObject([
      { id: 9, ok: true },
      { id: 9, event: { service: "web", event: "stopping" } },
    ]);
    client.near.end();
    await turns();
    expect(supervisor.watchers()).toBe(0);
  });

  test("that order something are noted with who asked", async () => {
    const { connect, notes } = setup();
    await connect().send({ do: "order", service: "web", order: "restart" }, { do: "status" });
    expect(notes).toEqual(["restart of web ordered by uid 1000 (pid 42)"]);
  });

  test("that fail by a mistake of ours are answered, and the next one too", async () => {
    const { connect, supervisor, faults } = setup();
    supervisor.apply = () => Promise.reject(new Error("broken"));
    const client = connect();
    await client.send({ id: 1, do: "apply" }, { id: 2, do: "version" });
    expect(client.lines()).toMatchObject([
      { id: 1, ok: false },
      { id: 2, ok: true },
    ]);
    expect(faults).toHaveLength(1);
  });
});

describe("exec", () => {
  test("frames what is printed, byte for byte, and ends with the code", async () => {
    const { connect } = setup(async (argv, client, _, io) => {
      io.out(`${argv.join("+")} ${client.columns}\n`);
      io.err("ä\n");
      io.out("");
      io.out(Buffer.from([0, 255, 10]));
      return 3;
    });
    const client = connect();
    await client.send({ v: 1, exec: ["status", "web"], columns: 100 });
    expect(client.text()).toBe(
      '{"out":15}\nstatus+web 100\n{"err":3}\n\u00c3\u00a4\n{"out":3}\n\u0000\u00ff\n{"exit":3}\n',
    );
    expect(client.ended()).toBe(true);
  });

  test("that throws ends with 1 and a sentence", async () => {
    const { connect, faults } = setup(() => Promise.reject(new Error("broken")));
    const client = connect();
    await client.send({ exec: ["status"] });
    expect(client.text()).toContain("mistake in upkeep");
    expect(client.text()).toContain('{"exit":1}');
    expect(faults).toHaveLength(1);
  });

  test("is told when its client goes away", async () => {
    let gone = false;
    const { connect, control } = setup(
      (_, __, ___, io) =>
        new Promise((resolve) =>
          io.closed.addEventListener("abort", () => {
            gone = true;
            resolve(0);
          }),
        ),
    );
    const client = connect();
    await client.send({ exec: ["wait", "web"] });
    expect(gone).toBe(false);
    client.near.end();
    await turns();
    expect(gone).toBe(true);
    expect(control.count()).toBe(0);
  });
});

describe("hostile clients", () => {
  test.each(["garbage", "\u0000\u0001\u0002", "GET / HTTP/1.1", '{"v":9}', "[[[[", '{"exec":{}}'])(
    "%j gets one line and the end",
    async (line) => {
      const { connect, control } = setup();
      const client = connect();
      await client.send(line, line, line);
      expect(client.lines()).toMatchObject([{ ok: false }]);
      expect(client.ended()).toBe(true);
      expect(control.count()).toBe(0);
    },
  );

  test("a line beyond 64 KB gets one line and the end", async () => {
    const { connect, control } = setup();
    const client = connect();
    await client.send("x".repeat(70_000));
    expect(client.lines()).toMatchObject([{ ok: false, error: expect.stringContaining("64 KB") }]);
    expect(control.count()).toBe(0);
  });

  test("half a message is waited for 10 s, however slowly it comes", async () => {
    const { connect, clock, control } = setup();
    const client = connect();
    for (let at = 0; at < 9; at++) {
      client.near.write("{");
      await turns();
      clock.pass(1_000);
    }
    expect(control.count()).toBe(1);
    clock.pass(1_000);
    await turns();
    expect(control.count()).toBe(0);
    expect(client.text()).toContain("no complete request");
  });

  test("a program that has asked once may be silent as long as it likes", async () => {
    const { connect, clock, control } = setup();
    const client = connect();
    await client.send({ do: "version" });
    clock.pass(3_600_000);
    await turns();
    expect(control.count()).toBe(1);
    expect(clock.alarms()).toBe(0);
  });

  test("a watcher that does not read is closed beyond 1 MB", async () => {
    const { supervisor, control } = setup();
    const [near, far] = duplexPair();
    control.serve(far, peer);
    near.write('{"do":"watch"}\n');
    await turns();
    const text = "x".repeat(10_000);
    let most = 0;
    for (let at = 0; at < 300; at++) {
      supervisor.change("web", {}, "state", text);
      most = Math.max(most, far.writableLength);
    }
    await turns();
    expect(most).toBeLessThan(outboxMax + 20_000);
    expect(control.count()).toBe(0);
    expect(supervisor.watchers()).toBe(0);
  });

  test("a client that asks and asks and never reads is not read any more", async () => {
    const { control } = setup();
    const [near, far] = duplexPair();
    control.serve(far, peer);
    const line = `${JSON.stringify({ do: "status" })}\n`;
    for (let at = 0; at < 50; at++) near.write(line.repeat(1_000));
    await turns();
    expect(far.writableLength).toBeLessThan(200_000);
    expect(far.isPaused()).toBe(true);
    expect(control.count()).toBe(1);
  });

  test("of 1,000 connections the last 256 are served, and the idle ones make room", async () => {
    const { connect, control } = setup();
    const clients = Array.from({ length: 1_000 }, connect);
    await turns();
    expect(control.count()).toBe(connectionsMax);
    await clients.at(-1)?.send({ id: 1, do: "version" });
    expect(clients.at(-1)?.lines()).toMatchObject([{ id: 1, ok: true }]);
    expect(clients[0]?.ended()).toBe(true);
  });

  test("where all are busy the newcomer is told", async () => {
    const { connect, control } = setup(() => new Promise(() => {}));
    const busy = Array.from({ length: connectionsMax }, connect);
    for (const client of busy) client.near.write('{"exec":["wait"]}\n');
    await turns();
    const late = connect();
    await turns();
    expect(late.lines()).toMatchObject([{ ok: false, error: expect.stringContaining("256 connections") }]);
    expect(control.count()).toBe(connectionsMax);
  });

  test("an error of the socket ends only that connection", async () => {
    const { connect, control } = setup();
    const client = connect();
    const other = connect();
    client.far.destroy(new Error("ECONNRESET"));
    await turns();
    expect(control.count()).toBe(1);
    await other.send({ do: "version" });
    expect(other.lines()).toMatchObject([{ ok: true }]);
  });

  test("200 conversations of random pieces never throw and never hang", async () => {
    const { connect, control } = setup();
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    const pieces = [
      '{"do":',
      '"status"',
      '"order"',
      "}",
      "\n",
      ",",
      '"service":"web"',
      '"exec":[]',
      "\u0000",
      "[",
      "1e999",
      '{"do":"version"}\n',
    ];
    for (let round = 0; round < 200; round++) {
      const client = connect();
      const message = Array.from({ length: 50 }, () => pieces[random(pieces.length)]).join("");
      client.near.end(message);
      await turns();
    }
    expect(control.count()).toBe(0);
  });
});
