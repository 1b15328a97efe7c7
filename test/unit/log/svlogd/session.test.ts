import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { createDesk } from "../../../../src/log/svlogd/desk.ts";
import { engine } from "../../../../src/log/svlogd/engine.ts";
import { serveHanded } from "../../../../src/log/svlogd/session.ts";

test("a ledger that is no memory file is refused, though it is our own user's", async () => {
  const directory = mkdtempSync(join(tmpdir(), "upkeep-session-"));
  const fd = openSync(join(directory, "memfd:svlogd"), "w+");
  onTestFinished(() => {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  });
  const handed = {
    pid: process.pid,
    ledger: fd,
    listener: -1,
    verbose: false,
    options: {},
    directories: [],
  };
  const parts = { uid: process.getuid?.() ?? 0, desk: createDesk(), engine, warn: () => {} };
  const socket = new PassThrough();
  const said = new Promise((resolve) => socket.once("data", resolve));
  let isOver = false;
  serveHanded(socket, handed, parts, () => {
    isOver = true;
  });
  expect(isOver).toBe(true);
  expect(String(await said)).toBe('{"no":"its ledger is not our user\'s"}\n');
});
