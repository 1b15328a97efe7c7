import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { prefixFormat } from "../../../src/log/format.ts";
import type { PipeOptions, Takeover } from "../../../src/log/pipe.ts";
import { createReader } from "../../../src/log/reader.ts";
import { createRing } from "../../../src/log/ring.ts";
import { createSink } from "../../../src/log/sink.ts";
import { fakeClock, fakeCore, fakeLoop, fakePipes, fakeSink, seeded } from "./fakes.ts";

function start() {
  const log: string[] = [];
  const core = fakeCore(log);
  const clock = fakeClock();
  const loop = fakeLoop();
  const pipes = fakePipes(log);
  const out = fakeSink(log);
  const lost: unknown[] = [];
  const saids: (() => void)[] = [];
  let isCoreBusy = false;
  const failed: unknown[] = [];
  const reader = createReader({
    core: { ...core, taking: (tag) => core.taking(tag) && !isCoreBusy },
    clock,
    soon: loop.soon,
    read: pipes.read,
    wallTime: () => 1,
    onLost(tag, { bytes, atMost }, said) {
      lost.push([tag, bytes, atMost]);
      saids.push(said);
    },
    onFailed: (tag, code) => failed.push([tag, code]),
  });
  const add = (tag: string, fd: number, options: Partial<PipeOptions> = {}) =>
    reader.add(tag, {
      fd,
      lineMax: 65536,
      ring: null,
      to: { sink: out.sink, format: prefixFormat(tag, { timestamps: false, terminal: null }) },
      ...options,
    });
  /** The log since the last call. */
  const news = () => log.splice(0);
  /** Something comes, the core says so, and the loop turns. */
  const come = (tag: string, fd: number, text: string) => {
    pipes.put(fd, text);
    reader.readable(tag);
    loop.run();
  };
  const setCoreBusy = (value: boolean) => {
    isCoreBusy = value;
  };
  return { clock, loop, pipes, out, lost, saids, failed, reader, add, news, come, setCoreBusy };
}

describe("the protocol with the core", () => {
  test("tells before it reads, says what it holds, and says drained only when all is written", () => {
    const { out, add, news, come } = start();
    add("a", 3);
    come("a", 3, "one\ntwo\nthr");
    expect(news()).toEqual(["taking a", "read 11", "held a 11 3", "write 16"]);
    expect(out.accept()).toBe("[a] one\n[a] two\n");
    expect(news()).toEqual(["drained a 3"]);
  });

  test("counts the unfinished line among what it holds", () => {
    const { out, clock, add, news, come } = start();
    add("a", 3);
    come("a", 3, "thr");
    expect(news()).toEqual(["taking a", "read 3", "held a 3 3", "drained a 3"]);
    clock.advance(10);
    come("a", 3, "ee\nfo");
    expect(news().slice(0, 3)).toEqual(["taking a", "read 5", "held a 8 2"]);
    expect(out.accept()).toBe("[a] three\n");
  });

  test("reads nothing while the core cannot be told of it", () => {
    const { out, loop, clock, add, news, come, setCoreBusy } = start();
    add("a", 3);
    setCoreBusy(true);
    come("a", 3, "one\n");
    expect(news()).toEqual(["taking a"]);
    clock.advance(10);
    loop.run();
    expect(news()).toEqual(["taking a"]);
    setCoreBusy(false);
    clock.advance(10);
    loop.run();
    expect(news().slice(0, 2)).toEqual(["taking a", "read 4"]);
    expect(out.accept()).toBe("[a] one\n");
  });

  test("says drained after an empty pipe, too", () => {
    const { reader, loop, add, news } = start();
    add("a", 3);
    reader.readable("a");
    loop.run();
    expect(news()).toEqual(["taking a", "read 0", "drained a 0"]);
  });

  test("holds one chunk at a time, and reads on only when it is written", () => {
    const { out, loop, add, news, come } = start();
    add("a", 3);
    come("a", 3, "x".repeat(63).concat("\n").repeat(1025));
    expect(news()).toEqual(["taking a", "read 65536", "held a 65536 0", `write ${65536 + 1024 * 4}`]);
    out.accept();
    loop.run();
    expect(news()).toEqual(["taking a", "read 64", "held a 64 0", "write 68"]);
    out.accept();
    expect(news()).toEqual(["drained a 0"]);
  });

  test("keeps the order taking, read, held, written, drained under any load", () => {
    const { out, loop, pipes, reader, clock, add, news } = start();
    const random = seeded(11);
    const tags = ["a", "b", "c"] as const;
    const sent = { a: "", b: "", c: "" };
    const armed = { a: true, b: true, c: true };
    tags.forEach((tag, index) => {
      add(tag, index, { lineMax: 50 });
    });
    const all: string[] = [];
    for (let step = 0; step < 3000 || tags.some((_, index) => pipes.left(index) > 0); step++) {
      const index = Math.floor(random() * 3);
      const tag = tags[index] as (typeof tags)[number];
      if (step < 3000) {
        const text = Array.from({ length: Math.floor(random() * 60) }, () => (random() < 0.1 ? "\n" : tag)).join("");
        pipes.put(index, text);
        sent[tag] += text;
      }
      tags.forEach((other, fd) => {
        if (!armed[other] || pipes.left(fd) === 0) return;
        armed[other] = false;
        reader.readable(other);
      });
      if (random() < 0.5) loop.turn();
      if (random() < 0.3) out.accept();
      clock.advance(Math.floor(random() * 6));
      const now = news();
      all.push(...now);
      for (const line of now) if (line.startsWith("drained")) armed[line[8] as "a"] = true;
    }
    for (let end = 0; end < 5; end++) {
      loop.run();
      out.accept();
      clock.advance(20);
    }
    all.push(...news());
    for (const tag of tags) {
      const steps = all.filter((line) => line.split(" ")[1] === tag).map((line) => line.split(" ")[0]);
      expect(steps.join(" ")).toMatch(/^((taking held )*taking (held )?drained ?)+$/);
      const got = out
        .accept()
        .split("\n")
        .filter((line) => line.startsWith(`[${tag}]`))
        .map((line) => line.slice(4).replace(/\\$/, ""))
        .join("");
      const lines = sent[tag].slice(0, sent[tag].lastIndexOf("\n"));
      expect(got.replace(/[ +]/g, "").startsWith(lines.replaceAll("\n", ""))).toBe(true);
    }
  });
});

