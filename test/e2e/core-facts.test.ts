// What the core remembers and tells: exits, signals, orphans, blobs; to this manager and to the next one.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { encode } from "../../src/channel/messages.ts";
import { buildCore, type Driver, run, start, startCore, type Tools } from "../helpers/core.ts";
import { eventually, throughout } from "../helpers/eventually.ts";
import { children, isAlive, send, stat, zombies } from "../helpers/proc.ts";

let tools: Tools;
beforeAll(async () => {
  tools = await buildCore();
});

/** O_NONBLOCK, of x86-64 and arm64. */
const NONBLOCK = 0o4000;
const SLEEP = ["arg=/bin/sleep", "arg=60"] as const;
const die = (driver: Driver) => send(driver.pid, "SIGKILL");
/** So that nothing that the core hears in between is acted on before we want it. */
const stopped = async (pid: number, work: () => Promise<unknown>) => {
  send(pid, "SIGSTOP");
  await work();
  send(pid, "SIGCONT");
};

test("hello says version, pid, that we are not PID 1, and an instance of 31 bits; then begin", async () => {
  const core = await startCore(tools);
  const driver = await core.manager();
  expect(driver.messages().map(({ name }) => name)).toEqual(["hello", "begin"]);
  const [version, pid, first, instance] = driver.messages("hello")[0]?.fields ?? [];
  expect([version, pid, first]).toEqual(["1", String(core.pid), "0"]);
  expect(Number(instance) & 0x40000000).toBe(0x40000000);
  expect(Number(instance)).toBeLessThan(2 ** 31);
});

test("hello of the next manager has children, pipes, blobs, and readiness; facts follow once it is ready", async () => {
  const core = await startCore(tools);
  const first = await core.ready();
  const alive = await start(first, ...SLEEP);
  const ready = await start(first, "arg=/bin/sh", "arg=-c", "arg=echo >&3; exec sleep 60", "notify=3");
  await first.heard("notify");
  first.send("pipe", "web", "1");
  first.send("pipe", "log", "0");
  first.send("remember", "web", "blob of web");
  first.send("remember", "gone", "x");
  first.send("remember", "web", "newer");
  first.send("forget", "gone");
  await first.heard("piped", (fields) => fields[0] === "log");
  const dead = await start(first, "arg=/bin/sh", "arg=-c", "arg=exit 7");
  await first.heard("exited");
  die(first);
  const second = await core.manager();
  expect(second.messages("child").map(({ fields }) => fields)).toEqual([
    [alive.id, String(alive.pid), "0", "1"],
    [ready.id, String(ready.pid), "1", "1"],
    [dead.id, String(dead.pid), "0", "1"],
  ]);
  expect(second.messages("log").map(({ fields }) => fields)).toEqual([
    ["web", "1", "0", "0"],
    ["log", "0", "0", "0"],
  ]);
  expect(second.messages("blob").map(({ fields }) => fields)).toEqual([["web", "newer"]]);
  expect(second.messages("exited")).toEqual([]);
  second.send("ready");
  expect((await second.heard("exited")).slice(1)).toEqual([dead.id, String(dead.pid), "7", "0"]);
  await second.handle(({ message }) => message.pipe === "web");
});

test("an exit is told to every manager until it is acknowledged, and its blob comes with the acknowledgment", async () => {
  const core = await startCore(tools);
  const first = await core.ready();
  first.send("remember", "web", "running");
  const { id } = await start(first, "arg=/bin/sh", "arg=-c", "arg=kill -SEGV $$");
  const told = await first.heard("exited");
  expect(told.slice(3)).toEqual(["-1", String(constants.signals.SIGSEGV)]);
  die(first);
  const second = await core.ready();
  expect(await second.heard("exited")).toEqual(told);
  second.send("ack", told[0] ?? "", "web", "ended");
  // Known to be done when a later answer is there.
  await run(second, ["/bin/true"]);
  die(second);
  const third = await core.ready();
  expect(third.messages("blob").map(({ fields }) => fields)).toEqual([["web", "ended"]]);
  expect(third.messages("child").some(({ fields }) => fields[0] === id)).toBe(false);
  await run(third, ["/bin/true"]);
  expect(third.messages("exited").filter(({ fields }) => fields[1] === id)).toEqual([]);
});

