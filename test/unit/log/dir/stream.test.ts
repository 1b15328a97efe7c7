import { expect, test } from "vitest";
import { DEFAULT_CONFIG } from "../../../../src/log/dir/config.ts";
import type { LogDirectory, LogSource, StreamOptions, Take } from "../../../../src/log/dir/model.ts";
import { createLogStream } from "../../../../src/log/dir/stream.ts";
import { fakeClock, fakeLoop } from "../fakes.ts";
import { failure, fakeTold } from "./fakes.ts";

/** A stream between a pipe and a directory that are driven by hand. */
function begin(options: Partial<StreamOptions> = {}, hooks: Partial<LogSource> = {}) {
  const log: string[] = [];
  const clock = fakeClock();
  const loop = fakeLoop();
  const { said, told } = fakeTold();
  let take: Take | null = null;
  let pipe = ""; // what read(2) gives
  let isOver = false;
  let done: (() => void) | null = null;
  const written: string[] = [];
  const source: LogSource = {
    fd: 9,
    watch: (taker) => {
      take = taker;
      log.push("watch");
    },
    pause: () => {
      take = null;
    },
    close: () => void log.push("close"),
    held: (bytes, partial) => void log.push(`held ${bytes} ${partial}`),
    drained: (partial) => void log.push(`drained ${partial}`),
    ...hooks,
  };
  const directory: LogDirectory = {
    path: "/log",
    config: DEFAULT_CONFIG,
    write: (bytes, callback) => {
      written.push(String(bytes));
      done = callback;
    },
    flush: async () => {},
    rotate: async () => {},
    heed: async () => {},
    reopen: async () => true,
    close: async () => void log.push("closed"),
  };
  const read = (_fd: number, into: Buffer, at: number, most: number) => {
    const text = pipe.slice(0, most);
    pipe = pipe.slice(text.length);
    if (text === "" && !isOver) throw failure("EAGAIN");
    return into.write(text, at, "latin1");
  };
  const stream = createLogStream(source, [directory], { told, ...options }, { clock, read, soon: loop.soon });
  const bytes = (text: string | null) => {
    const taker = take;
    take = null;
    const goesOn = taker?.(text === null ? null : Buffer.from(text, "latin1")) ?? false;
    if (goesOn && take === null) take = taker;
  };
  return {
    stream,
    log,
    clock,
    loop,
    said,
    written,
    isWatching: () => take !== null,
    /** Bytes arrive; nothing of them: the end. */
    bytes,
    /** The pipe holds this, and somebody tells. */
    readable: (text: string) => {
      pipe += text;
      bytes(null);
    },
    fill: (text: string) => {
      pipe += text;
    },
    end: () => {
      isOver = true;
    },
    left: () => pipe,
    isWriting: () => done !== null,
    wrote: () => {
      const callback = done;
      done = null;
      callback?.();
    },
  };
}
const LARGE = `${"x".repeat(99)}\n`.repeat(100);

test("lines are handed on at once, an unfinished one waits for its end", () => {
  const run = begin();
  run.bytes("one\ntw");
  expect(run.written).toEqual(["one\n"]);
  run.wrote();
  run.clock.advance(10);
  run.bytes("o\n");
  expect(run.written).toEqual(["one\n", "two\n"]);
  expect(run.log).toEqual(["drained 0", "watch", "held 6 2", "held 2 2", "drained 2", "watch", "held 4 0"]);
});

test("nothing is read while what was read is not written", () => {
  const run = begin();
  run.readable(LARGE);
  run.fill("more\n");
  run.clock.advance(100);
  run.loop.run();
  expect([run.isWatching(), run.left()]).toEqual([false, "more\n"]);
});

test("after little it waits a moment before it looks again, so that a line does not cost a turn each", () => {
  const run = begin();
  run.bytes("one\n");
  run.wrote();
  expect(run.isWatching()).toBe(false);
  run.clock.advance(9);
  expect(run.isWatching()).toBe(false);
  run.clock.advance(1);
  expect(run.isWatching()).toBe(true);
});

test("from a small pipe it collects what comes in drops", () => {
  const run = begin();
  run.bytes(LARGE);
  run.wrote();
  for (let drop = 0; drop < 5; drop++) {
    run.clock.advance(0.5);
    run.loop.run();
    expect(run.isWatching()).toBe(true);
    run.bytes(`drop ${drop}\n`);
  }
  expect(run.written.length).toBe(1);
  run.clock.advance(1.5);
  expect(run.written[1]).toBe("drop 0\ndrop 1\ndrop 2\ndrop 3\ndrop 4\n");
});

test("while much comes through a small pipe it looks once a turn of the loop, and waits to be told when less comes", () => {
  const run = begin();
  run.bytes(LARGE);
  run.wrote();
  for (let turn = 0; turn < 3; turn++) {
    run.fill(LARGE);
    run.loop.turn();
    expect([run.left(), run.isWatching()]).toEqual(["", false]);
  }
  run.loop.turn();
  expect(run.isWatching()).toBe(false);
  run.clock.advance(0.1);
  run.loop.run();
  expect([run.isWatching(), run.written.length]).toEqual([true, 1]);
  run.clock.advance(4);
  expect(run.written[1]).toBe(LARGE.repeat(3));
});