describe("back-pressure", () => {
  test("leaves a pipe alone while its sink is full", () => {
    const { out, loop, pipes, add, news, come } = start();
    add("a", 3);
    out.setRoom(false);
    come("a", 3, "one\n");
    expect([news(), pipes.left(3)]).toEqual([[], 4]);
    out.setRoom(true);
    loop.run();
    expect(news()).toEqual(["taking a", "read 4", "held a 4 0", "write 8"]);
  });

  test("of one sink does not hold up another, nor a ring without a sink", () => {
    const { out, add, news, come } = start();
    const other = fakeSink();
    const ring = createRing("c");
    add("a", 3);
    add("b", 4, { to: { sink: other.sink, format: prefixFormat("b", { timestamps: false, terminal: null }) } });
    add("c", 5, { to: null, ring });
    out.setRoom(false);
    come("a", 3, "one\n");
    come("b", 4, "two\n");
    come("c", 5, "three\n");
    expect(other.accept()).toBe("[b] two\n");
    expect(ring.last(1)[0]?.line.toString()).toBe("three");
    expect(news().filter((line) => / c\b/.test(line))).toEqual(["taking c", "held c 6 0", "drained c 0"]);
  });

  test("a line of 10 MB passes in pieces", () => {
    const { out, loop, pipes, reader, add } = start();
    add("a", 3);
    pipes.put(3, "x".repeat(10 * 1024 * 1024).concat("\n"));
    reader.readable("a");
    let longest = 0;
    let total = 0;
    while (pipes.left(3) > 0) {
      loop.turn();
      expect(out.queued()).toBeLessThanOrEqual(1);
      out.accept();
    }
    loop.run();
    for (const line of out.accept().trimEnd().split("\n")) {
      longest = Math.max(longest, line.length);
      total += line.replaceAll(/[^x]/g, "").length;
    }
    expect([longest, total]).toEqual([65536 + "[a] \\".length, 10 * 1024 * 1024]);
  });
});

describe("turns", () => {
  test("everyone gets one read before anyone gets a second", () => {
    const { out, loop, pipes, reader, add, news } = start();
    for (const [fd, tag] of ["a", "b", "c"].entries()) {
      add(tag, fd);
      pipes.put(fd, `${"x".repeat(99)}\n`.repeat(2000));
      reader.readable(tag);
    }
    for (let round = 0; round < 3; round++) {
      loop.turn();
      out.accept();
    }
    const taken = news().filter((line) => line.startsWith("taking"));
    expect(taken.map((line) => line[7]).join("")).toBe("abcabcabc");
  });

  test("the first line after quiet is read at once, the next ones are gathered for 10 ms", () => {
    const { out, loop, pipes, reader, clock, add, news, come } = start();
    add("a", 3);
    come("a", 3, "1\n");
    out.accept();
    expect(news()).toContain("read 2");
    come("a", 3, "2\n");
    clock.advance(9);
    loop.run();
    pipes.put(3, "3\n");
    expect(news()).toEqual([]);
    clock.advance(1);
    loop.run();
    expect(news()).toContain("read 4");
    out.accept();
    clock.advance(10);
    come("a", 3, "4\n");
    expect(out.accept()).toBe("[a] 1\n[a] 2\n[a] 3\n[a] 4\n");
    expect(reader.idle(["a"])).toBe(true);
    expect(clock.count()).toBe(0);
  });

  test("much is read on without waiting", () => {
    const { out, add, news, come } = start();
    add("a", 3);
    come("a", 3, `${"x".repeat(4095)}\n`);
    out.accept();
    news();
    come("a", 3, "y\n");
    expect(news()).toContain("read 2");
  });
});

