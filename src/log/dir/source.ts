// A descriptor that nobody else watches, watched by Node's own loop.
import * as fs from "node:fs";
import type { Socket } from "node:net";
import type { LogSource, Take } from "./model.ts";

/** What a polled source passes on: what its reader should know of the pipe, and what is to be known of its reader. */
export type SourceHooks = Omit<LogSource, "fd" | "watch" | "pause" | "close">;

// Bytes arrive here and are copied away at once, whichever source they are of.
const LANDING = 64 * 1024;
let landing: Buffer | null = null;
const NOTHING = Buffer.alloc(0);

/**
 * Pipes and stream sockets become non-blocking and are watched; a file or a terminal is read by a thread of libuv's, with
 * a buffer of its own. Closes the descriptor at the end.
 */
export async function createPolledSource(fd: number, hooks: SourceHooks = {}): Promise<LogSource> {
  const stats = await new Promise<fs.Stats | null>((resolve) => {
    fs.fstat(fd, (error, found) => resolve(error === null ? found : null));
  });
  if (stats?.isFIFO() === true || stats?.isSocket() === true) {
    const { Socket } = process.getBuiltinModule("node:net");
    return { ...hooks, ...watched(fd, Socket) };
  }
  return { ...hooks, ...read(fd) };
}

function watched(fd: number, NetSocket: typeof Socket): LogSource {
  landing ??= Buffer.allocUnsafeSlow(LANDING);
  const buffer = landing;
  let take: Take = () => false;
  let isWatching = false;
  const arrived = (bytes: Buffer): boolean => {
    isWatching = take(bytes);
    return isWatching;
  };
  const socket = new NetSocket({
    fd,
    readable: true,
    writable: false,
    onread: { buffer, callback: (count: number) => arrived(buffer.subarray(0, count)) },
  } as ConstructorParameters<typeof Socket>[0]);
  socket.pause();
  const end = () => {
    if (isWatching) arrived(NOTHING);
  };
  socket.once("end", end).once("error", end).once("close", end);
  return {
    fd,
    watch(taker) {
      take = taker;
      isWatching = true;
      if (socket.destroyed || socket.readableEnded) setImmediate(end);
      else socket.resume();
    },
    pause() {
      isWatching = false;
      socket.pause();
    },
    close: () => socket.destroy(),
  };
}

function read(fd: number): LogSource {
  const buffer = Buffer.allocUnsafeSlow(LANDING);
  let isWatching = false;
  let isReading = false;
  let isClosed = false;
  let take: Take = () => false;
  let left: Buffer | null = null; // came when nobody watched
  const arrived = (bytes: Buffer) => {
    isWatching = take(bytes);
    if (isWatching && bytes.length > 0) next();
  };
  const next = () => {
    if (left !== null) {
      const bytes = left;
      left = null;
      setImmediate(arrived, bytes);
      return;
    }
    if (isReading) return;
    isReading = true;
    fs.read(fd, buffer, 0, LANDING, null, (error, count) => {
      isReading = false;
      if (isClosed) {
        fs.close(fd, () => {}); // it was only read
        return;
      }
      const bytes = error === null ? buffer.subarray(0, count) : NOTHING;
      if (isWatching) arrived(bytes);
      else left = bytes;
    });
  };
  return {
    fd: null,
    watch(taker) {
      take = taker;
      isWatching = true;
      next();
    },
    pause() {
      isWatching = false;
    },
    close() {
      isClosed = true;
      if (!isReading) fs.close(fd, () => {}); // it was only read
    },
  };
}