test("who may not read does not look either", () => {
  let may = true;
  const run = begin({}, { taking: () => may });
  run.bytes(LARGE);
  may = false;
  run.wrote();
  run.fill(LARGE);
  run.loop.run();
  expect(run.left()).toBe(LARGE);
});

test("a pipe with much in it is asked to be made larger, and is left alone until a third full once it is seen to be", () => {
  const asked: number[] = [];
  const run = begin({}, { enlarge: (bytes) => void asked.push(bytes) });
  run.bytes(LARGE);
  run.wrote();
  expect(asked).toEqual([1_048_576]);
  run.fill(LARGE.repeat(10));
  run.clock.advance(10);
  while (run.isWriting()) run.wrote();
  expect(run.written.join("")).toBe(LARGE.repeat(11));
  run.fill(LARGE);
  run.clock.advance(9);
  expect([run.isWatching(), run.left()]).toEqual([false, LARGE]);
  run.clock.advance(1);
  expect(run.left()).toBe("");
  expect(asked.length).toBe(1);
});

test("a line that is just as long as what may be read at once is handed on, too", () => {
  const run = begin({}, { batchMax: 65_536 });
  run.readable("y".repeat(65_536));
  run.wrote();
  run.clock.advance(0.1);
  run.loop.run();
  run.bytes("end\n");
  run.clock.advance(10);
  while (run.isWriting()) run.wrote();
  expect(run.written.join("")).toBe(`${"y".repeat(65_536)}end\n`);
});

test("a line longer than 64 KB is handed on in parts, and its end is one", () => {
  const run = begin();
  const long = "y".repeat(100_000);
  run.readable(long);
  run.wrote();
  run.bytes("end\nnext\n");
  run.clock.advance(4);
  run.wrote();
  expect(run.written.join("")).toBe(`${long}end\nnext\n`);
});

test("at the end of input an unfinished line is ended, and all is closed", async () => {
  const run = begin();
  run.bytes("one\ntwo");
  run.wrote();
  run.clock.advance(10);
  run.bytes("");
  expect(run.written).toEqual(["one\n", "two\n"]);
  run.wrote();
  await run.stream.ended;
  expect(run.log.slice(-3)).toEqual(["drained 0", "close", "closed"]);
});

test("an end of input that read(2) tells is one as well", async () => {
  const run = begin();
  run.end();
  run.readable("");
  await run.stream.ended;
  expect(run.log.slice(-2)).toEqual(["close", "closed"]);
});

test("TERM: it reads on to the end of the line, and not a byte beyond", async () => {
  const run = begin();
  run.bytes("one\ntw");
  run.wrote();
  run.fill("o\nthree\n");
  run.stream.finish();
  run.loop.run();
  run.wrote();
  await run.stream.ended;
  expect(run.written).toEqual(["one\n", "two\n"]);
  expect(run.left()).toBe("three\n");
});

test("TERM while it writes takes effect after that", async () => {
  const run = begin();
  run.bytes("one\n");
  run.stream.finish();
  run.fill("two\n");
  run.wrote();
  await run.stream.ended;
  expect([run.written, run.left()]).toEqual([["one\n"], "two\n"]);
});

test("close ends the line at once", async () => {
  const run = begin();
  run.bytes("one\ntw");
  run.wrote();
  const closed = run.stream.close();
  run.wrote();
  await closed;
  expect(run.written).toEqual(["one\n", "tw\n"]);
});

test("release gives the unfinished line away, and another stream goes on with it", async () => {
  const run = begin();
  run.bytes("one\ntw");
  run.wrote();
  const carry = await run.stream.release();
  expect(String(carry)).toBe("tw");
  const next = begin({ carry, stamp: 0 });
  expect(next.log[0]).toBe("drained 2");
  next.bytes("o\n");
  expect(next.written).toEqual(["two\n"]);
});

test("the tail of a line whose start is lost is skipped, and counted", () => {
  const counted: number[] = [];
  const run = begin({ skip: true, skipped: (bytes) => void counted.push(bytes) });
  run.bytes("tail");
  run.clock.advance(10);
  run.bytes(" of it\nnext\n");
  expect([counted, run.written]).toEqual([[11], ["next\n"]]);
});

test("what was read is shown to a listener once, unfinished lines included", () => {
  const seen: string[] = [];
  const run = begin({ tap: (bytes) => void seen.push(String(bytes)) });
  run.bytes("one\ntw");
  run.wrote();
  run.clock.advance(10);
  run.bytes("o\n");
  expect(seen).toEqual(["one\ntw", "o\n"]);
});

test("where the core cannot be told, nothing is read now but a moment later", () => {
  let isTold = false;
  const run = begin({}, { taking: () => isTold });
  run.readable("one\n");
  expect(run.left()).toBe("one\n");
  isTold = true;
  run.clock.advance(10);
  run.readable("");
  expect(run.written).toEqual(["one\n"]);
});

test("what the loop has read before it was known that nothing may be read is written, and no more is read until then", () => {
  let isTold = false;
  const run = begin({}, { taking: () => isTold });
  run.bytes(LARGE);
  run.wrote();
  run.fill("more\n");
  run.clock.advance(10);
  run.clock.advance(10);
  expect([run.isWatching(), run.written.length, run.left()]).toEqual([false, 1, "more\n"]);
  isTold = true;
  run.clock.advance(10);
  expect(run.isWatching()).toBe(true);
});