test("200 exits while no manager lives are all told, once, in order of their ends, and acknowledged in any order", async () => {
  const core = await startCore(tools);
  const first = await core.ready();
  const ids = [];
  for (let i = 0; i < 200; i++) ids.push((await start(first, ...SLEEP)).id);
  await stopped(core.pid, async () => {
    die(first);
    for (const child of children(core.pid)) send(child, "SIGKILL");
  });
  const second = await core.ready();
  await eventually("all are told", () => second.messages("exited").length === 200);
  const told = second.messages("exited").map(({ fields }) => fields);
  expect(new Set(told.map((fields) => fields[1]))).toEqual(new Set(ids));
  const serials = told.map((fields) => Number(fields[0]));
  expect(serials).toEqual([...serials].sort((a, b) => a - b));
  for (const serial of serials.filter((each) => each % 3 !== 0).reverse()) second.send("ack", String(serial));
  await run(second, ["/bin/true"]);
  die(second);
  const third = await core.ready();
  const left = serials.filter((each) => each % 3 === 0).map(String);
  await eventually("the rest is told", () => third.messages("exited").length === left.length);
  expect(third.messages("exited").map(({ fields }) => fields[0])).toEqual(left);
});

test("complete frames of a dead manager are executed, half of one is not", async () => {
  const core = await startCore(tools);
  const first = await core.ready();
  await stopped(core.pid, async () => {
    const whole = Buffer.concat([encode("spawn", ["5.1", "5", ...SLEEP]), encode("remember", ["whole", "yes"])]);
    const before = first.written();
    const half = encode("remember", ["half", "no"]);
    first.raw(Buffer.concat([whole, half.subarray(0, half.length - 1)]));
    await eventually("it is in the channel", () => first.written() >= before + whole.length + half.length - 1);
    die(first);
    await eventually("it is dead", () => !isAlive(first.pid));
  });
  const second = await core.manager();
  expect(second.messages("blob").map(({ fields }) => fields)).toEqual([["whole", "yes"]]);
  expect(second.messages("child")[0]?.fields[0]).toBe("5.1");
});

test("every signal that can be caught is a fact, the real-time ones too, with its sender", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  driver.send("stop_on");
  await run(driver, ["/bin/true"]);
  const numbers = [...Array(64).keys()]
    .map((i) => i + 1)
    .filter((number) => ![9, 13, 17, 18, 19, 32, 33].includes(number));
  for (const number of numbers) send(core.pid, number);
  const heard = () => driver.messages("signal").map(({ fields }) => Number(fields[1]));
  await eventually("all are told", () => heard().length === numbers.length);
  expect(heard().sort((a, b) => a - b)).toEqual(numbers);
  // The kernel takes back stop signals for it, and it for them.
  send(core.pid, "SIGCONT");
  await eventually("it is told too", () => heard().includes(18));
  for (const { fields } of driver.messages("signal"))
    expect(fields.slice(2)).toEqual([String(process.pid), String(process.getuid?.())]);
  expect(new Set(driver.messages("signal").map(({ fields }) => fields[0])).size).toBe(numbers.length + 1);
});

test("a signal is told to the next manager unless it was acknowledged, and to none twice", async () => {
  const core = await startCore(tools);
  const first = await core.ready();
  send(core.pid, "SIGHUP");
  send(core.pid, "SIGUSR1");
  const [serial = ""] = await first.heard("signal", (fields) => fields[1] === "1");
  await first.heard("signal", (fields) => fields[1] === "10");
  first.send("ack", serial);
  await run(first, ["/bin/true"]);
  die(first);
  const second = await core.manager();
  send(core.pid, "SIGUSR2");
  await eventually("it has taken the signal", () => stat(core.pid)?.state === "S");
  second.send("ready");
  await second.heard("signal", (fields) => fields[1] === "12");
  await run(second, ["/bin/true"]);
  expect(second.messages("signal").map(({ fields }) => fields[1])).toEqual(["10", "12"]);
});

