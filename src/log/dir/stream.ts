// One stream of lines into its directories.
import { Flow, type StreamParts } from "./flow.ts";
import type { LogDirectory, LogSource, LogStream, StreamOptions } from "./model.ts";
import { createOutlets } from "./outlets.ts";

/** Reads `source` into `directories` from now on; they and the source are the stream's, and closed by it. */
export function createLogStream(
  source: LogSource,
  directories: readonly LogDirectory[],
  options: StreamOptions,
  parts: StreamParts = {},
): LogStream {
  const stream = new Flow(source, createOutlets(directories, options), options, parts);
  stream.watch();
  return stream;
}
