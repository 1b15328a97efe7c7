import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { createSink, type SinkCalls, type SinkOptions } from "../../../src/log/sink.ts";
import { fakeClock } from "./fakes.ts";

/** Writes wait until the test answers them. */
function fakeKernel(isPipe: boolean) {
  const waiting: { text: string; done: (error: Error | null, count: number) => void }[] = [];
  const calls: SinkCalls = {
    isPipe: () => isPipe,
    write(_fd, bytes, offset, length, _position, done) {
      waiting.push({ text: bytes.toString("latin1", offset, offset + length), done });
    },
  };
  return {
    calls,
    inFlight: () => waiting.map(({ text }) => text),
    accept(count?: number) {
      const write = waiting.shift();
      write?.done(null, count ?? write.text.length);
      return write?.text;
    },
    refuse(code: string) {
      waiting.shift()?.done(Object.assign(new Error(code), { code }), 0);
    },
  };
}

function start(isPipe = false, options: Partial<SinkOptions> = {}) {
  const kernel = fakeKernel(isPipe);
  const clock = fakeClock();
  const dropped: [number, string][] = [];
  const onDropped = (bytes: number, code: string) => dropped.push([bytes, code]);
  const sink = createSink(1, { calls: kernel.calls, clock, onDropped, ...options });
  return {
    kernel,
    clock,
    dropped,
    sink,
    write: (text: string, done?: () => void) => sink.write(Buffer.from(text), done),
  };
}

describe("a sink", () => {
  test("has one write in flight, and gathers what comes meanwhile", () => {
    const { kernel, write } = start();
    const done: string[] = [];
    for (const text of ["a\n", "b\n", "c\n"]) write(text, () => done.push(text));
    expect(kernel.inFlight()).toEqual(["a\n"]);
    kernel.accept();
    expect(done).toEqual(["a\n"]);
    expect(kernel.inFlight()).toEqual(["b\nc\n"]);
    kernel.accept();
    expect(done).toEqual(["a\n", "b\n", "c\n"]);
  });

  test("tells of a line that the kernel may take by parts, and of its end", () => {
    const { kernel, sink, write } = start(true);
    const told: boolean[] = [];
    sink.onLong((isInside) => told.push(isInside));
    write("short\n");
    kernel.accept();
    expect(told).toEqual([]);
    write(`${"x".repeat(5000)}\n`);
    write("next\n");
    expect(told).toEqual([true]);
    kernel.accept(4096);
    expect([told, kernel.inFlight()]).toEqual([[true], [`${"x".repeat(904)}\nnext\n`]]);
    kernel.accept();
    expect(told).toEqual([true, false]);
  });

  test("tells of the end of a long line whose rest cannot be written once that is ended, too", () => {
    const { kernel, sink, write } = start(true);
    const told: boolean[] = [];
    sink.onLong((isInside) => told.push(isInside));
    write(`${"x".repeat(5000)}\n`);
    kernel.accept(4096);
    kernel.refuse("EIO");
    expect(told).toEqual([true]);
    write("next\n");
    kernel.accept();
    expect(told).toEqual([true, false]);
  });

  test("ends the line that another process died in before it writes its own", () => {
    const { kernel, sink, write } = start(true);
    sink.endLine();
    write("own\n");
    expect(kernel.inFlight()).toEqual(["\n"]);
    kernel.accept();
    expect(kernel.inFlight()).toEqual(["own\n"]);
  });

  test("writes the rest of what the kernel took in part, and calls back only then", () => {
    const { kernel, write } = start();
    let isDone = false;
    write("abcdef\n", () => {
      isDone = true;
    });
    kernel.accept(3);
    expect([kernel.inFlight(), isDone]).toEqual([["def\n"], false]);
    kernel.accept();
    expect(isDone).toBe(true);
  });

  test("cuts writes into a pipe at line ends, at most 4,096 bytes, unless a line is longer", () => {
    const { kernel, write } = start(true);
    const long = `${"y".repeat(5000)}\n`;
    const text = `${`${"x".repeat(999)}\n`.repeat(9) + long}${"z".repeat(4095)}\nend\n`;
    write(text);
    const pieces: string[] = [];
    for (let piece = kernel.accept(); piece !== undefined; piece = kernel.accept()) pieces.push(piece);
    expect(pieces.join("")).toBe(text);
    expect(pieces.map((piece) => piece.length)).toEqual([4000, 4000, 1000, 5001, 4096, 4]);
    expect(pieces.every((piece) => piece.endsWith("\n"))).toBe(true);
  });

  test("gathers no more than 4,096 bytes for a pipe", () => {
    const { kernel, write } = start(true);
    for (let count = 0; count < 8; count++) write(`${"x".repeat(999)}\n`);
    expect([kernel.accept()?.length, kernel.accept()?.length, kernel.accept()?.length]).toEqual([1000, 4000, 3000]);
  });

  test("refuses what may be lost when it is full, and says when there is room", () => {
    const { kernel, sink, write } = start(false, { limit: 10 });
    write("0123456789\n");
    expect([sink.room(), sink.tryWrite(Buffer.from("lossy\n"))]).toEqual([false, false]);
    let calls = 0;
    sink.onRoom(() => calls++);
    kernel.accept(1);
    expect([sink.room(), calls]).toEqual([false, 0]);
    kernel.accept(1);
    expect([sink.room(), calls]).toEqual([true, 1]);
    expect(sink.tryWrite(Buffer.from("lossy\n"))).toBe(true);
    kernel.accept();
    kernel.accept();
    expect(calls).toBe(1);
  });

  test("says when all is written", () => {
    const { kernel, sink, write } = start();
    const calls: string[] = [];
    sink.onEmpty(() => calls.push("at once"));
    write("a\n");
    sink.onEmpty(() => calls.push("later"));
    expect([sink.isEmpty(), calls]).toEqual([false, ["at once"]]);
    kernel.accept();
    expect([sink.isEmpty(), calls]).toEqual([true, ["at once", "later"]]);
  });

  test("tries again, ever more slowly, where the descriptor does not block", () => {
    const { kernel, clock, dropped, write } = start();
    write("a\n");
    const waits: number[] = [];
    for (let round = 0; round < 6; round++) {
      kernel.refuse("EAGAIN");
      let waited = 0;
      for (; kernel.inFlight().length === 0; waited += 5) clock.advance(5);
      waits.push(waited);
    }
    expect(waits).toEqual([10, 20, 40, 80, 100, 100]);
    expect(kernel.accept()).toBe("a\n");
    expect(dropped).toEqual([]);
  });

  test("tries again at once after an interruption", () => {
    const { kernel, write } = start();
    write("a\n");
    kernel.refuse("EINTR");
    expect(kernel.accept()).toBe("a\n");
  });

  test("drops what cannot be written, goes on, and tells at most once a minute", () => {
    const { kernel, clock, dropped, write } = start();
    const done: string[] = [];
    for (const text of ["12\n", "345\n"]) write(text, () => done.push(text));
    kernel.refuse("ENOSPC");
    kernel.refuse("ENOSPC");
    write("6789\n");
    kernel.refuse("EPIPE");
    expect([dropped, done]).toEqual([[[3, "ENOSPC"]], ["12\n", "345\n"]]);
    clock.advance(59_999);
    expect(dropped).toHaveLength(1);
    clock.advance(1);
    expect(dropped).toEqual([
      [3, "ENOSPC"],
      [9, "EPIPE"],
    ]);
    clock.advance(60_000);
    expect([dropped.length, clock.count()]).toEqual([2, 0]);
    write("ok\n");
    expect(kernel.accept()).toBe("ok\n");
  });

  test("starts a new line after a line whose rest was dropped", () => {
    const { kernel, dropped, write } = start();
    write("whole\nbroken\n");
    kernel.accept(9);
    kernel.refuse("ENOSPC");
    write("next\n");
    expect(kernel.inFlight()).toEqual(["\n"]);
    kernel.refuse("ENOSPC");
    write("after\n");
    expect([kernel.accept(), kernel.accept()]).toEqual(["\n", "after\n"]);
    expect(dropped).toEqual([[4, "ENOSPC"]]);
  });
});

