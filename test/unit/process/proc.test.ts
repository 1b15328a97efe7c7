import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { isOwnProc, processOf } from "../../../src/process/proc.ts";

test("/proc is our own if it knows us and our parent by our numbers; a process with the same parent is not enough", async () => {
  const child = spawn("sleep", ["1000"]);
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  expect(processOf(pid)).toMatchObject({ pid, ppid: process.pid });
  expect(isOwnProc(process.pid, process.ppid)).toBe(true);
  expect(isOwnProc(process.pid, process.pid)).toBe(false);
  expect(isOwnProc(pid, process.pid)).toBe(false);
});
