// The directories of one stream: each batch is laid out for each, and written by all before the next one.
import { type Ms, monotonic } from "../../base/clock.ts";
import type { DirectoryConfig } from "./config.ts";
import { type Batch, createLayout, createReplacement, type Layout } from "./layout.ts";
import type { LogDirectory, StreamOptions } from "./model.ts";
import { BATCH, giveScratch } from "./scratch.ts";
import { createMicros } from "./stamp.ts";
import { sendAll } from "./udp.ts";

export interface Outlets {
  /** Calls `done` when all directories have written their part; the bytes must not be changed until then. */
  write(batch: Batch, done: () => void): void;
  rotate(): Promise<void>;
  /** How many are open afterwards. */
  reopen(): Promise<number>;
  close(): Promise<void>;
}

interface Outlet {
  readonly directory: LogDirectory;
  config: DirectoryConfig;
  layout: Layout;
}

const NEWLINE = 10;
const micros = createMicros();
const FAILED = Buffer.from("warning: failure sending through udp: ");

// Laying out many short lines takes long: so much of a batch is laid out at once that the loop is not kept for longer.
const FIRST_PORTION = 32 * 1024;
const LEAST_PORTION = 8 * 1024;
const SHORT: Ms = 1;
const LONG: Ms = 3;

function nextPortion(bytes: number, took: Ms): number {
  if (took > LONG) return Math.max(LEAST_PORTION, bytes / 2);
  return took < SHORT ? Math.min(BATCH, bytes * 2) : bytes;
}

/** At the end of a line, if there is one. */
function portionEnd(bytes: Buffer, from: number, most: number): number {
  if (bytes.length - from <= most) return bytes.length;
  const newline = bytes.lastIndexOf(NEWLINE, from + most - 1);
  if (newline >= from) return newline + 1;
  const next = bytes.indexOf(NEWLINE, from + most);
  return next < 0 ? bytes.length : next + 1;
}

/** Over all directories at once. */
export function createOutlets(directories: readonly LogDirectory[], options: StreamOptions): Outlets {
  return new Directories(directories, options);
}

/** A class, for there is one per service that logs into files. */
class Directories implements Outlets {
  readonly #options: StreamOptions;
  readonly #replace: ReturnType<typeof createReplacement>;
  readonly #outlets: readonly Outlet[];
  #portion = FIRST_PORTION;

  constructor(directories: readonly LogDirectory[], options: StreamOptions) {
    this.#options = options;
    this.#replace = createReplacement(options);
    this.#outlets = directories.map((directory) => {
      const { config } = directory;
      return { directory, config, layout: createLayout(config, options) };
    });
  }

  write(batch: Batch, done: () => void): void {
    this.#replace?.(batch);
    const time = micros();
    const { bytes, column } = batch;
    const next = (from: number) => {
      const to = portionEnd(bytes, from, this.#portion);
      const start = monotonic.now();
      let isNow = true;
      const written = () => {
        if (to === bytes.length) done();
        else if (isNow) setImmediate(next, to);
        else next(to);
      };
      const isWhole = from === 0 && to === bytes.length;
      const part = isWhole ? batch : { bytes: bytes.subarray(from, to), column: from === 0 ? column : 0 };
      this.#putAll(part, time, written);
      isNow = false;
      this.#portion = nextPortion(this.#portion, monotonic.now() - start);
    };
    next(0);
  }

  async rotate(): Promise<void> {
    await Promise.all(this.#outlets.map(({ directory }) => directory.rotate()));
  }

  async reopen(): Promise<number> {
    const open = await Promise.all(this.#outlets.map(({ directory }) => directory.reopen()));
    return open.filter((isOpen) => isOpen).length;
  }

  async close(): Promise<void> {
    await Promise.all(this.#outlets.map(({ directory }) => directory.close()));
  }

  #putAll(batch: Batch, time: number, done: () => void): void {
    const [only] = this.#outlets;
    let left = this.#outlets.length;
    if (only === undefined) {
      done();
      return;
    }
    if (left === 1) {
      this.#put(only, batch, time, done);
      return;
    }
    const one = () => {
      if (--left === 0) done();
    };
    for (const outlet of this.#outlets) this.#put(outlet, batch, time, one);
  }

  #put(outlet: Outlet, batch: Batch, time: number, done: () => void): void {
    const { directory } = outlet;
    // It was read anew.
    if (outlet.config !== directory.config) {
      outlet.config = directory.config;
      outlet.layout = createLayout(directory.config, this.#options);
    }
    const { file, scratch, alerts, messages } = outlet.layout(batch, time);
    if (alerts !== null) this.#options.told.alert?.(alerts);
    const written = () => {
      if (scratch !== null) giveScratch(scratch);
      send(outlet, messages, done);
    };
    if (file.length === 0) written();
    else directory.write(file, written);
  }
}

function send({ directory, config }: Outlet, messages: readonly Buffer[], done: () => void): void {
  if (messages.length === 0 || config.udp === null) {
    done();
    return;
  }
  void sendAll(messages, config.udp).then((failed) => {
    if (failed.length === 0) done();
    else directory.write(Buffer.concat(failed.flatMap((message) => [FAILED, message])), done);
  });
}