test("a flood of signals loses no stop signal", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  driver.send("stop_on", "15");
  await run(driver, ["/bin/true"]);
  for (let i = 0; i < 400; i++) send(core.pid, 40);
  await eventually("most are told", () => driver.messages("signal").length === 224);
  send(core.pid, "SIGTERM");
  await driver.heard("signal", (fields) => fields[1] === "15");
});

test("20,000 orphans are reaped and counted, with no zombie left and no exit of ours lost", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  // Whoever makes them stays: they are reaped as they come, and not at some later time.
  const line = `${tools.driver} orphans 20000 && exec sleep 60`;
  const storm = await start(driver, "arg=/bin/sh", "arg=-c", `arg=${line}`);
  const ids: string[] = [];
  for (let i = 0; i < 50; i++) ids.push((await start(driver, "arg=/bin/true")).id);
  const told = (id: string) => driver.messages("exited").some(({ fields }) => fields[1] === id);
  const count = () => driver.messages("orphans").reduce((sum, { fields }) => sum + Number(fields[0]), 0);
  await eventually("all are counted", () => count() >= 20_000 && ids.every(told), 45_000);
  expect(count()).toBe(20_000);
  expect(children(core.pid).sort()).toEqual([driver.pid, storm.pid].sort());
});

test("an orphan is told with its session and its end; a start that failed is none", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  driver.send("spawn", "8.1", "8", "arg=/nowhere");
  await driver.heard("failed");
  const { pid } = await start(driver, "arg=/bin/sh", "arg=-c", "arg=(exit 9) & exec sleep 60");
  await eventually("only its parent could reap it", () => zombies(pid).length === 1);
  send(pid, "SIGKILL");
  const [count, detail = ""] = await driver.heard("orphans");
  expect([count, ...detail.split(":").slice(1)]).toEqual(["1", String(pid), "9", "0"]);
});

test("of an orphan that ends between a manager's hello and its first word it is told afterwards", async () => {
  const core = await startCore(tools);
  const first = await core.ready();
  const leaving = await start(first, "arg=/bin/sh", "arg=-c", "arg=sleep 60 & wait");
  const left = await eventually("it has a child", () => children(leaving.pid)[0]);
  send(leaving.pid, "SIGKILL");
  await first.heard("exited");
  die(first);
  const second = await core.manager();
  // It may look at who lives from here on.
  send(left, "SIGKILL");
  await eventually("it is reaped", () => stat(left) === null);
  expect(second.messages("orphans")).toEqual([]);
  second.send("ready");
  expect(await second.heard("orphans")).toEqual(["1"]);
});

test("a stray is signalled only with the start time that is its own", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  const stray = spawn("/bin/sleep", ["60"], { stdio: "ignore" });
  onTestFinished(() => void stray.kill("SIGKILL"));
  const pid = await eventually("it runs", () => stray.pid);
  const began = stat(pid)?.startTime ?? 0;
  for (const wrong of [began + 1, began - 1, 1]) driver.send("stray", String(pid), String(wrong), "9");
  driver.send("stray", String(pid), "x", "9");
  driver.send("stray", "1", "0", "9");
  await run(driver, ["/bin/true"]);
  expect(isAlive(pid)).toBe(true);
  driver.send("stray", String(pid), String(began), "9");
  await eventually("it is dead", () => !isAlive(pid));
});

test("a kill reaches the process alone or its whole group, and nobody once its exit is known", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  const words = ["arg=/bin/sh", "arg=-c", "arg=sleep 60 & wait"] as const;
  const [one, other] = [await start(driver, ...words), await start(driver, ...words)];
  const child = await eventually("both have a child", () => (children(other.pid)[0] ? children(one.pid)[0] : null));
  const second = children(other.pid)[0] ?? 0;
  driver.send("kill", one.id, "15", "0");
  driver.send("kill", other.id, "15", "1");
  await driver.heard("exited", (fields) => fields[1] === one.id);
  await driver.heard("exited", (fields) => fields[1] === other.id);
  await eventually("its group is dead", () => !isAlive(second));
  driver.send("kill", one.id, "9", "1");
  driver.send("kill", "77.77", "9", "1");
  driver.send("kill", one.id, "0", "1");
  await run(driver, ["/bin/true"]);
  expect(isAlive(child)).toBe(true);
  send(child, "SIGKILL");
});