describe("the end of a process", () => {
  test("gives the unfinished line a newline", async () => {
    const { out, loop, pipes, reader, clock, add, news, come } = start();
    add("a", 3);
    come("a", 3, "half");
    pipes.put(3, " a line");
    const flushed = reader.flush("a");
    loop.run();
    expect(reader.idle(["a"])).toBe(false);
    expect(out.accept()).toBe("[a] half a line\n");
    await flushed;
    expect(news().at(-1)).toBe("drained a 0");
    clock.advance(10);
    come("a", 3, "next\n");
    expect(out.accept()).toBe("[a] half a line\n[a] next\n");
  });

  test("waits for what is being written and what is in the pipe", async () => {
    const { out, loop, pipes, reader, add, come } = start();
    add("a", 3);
    come("a", 3, "one\n");
    pipes.put(3, "two");
    let isDone = false;
    const flushed = reader.flush("a").then(() => {
      isDone = true;
    });
    expect(reader.flush("a")).toBe(reader.flush("a"));
    out.accept();
    await Promise.resolve();
    expect(isDone).toBe(false);
    loop.run();
    expect(out.accept()).toBe("[a] one\n[a] two\n");
    await flushed;
  });

  test("leaves nothing of a removed pipe but its last line", async () => {
    const { out, loop, reader, add, news, come } = start();
    add("a", 3);
    come("a", 3, "one\nhalf");
    const flushed = reader.flush("a");
    reader.remove("a");
    news();
    expect(out.accept()).toBe("[a] one\n[a] half\n");
    await flushed;
    loop.run();
    reader.readable("a");
    await reader.flush("a");
    expect(news()).toEqual([]);
  });

  test("is known when everything is written", async () => {
    const { out, reader, loop, add, come } = start();
    add("a", 3);
    add("b", 4);
    await reader.whenWritten();
    come("a", 3, "one\n");
    come("b", 4, "two\n");
    let isDone = false;
    const written = reader.whenWritten().then(() => {
      isDone = true;
    });
    await Promise.resolve();
    expect([isDone, reader.idle(["a"]), reader.idle(["nobody"])]).toEqual([false, false, true]);
    out.accept();
    loop.run();
    await written;
    expect(reader.idle(["a", "b"])).toBe(true);
  });
});

