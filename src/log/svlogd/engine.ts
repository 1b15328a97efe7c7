// What a writer takes from the log directories: a table, so that tests can put their own there.
import { constants, openSync } from "node:fs";
import { openLogDirectory } from "../dir/directory.ts";
import type { DirectoryOptions, LogDirectory, LogSource, LogStream, StreamOptions, Told } from "../dir/model.ts";
import { createPolledSource, type SourceHooks } from "../dir/source.ts";
import { createLogStream } from "../dir/stream.ts";

export interface Engine {
  /** A descriptor of its own for an input: what flags it has is nobody else's business. Throws. */
  openInput(path: string): number;
  openDirectory(path: string, told: Told, options: DirectoryOptions): Promise<LogDirectory | null>;
  source(fd: number, hooks: SourceHooks): Promise<LogSource>;
  stream(source: LogSource, directories: readonly LogDirectory[], options: StreamOptions): LogStream;
}

/** The real one. */
export const engine: Engine = {
  openInput: (path) => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
  openDirectory: openLogDirectory,
  source: createPolledSource,
  stream: createLogStream,
};