test("a child is reaped where SIGCHLD was inherited as ignored, and all signals as blocked", async () => {
  const core = await startCore(tools, {
    before: [tools.driver, "launch", "ignored:17", "ignored:10", "blocked", "--"],
  });
  const driver = await core.ready();
  expect((await run(driver, ["/bin/sh", "-c", "exit 4"])).code).toBe("4");
  send(core.pid, "SIGUSR1");
  await driver.heard("signal", (fields) => fields[1] === "10");
});

test("closed standard streams are /dev/null, for the manager and for services", async () => {
  const core = await startCore(tools, { before: [tools.driver, "launch", "closed:0", "closed:1", "closed:2", "--"] });
  const driver = await core.ready();
  driver.send("pipe", "out", "1");
  const { fd } = await driver.handle(({ message }) => message.pipe === "out");
  const { id } = await start(
    driver,
    "arg=/bin/ls",
    "arg=-l",
    "arg=/proc/self/fd",
    "in=inherit",
    "err=inherit",
    "out=pipe:out",
  );
  await driver.heard("exited", (fields) => fields[1] === id);
  expect((await driver.read(fd)).toString().match(/[02] -> \/dev\/null/g)).toEqual([
    "0 -> /dev/null",
    "2 -> /dev/null",
  ]);
});

test("standard streams are blocking for services: at the start, and again for each new manager", async () => {
  const core = await startCore(tools, { before: [tools.driver, "launch", "nonblocking:2", "--"] });
  const first = await core.ready();
  const flags = async (driver: Driver) => {
    const { output } = await run(driver, ["/bin/sh", "-c", "cat /proc/self/fdinfo/9 9>&2"], "err=inherit");
    return Number.parseInt(output.toString().match(/flags:\s*(\d+)/)?.[1] ?? "", 8) & NONBLOCK;
  };
  expect(await flags(first)).toBe(0);
  await run(first, [tools.driver, "launch", "nonblocking:2", "--", "/bin/true"], "err=inherit");
  expect(await flags(first)).toBe(NONBLOCK);
  die(first);
  expect(await flags(await core.ready())).toBe(0);
});

test("a stop signal that nobody answers ends everything by TERM within the second, whatever else is said", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  const { pid } = await start(driver, ...SLEEP);
  send(core.pid, "SIGTERM");
  await driver.heard("signal");
  expect(await core.exit()).toEqual({ code: 111 });
  expect(isAlive(pid)).toBe(false);
});

test("a signal that becomes a stop signal while it waits harms nobody", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  send(core.pid, "SIGWINCH");
  const [serial = ""] = await driver.heard("signal");
  driver.send("stop_on", "28");
  await run(driver, ["/bin/true"]);
  await throughout("it goes on", () => isAlive(driver.pid) && isAlive(core.pid), 200);
  driver.send("ack", serial);
  driver.send("exit", "5");
  expect(await core.exit()).toEqual({ code: 5 });
});

test.each([
  ["named after the stop was asked for", "60000"],
  ["of more than a day", String(48 * 3_600_000)],
])("a budget %s is the one that counts", async (_, budget) => {
  const core = await startCore(tools);
  const driver = await core.ready();
  driver.send("budget", "1");
  const { pid } = await start(driver, ...SLEEP);
  if (budget.length > 5) driver.send("budget", budget);
  await run(driver, ["/bin/true"]);
  send(core.pid, "SIGTERM");
  const [serial = ""] = await driver.heard("signal");
  driver.send("ack", serial);
  driver.send("budget", budget);
  await throughout("it is left alone", () => isAlive(pid), 1000);
});

test("of what a dead manager was writing nobody knows how much is lost, and so it is told", async () => {
  const core = await startCore(tools);
  const first = await core.ready();
  first.send("pipe", "web", "1");
  first.send("taking", "web");
  first.send("held", "web", "1000", "10");
  await run(first, ["/bin/true"]);
  die(first);
  const second = await core.manager();
  const told = second.messages("log").find(({ fields }) => fields[0] === "web");
  expect(told?.fields).toEqual(["web", "1", "1", "-1000"]);
});
