// The directories of one stream: each batch is laid out for each, and written by all before the next one.
import type { DirectoryConfig } from "./config.ts";
import { type Batch, createLayout, createReplacement, type Layout } from "./layout.ts";
import type { LogDirectory, StreamOptions } from "./model.ts";
import { giveScratch } from "./scratch.ts";
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

const micros = createMicros();
const FAILED = Buffer.from("warning: failure sending through udp: ");

/** Over all directories at once. */
export function createOutlets(directories: readonly LogDirectory[], options: StreamOptions): Outlets {
  const replace = createReplacement(options);
  const outlets = directories.map(
    (directory): Outlet => ({ directory, config: directory.config, layout: createLayout(directory.config, options) }),
  );

  const put = (outlet: Outlet, batch: Batch, time: number, done: () => void) => {
    const { directory } = outlet;
    // It was read anew.
    if (outlet.config !== directory.config) {
      outlet.config = directory.config;
      outlet.layout = createLayout(directory.config, options);
    }
    const { file, scratch, alerts, messages } = outlet.layout(batch, time);
    if (alerts !== null) options.told.alert?.(alerts);
    const written = () => {
      if (scratch !== null) giveScratch(scratch);
      send(outlet, messages, done);
    };
    if (file.length === 0) written();
    else directory.write(file, written);
  };
  const send = ({ directory, config }: Outlet, messages: readonly Buffer[], done: () => void) => {
    if (messages.length === 0 || config.udp === null) {
      done();
      return;
    }
    void sendAll(messages, config.udp).then((failed) => {
      if (failed.length === 0) done();
      else directory.write(Buffer.concat(failed.flatMap((message) => [FAILED, message])), done);
    });
  };

  return {
    write(batch, done) {
      replace?.(batch);
      const time = micros();
      const [only] = outlets;
      if (outlets.length === 1 && only !== undefined) return put(only, batch, time, done);
      let left = outlets.length;
      const one = () => {
        if (--left === 0) done();
      };
      if (left === 0) done();
      for (const outlet of outlets) put(outlet, batch, time, one);
    },
    async rotate() {
      await Promise.all(outlets.map(({ directory }) => directory.rotate()));
    },
    async reopen() {
      const open = await Promise.all(outlets.map(({ directory }) => directory.reopen()));
      return open.filter((isOpen) => isOpen).length;
    },
    async close() {
      await Promise.all(outlets.map(({ directory }) => directory.close()));
    },
  };
}
