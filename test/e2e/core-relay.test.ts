// What becomes of the services' output and of the stop while nobody but the core is there.
import { closeSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildCore, start, startCore, type Tools } from "../helpers/core.ts";
import { eventually, throughout } from "../helpers/eventually.ts";
import { drain, realPipe } from "../helpers/pid-namespace.ts";
import { children, send } from "../helpers/proc.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";

let tools: Tools;
beforeAll(async () => {
  tools = await buildCore();
});

const shell = (text: string) => ["arg=/bin/sh", "arg=-c", `arg=${text}`] as const;

/** A Node that comes once as the driver, and afterwards does nothing: no manager is ever ready again. */
function onceNode(): string {
  const directory = temporaryDirectory();
  const node = join(directory, "node");
  const text = `#!/bin/sh\nif mkdir ${directory}/came 2>/dev/null; then exec ${tools.driver} "$@"; fi\nexec sleep 60\n`;
  writeFileSync(node, text, { mode: 0o755 });
  return node;
}

test("with no manager for 2 s, whole lines go to standard error, and half a line waits for its end", async () => {
  const core = await startCore(tools, { env: { UPKEEP_NODE: onceNode() } });
  const driver = await core.ready();
  driver.send("pipe", "web", "1");
  const go = join(temporaryDirectory(), "go");
  await start(
    driver,
    ...shell(`echo one; printf half; until [ -e ${go} ]; do sleep 0.05; done; echo way; exec sleep 60`),
    "out=pipe:web",
  );
  await driver.heard("readable");
  send(driver.pid, "SIGKILL");
  await eventually("the line is there", () => core.stderr().includes("\none\n"));
  await throughout("half a line is not", () => !core.stderr().includes("half"), 300);
  writeFileSync(go, "");
  await eventually("the whole line is", () => core.stderr().endsWith("\none\nhalfway\n"));
});

test("while nobody reads standard error, the core goes on, and loses no line once it is read", async () => {
  const pipe = await realPipe();
  onTestFinished(() => {
    closeSync(pipe.read);
    closeSync(pipe.write);
  });
  const core = await startCore(tools, { env: { UPKEEP_NODE: onceNode() }, stdio: ["ignore", "ignore", pipe.write] });
  const driver = await core.ready();
  driver.send("pipe", "web", "1");
  const { id } = await start(driver, ...shell("seq 1 40000"), "out=pipe:web");
  await driver.heard("readable");
  send(driver.pid, "SIGKILL");
  // seq(1) waits for room, the core does not: it reaps what ends meanwhile.
  await throughout("the core lives, and seq with it", () => children(core.pid).length >= 1, 2500);
  expect(id).toBeTruthy();
  let text = "";
  await eventually("all is read", () => {
    text += drain(pipe.read).toString();
    return text.includes("\n40000\n");
  });
  const numbers = text.split("\n").filter((line) => /^\d+$/.test(line));
  expect(numbers).toEqual(Array.from({ length: 40_000 }, (_, i) => String(i + 1)));
});

test("a stop that the core does alone lets a service write that has to before it can end", async () => {
  const core = await startCore(tools);
  const driver = await core.ready();
  driver.send("pipe", "web", "1");
  // 300 KB on TERM: more than its pipe holds, so that it ends only if somebody reads.
  await start(
    driver,
    ...shell(
      `trap 'head -c 300000 /dev/zero | tr "\\0" x | fold -w 99; echo; echo written; exit' TERM; echo set; while :; do sleep 0.05; done`,
    ),
    "out=pipe:web",
  );
  await driver.heard("readable");
  send(core.pid, "SIGTERM");
  expect(await core.exit()).toEqual({ code: 111 });
  const lines = core.stderr().split("\n");
  expect(lines.filter((line) => /^x+$/.test(line)).join("").length).toBe(300_000);
  expect(lines).toContain("written");
});