describe("after a manager that died", () => {
  const take = (takeover: Takeover) => {
    const parts = start();
    parts.add("a", 3, { takeover });
    return parts;
  };

  test("tells at once how much it had, drops the tail of the line it had begun, and tells of that", () => {
    const { out, lost, clock, news, come } = take({ skip: true, lost: 10, atMost: false });
    come("a", 3, "tail");
    // Should this manager die as well, the next one must know of both; the core keeps the 10.
    expect([lost, news().at(-1)]).toEqual([[["a", 10, false]], "drained a 4"]);
    clock.advance(10);
    come("a", 3, " end\nwhole\n");
    expect(out.accept()).toBe("[a] whole\n");
    expect([lost.slice(1), news().at(-1)]).toEqual([[["a", 9, false]], "drained a 0"]);
  });

  test("tells nothing where nothing was taken", () => {
    expect(take({ skip: false, lost: 10, atMost: false }).lost).toEqual([["a", 10, false]]);
    expect(take({ skip: false, lost: 0, atMost: false }).lost).toEqual([]);
  });

  test("has the core keep the count until somebody could read of it", () => {
    const { saids, news, come, out } = take({ skip: true, lost: 10, atMost: false });
    come("a", 3, "tail\nwhole\n");
    out.accept();
    expect(news()).toEqual(["lost a 10", "taking a", "read 11", "lost a 15", "held a 6 0", "write 10", "drained a 0"]);
    for (const said of saids) said();
    expect(news()).toEqual(["lost a 5", "lost a 0"]);
  });

  test("still has a tail to skip after a look at an empty pipe", () => {
    const { reader, loop, news } = take({ skip: true, lost: 10, atMost: false });
    reader.readable("a");
    loop.run();
    expect(news()).toEqual(["lost a 10", "taking a", "read 0", "drained a 1"]);
  });

  test("tells a bound where the dead one could not say what it had read", () => {
    const { lost, come } = take({ skip: true, lost: 65536, atMost: true });
    come("a", 3, "t\n");
    expect(lost).toEqual([
      ["a", 65536, true],
      ["a", 2, false],
    ]);
  });

  test("skips no further than to the end of the process: what the next one writes is whole", () => {
    const { out, loop, reader, clock, news, come } = take({ skip: true, lost: 3, atMost: false });
    reader.readable("a");
    loop.run();
    expect(news().at(-1)).toBe("drained a 1");
    reader.endLine("a");
    loop.run();
    expect(news().at(-1)).toBe("drained a 0");
    clock.advance(10);
    come("a", 3, "new\n");
    expect(out.accept()).toBe("[a] new\n");
  });

  test("tells at the end of the process, if the tail has no end", async () => {
    const { lost, out, loop, reader, clock, come } = take({ skip: true, lost: 3, atMost: false });
    come("a", 3, "tail");
    const flushed = reader.flush("a");
    loop.run();
    await flushed;
    expect(lost).toEqual([
      ["a", 3, false],
      ["a", 4, false],
    ]);
    clock.advance(10);
    come("a", 3, "new\n");
    expect(out.accept()).toBe("[a] new\n");
  });
});

describe("a pipe that fails", () => {
  test("is told once and never read again, and harms no other", async () => {
    const log: string[] = [];
    const failed: unknown[] = [];
    const loop = fakeLoop();
    const reader = createReader({
      core: fakeCore(log),
      clock: fakeClock(),
      soon: loop.soon,
      read: () => {
        throw Object.assign(new Error("bad"), { code: "EBADF" });
      },
      onFailed: (tag, code) => failed.push([tag, code]),
    });
    reader.add("a", { fd: 3, lineMax: 100, to: null, ring: null });
    const flushed = reader.flush("a");
    loop.run();
    reader.readable("a");
    loop.run();
    await flushed;
    await reader.whenWritten();
    expect([failed, log]).toEqual([[["a", "EBADF"]], ["taking a"]]);
  });

  test("is not asked again once the core has closed its other end", () => {
    const log: string[] = [];
    const loop = fakeLoop();
    const reader = createReader({ core: fakeCore(log), clock: fakeClock(), soon: loop.soon, read: () => 0 });
    reader.add("a", { fd: 3, lineMax: 100, to: null, ring: null });
    reader.readable("a");
    loop.run();
    expect([log, reader.idle(["a"])]).toEqual([["taking a"], true]);
  });
});

describe("on a real pipe", () => {
  test("every byte that a process writes comes out, in order", async () => {
    const dir = mkdtempSync(join(tmpdir(), "upkeep-reader-"));
    const path = join(dir, "fifo");
    await execa("mkfifo", [path]);
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const held = openSync(path, constants.O_WRONLY);
    const outFd = openSync(join(dir, "out"), "w");
    const reader = createReader({
      // A core whose poll says `readable` at once: an empty read is the worst that it may cause.
      core: {
        taking: () => true,
        held: () => {},
        enlarge: () => {},
        lost: () => {},
        drained: () => setImmediate(() => reader.readable("a")),
      },
    });
    const format = prefixFormat("a", { timestamps: false, terminal: null });
    reader.add("a", { fd, lineMax: 65536, ring: null, to: { sink: createSink(outFd), format } });
    reader.readable("a");
    await execa("sh", ["-c", `seq 1 200000 > ${path}; printf end > ${path}`]);
    await reader.flush("a");
    reader.remove("a");
    const expected = Array.from({ length: 200_000 }, (_, index) => `[a] ${index + 1}\n`).join("");
    expect(readFileSync(join(dir, "out"), "latin1") === `${expected}[a] end\n`).toBe(true);
    for (const one of [fd, held, outFd]) closeSync(one);
    rmSync(dir, { recursive: true });
  });
});

describe("a changed destination", () => {
  test("is used from the next read on, even if the old one is full", () => {
    const { out, loop, reader, add, come } = start();
    const other = fakeSink();
    add("a", 3);
    out.setRoom(false);
    come("a", 3, "one\n");
    reader.redirect("a", { sink: other.sink, format: prefixFormat("new", { timestamps: false, terminal: null }) });
    loop.run();
    expect(other.accept()).toBe("[new] one\n");
  });
});