describe("on real descriptors", () => {
  async function fifo(body: (path: string) => Promise<void>) {
    const dir = mkdtempSync(join(tmpdir(), "upkeep-sink-"));
    try {
      const path = join(dir, "fifo");
      await execa("mkfifo", [path]);
      await body(path);
    } finally {
      rmSync(dir, { recursive: true });
    }
  }

  test("two sinks of one pipe do not mix their lines, and a slow reader gets them all", () =>
    fifo(async (path) => {
      const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const writers = [openSync(path, constants.O_WRONLY), openSync(path, constants.O_WRONLY)];
      const sinks = writers.map((fd) => createSink(fd));
      const lines = (letter: string) => `${letter.repeat(700)}\n`.repeat(300);
      sinks[0]?.write(Buffer.from(lines("a")));
      sinks[1]?.write(Buffer.from(lines("b")));
      let text = "";
      const chunk = Buffer.alloc(10_000);
      while (text.length < 2 * lines("a").length) {
        // Only the loop's turn lets the writes go on.
        await new Promise<void>((resolve) => setImmediate(resolve));
        try {
          text += chunk.toString("latin1", 0, readSync(reader, chunk));
        } catch {
          // EAGAIN: nothing yet
        }
      }
      const read = text.trimEnd().split("\n");
      expect(read.filter((line) => line === "a".repeat(700))).toHaveLength(300);
      expect(read.filter((line) => line === "b".repeat(700))).toHaveLength(300);
      for (const fd of [reader, ...writers]) closeSync(fd);
    }));

  test("a pipe without a reader costs its lines and nothing else", () =>
    fifo(async (path) => {
      const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const fd = openSync(path, constants.O_WRONLY);
      closeSync(reader);
      const dropped: unknown[] = [];
      const sink = createSink(fd, { clock: fakeClock(), onDropped: (...all) => dropped.push(all) });
      await new Promise<void>((resolve) => sink.write(Buffer.from("lost\n"), resolve));
      expect(dropped).toEqual([[5, "EPIPE"]]);
      closeSync(fd);
    }));

  test("a bad descriptor throws nothing", async () => {
    const dropped: unknown[] = [];
    const sink = createSink(9999, { clock: fakeClock(), onDropped: (...all) => dropped.push(all) });
    await new Promise<void>((resolve) => sink.write(Buffer.from("lost\n"), resolve));
    expect(dropped).toEqual([[5, "EBADF"]]);
  });

  test("a file gets everything in order", async () => {
    const dir = mkdtempSync(join(tmpdir(), "upkeep-sink-"));
    const path = join(dir, "log");
    const fd = openSync(path, "w");
    const sink = createSink(fd);
    for (let count = 0; count < 1000; count++) sink.write(Buffer.from(`line ${count}\n`));
    await new Promise<void>((resolve) => sink.onEmpty(resolve));
    expect(readFileSync(path, "latin1")).toBe(Array.from({ length: 1000 }, (_, count) => `line ${count}\n`).join(""));
    closeSync(fd);
    rmSync(dir, { recursive: true });
  });
});
