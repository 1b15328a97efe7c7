// One boot of one subject: the program `stage` outside, the subject as PID 1 inside, and the file of records between.
import { spawn } from "node:child_process";
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync } from "node:fs";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const recordBytes = 32;
const running = 1;

/** Starts `argv` as PID 1 of fresh namespaces. `close()` ends it and everything it started. Times are ns. */
export async function openStage({ paths, argv, output, env }) {
  const file = openSync(paths.records, "r+");
  ftruncateSync(file);
  const stage = spawn(paths.stage, [output, ...argv], { env, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: stage.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => stage.once("close", resolve));
  stage.stdin.on("error", () => {}); // EPIPE: PID 1 ended before the order; the answer read next says so
  const answer = async () => (await lines.next()).value?.split(" ") ?? ["gone"];
  const order = (...words) => {
    stage.stdin.write(`${words.join("\t")}\n`);
    return answer();
  };

  const close = async () => {
    stage.stdin.end();
    await ended;
    closeSync(file);
  };
  const [word, pid, at] = await answer();
  if (word !== "started") {
    await close();
    throw new Error(`cannot start ${argv[0]}: see the line above`);
  }

  return {
    pid: Number(pid),
    startedAt: Number(at),
    close,
    /** Waits for the `count`th record and returns all, in order of arrival; undefined after `limitMs`. */
    async records(count, limitMs) {
      const before = performance.now() + limitMs;
      while (fstatSync(file).size < count * recordBytes) {
        if (performance.now() > before || stage.exitCode !== null) return undefined;
        await pause(4); // far apart: the time is in the record, looking only takes processor from the subject
      }
      return readRecords(file);
    },
    /** Sends a signal to a process as seen from here; returns the moment just before. */
    async signal(target, name) {
      const [said, when] = await order("signal", target, constants.signals[name]);
      return said === "signalled" ? Number(when) : undefined;
    },
    /** Runs a command `count` times inside the namespaces; returns the ns of each, undefined for one that failed. */
    async time(count, command) {
      const [said, ...took] = await order("time", count, ...command);
      return said === "timed" ? took.map((ns) => (ns === "-1" ? undefined : Number(ns))) : [];
    },
    /** Waits for PID 1's end; returns the moment, or undefined after `limitMs`. */
    async exited(limitMs) {
      const timer = new AbortController();
      const late = pause(limitMs, ["late"], { signal: timer.signal }).catch(() => ["late"]);
      const [said, , when] = await Promise.race([answer(), late]);
      timer.abort();
      return said === "exited" ? Number(when) : undefined;
    },
    /** The pid, as seen from here, of a process that counts itself as `inner`. */
    outerPid: (inner, candidates) => candidates.find((candidate) => innerPid(candidate) === inner),
  };
}

function readRecords(file) {
  const bytes = Buffer.alloc(fstatSync(file).size);
  readSync(file, bytes, 0, bytes.length, 0);
  return Array.from({ length: Math.floor(bytes.length / recordBytes) }, (_, index) => {
    const at = index * recordBytes;
    return {
      at: Number(bytes.readBigInt64LE(at)),
      pid: bytes.readInt32LE(at + 8),
      isRunning: bytes.readInt32LE(at + 12) === running,
      took: Number(bytes.readBigInt64LE(at + 16)),
      waiting: bytes.readInt32LE(at + 24),
      left: bytes.readInt32LE(at + 28),
    };
  });
}

function innerPid(pid) {
  try {
    const ids = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return Number(ids?.[1].split(/\s+/).at(-1));
  } catch {
    return undefined; // it ended meanwhile
  }
}
