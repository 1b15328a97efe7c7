import { describe, expect, test } from "vitest";
import { runCommand } from "../../../src/cli/run-command.ts";
import { cut, width } from "../../../src/cli/table.ts";
import { span } from "../../../src/cli/words.ts";
import type { Client } from "../../../src/control/exec.ts";
import {
  capture,
  type FakeSupervisor,
  fakeSupervisor,
  handClock,
  someClient,
  statusOf,
} from "../../helpers/fake-supervisor.ts";

async function status(supervisor: FakeSupervisor, words: readonly string[] = [], over: Partial<Client> = {}) {
  const io = capture();
  const code = await runCommand(["status", ...words], { ...someClient, ...over }, supervisor, io, handClock());
  expect(code).toBe(0);
  return io.stdout();
}

const several = () =>
  fakeSupervisor(
    statusOf("app", { pid: 812, seconds: 11_045, log: statusOf("app/log", { pid: 813, seconds: 11_050 }) }),
    statusOf("db", { state: "backoff", pid: null, ready: false, restarts: 12, lastExit: { signal: 9 }, retryIn: 3.2 }),
    statusOf("job", { state: "done", pid: null, type: "oneshot", seconds: 61, lastExit: { code: 0 } }),
    statusOf("sshd", { state: "down", want: "down", pid: null, seconds: 90_000, normallyDown: true }),
    statusOf("web", { state: "waiting", pid: null, seconds: 4, why: "waits for db, which is tried again" }),
  );

describe("status", () => {
  test("shows every service and logger in one table", async () => {
    expect(`\n${await status(several())}`).toMatchInlineSnapshot(`
      "
      NAME     STATE    PID  UPTIME  RESTARTS  LAST     NEXT/WHY
      app      up       812   3h 4m         0  -
      app/log  up       813   3h 4m         0  -
      db       backoff    -       -        12  SIGKILL  next try in 3.2s
      job      done       -       -         0  exit 0   for 1m 1s
      sshd     down       -       -         0  -        for 1d 1h; not started at boot
      web      waiting    -       -         0  -        for 4s; waits for db, which is tried again
      "
    `);
  });

  test("does not give the last exit twice", async () => {
    const crashing = statusOf("web", { state: "backoff", pid: null, lastExit: { code: 3 }, retryIn: 2, why: "exit 3" });
    const table = await status(fakeSupervisor(crashing, statusOf("db", { why: "exit 3" })));
    expect(table.match(/^web .*$/m)?.[0]).toMatch(/exit 3 +next try in 2s$/);
    expect(table.match(/^db .*$/m)?.[0]).toMatch(/exit 3$/);
    expect(await status(fakeSupervisor(crashing), ["web"])).not.toContain("why");
  });

  test("shows lines that end in CRLF without their CR", async () => {
    const fake = fakeSupervisor(statusOf("web"));
    fake.print("web", "listening\r");
    expect(await status(fake, ["web"])).toMatch(/^ {2}listening$/m);
  });

  test("cuts its last column to a terminal, and only to a terminal", async () => {
    const onTerminal = await status(several(), [], { tty: true, columns: 70 });
    expect(Math.max(...onTerminal.split("\n").map(width))).toBe(70);
    expect(onTerminal).toContain("…");
    expect(await status(several(), [], { columns: 70 })).not.toContain("…");
  });

  test("has colours only where they are wanted, and they move nothing", async () => {
    const colored = await status(several(), [], { color: true });
    expect(colored).toContain("\u001b[");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
    expect(colored.replace(/\u001b\[\d+m/g, "")).toBe(await status(several()));
  });

  test("of one service shows why, what is next and its last output", async () => {
    const fake = several();
    fake.print("db", "first");
    fake.print("db", "cannot bind: \u001b[31maddress in use");
    expect(`\n${await status(fake, ["db"])}`).toMatchInlineSnapshot(`
      "
      ● db  backoff
        since      2026-11-21 20:15:01Z, for 1m 30s
        wanted     up
        restarts   12
        last exit  killed by SIGKILL
        next try   in 3.2s

        last output
        first
        cannot bind: ?[31maddress in use
      "
    `);
  });

  test("prints JSON that is a list, whatever the number", async () => {
    for (const words of [
      ["-o", "json"],
      ["db", "-o", "json"],
    ])
      expect(JSON.parse(await status(several(), words))).toBeInstanceOf(Array);
    expect(JSON.parse(await status(fakeSupervisor(), ["-o", "json"]))).toEqual([]);
    const many = fakeSupervisor(...Array.from({ length: 1_234 }, (_, at) => statusOf(`s${at}`)));
    expect(JSON.parse(await status(many, ["-o", "json"]))).toHaveLength(1_234);
  });

  test("prints bare names", async () => {
    expect(await status(several(), ["-o", "name"])).toBe("app\ndb\njob\nsshd\nweb\n");
  });

  test("says what to do where there is no service", async () => {
    expect(await status(fakeSupervisor())).toContain("put a directory");
  });

  test("lets no control character of a service through", async () => {
    const evil = statusOf("\u001b]0;x\u0007", { why: "a\nb\u009bc" });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect((await status(fakeSupervisor(evil))).replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });
});

test.each([
  [0, "0s"],
  [0.34, "0.3s"],
  [9.96, "10s"],
  [59.4, "59s"],
  [60, "1m"],
  [125, "2m 5s"],
  [11_045, "3h 4m"],
  [90_000, "1d 1h"],
])("%d seconds read as %s", (seconds, text) => {
  expect(span(seconds)).toBe(text);
});

test("a text is cut by what it takes on the terminal", () => {
  expect(cut("日本語日本語", 6)).toBe("日本…");
  expect(width("日本é")).toBe(5);
});
