import type { Clock } from "../../../src/base/clock.ts";
import type { Lines } from "../../../src/log/lines.ts";
import { goesOn, startAfter } from "../../../src/log/lines.ts";
import type { PipeCore } from "../../../src/log/pipe.ts";
import type { Sink } from "../../../src/log/sink.ts";

/** A clock that stands still until it is moved. */
export function fakeClock() {
  let now = 1000;
  let timers: { when: number; wake: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    at(when, wake) {
      const timer = { when, wake };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  };
  return {
    ...clock,
    count: () => timers.length,
    advance(ms: number) {
      now += ms;
      const due = timers.filter(({ when }) => when <= now);
      timers = timers.filter(({ when }) => when > now);
      for (const { wake } of due) wake();
    },
  };
}

/** Collects callbacks and calls them by hand. */
export function fakeLoop() {
  let waiting: (() => void)[] = [];
  const turn = () => {
    const now = waiting;
    waiting = [];
    for (const wake of now) wake();
    return now.length;
  };
  return {
    soon: (wake: () => void) => void waiting.push(wake),
    turn,
    /** Until nobody waits any more. */
    run: () => {
      for (let turns = 0; turn() > 0; turns++) if (turns > 10_000) throw new Error("the loop does not come to rest");
    },
  };
}

/** Writes down what the core is told. */
export function fakeCore(log: string[]): PipeCore {
  return {
    enlarge: (tag) => void log.push(`enlarge ${tag}`),
    taking: (tag) => log.push(`taking ${tag}`) > 0,
    held: (tag, bytes, partial) => log.push(`held ${tag} ${bytes} ${partial}`),
    drained: (tag, partial) => log.push(`drained ${tag} ${partial}`),
    lost: (tag, bytes) => log.push(`lost ${tag} ${bytes}`),
  };
}

/** A sink whose kernel takes what it is given only when told to. */
export function fakeSink(log: string[] = []) {
  const queue: { bytes: Buffer; done: (() => void) | undefined }[] = [];
  let written = "";
  let hasRoom = true;
  let roomListeners: (() => void)[] = [];
  const sink: Sink = {
    write(bytes, done) {
      log.push(`write ${bytes.length}`);
      queue.push({ bytes, done });
    },
    tryWrite(bytes) {
      if (!hasRoom) return false;
      queue.push({ bytes, done: undefined });
      return true;
    },
    room: () => hasRoom,
    onRoom: (listener) => void roomListeners.push(listener),
    endLine: () => {},
    onLong: () => {},
    isEmpty: () => queue.length === 0,
    onEmpty: (listener) => listener(),
  };
  return {
    sink,
    /** The kernel takes all; returns the text so far. */
    accept() {
      for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
        written += one.bytes.toString("latin1");
        one.done?.();
      }
      return written;
    },
    setRoom(value: boolean) {
      hasRoom = value;
      if (!value) return;
      const listeners = roomListeners;
      roomListeners = [];
      for (const listener of listeners) listener();
    },
    queued: () => queue.length,
  };
}

/** Pipes by descriptor, and a `read` for them: EAGAIN where one is empty. */
export function fakePipes(log: string[] = []) {
  const pipes = new Map<number, Buffer>();
  return {
    put(fd: number, text: string | Buffer) {
      pipes.set(fd, Buffer.concat([pipes.get(fd) ?? Buffer.alloc(0), Buffer.from(text as string, "latin1")]));
    },
    left: (fd: number) => pipes.get(fd)?.length ?? 0,
    read(fd: number, into: Buffer): number {
      const bytes = pipes.get(fd) ?? Buffer.alloc(0);
      log.push(`read ${Math.min(bytes.length, into.length)}`);
      if (bytes.length === 0) throw Object.assign(new Error("try again"), { code: "EAGAIN" });
      const count = bytes.copy(into);
      pipes.set(fd, bytes.subarray(count));
      return count;
    },
  };
}

/** Lines and pieces as text; a piece that goes on ends in `>`, a further one begins with `+`. */
export function show(blocks: readonly Lines[]): string[] {
  return blocks.flatMap((lines) =>
    lines.ends.map((end, index) => {
      const isFurther = index === 0 ? lines.resumed : goesOn(lines, index - 1);
      const text = lines.bytes.toString("latin1", startAfter(lines, index - 1), end);
      return `${isFurther ? "+" : ""}${text}${goesOn(lines, index) ? ">" : ""}`;
    }),
  );
}

/** Numbers in [0, 1) that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
