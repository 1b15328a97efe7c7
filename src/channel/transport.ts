// The channel's bytes. What is said before the first service runs goes out by a plain write: node:net, which listening
// takes, costs milliseconds to load.
import { readSync, writeSync } from "node:fs";
import type { OnReadOpts, Socket, SocketConstructorOpts } from "node:net";
import { errorCode } from "../base/errors.ts";

export interface Transport {
  /** True if the bytes are taken already; else they are to be left as they are. */
  write(bytes: Buffer): boolean;
  /** True if the kernel has all that was written. */
  isClear(): boolean;
  /** What has come so far, without waiting; null is nothing. */
  readNow(): Buffer | null;
  /** From now on what comes is told, each chunk until `take` returns; what could not be written goes out as the core reads. */
  listen(take: (chunk: Buffer) => void): void;
}

/** More than this is read at once only by the loop. */
const READ_MAX = 65_536;

/** The non-blocking socket `fd`; `lost` is called when its other end is gone. */
export function createTransport(fd: number, lost: () => void): Transport {
  let socket: Socket | null = null;
  let unwritten: Buffer[] = [];
  return {
    write(bytes) {
      if (socket !== null) {
        socket.write(bytes);
        return socket.writableLength === 0;
      }
      const count = unwritten.length > 0 ? 0 : writeNow(fd, bytes);
      if (count < bytes.length) unwritten.push(bytes.subarray(count));
      return count === bytes.length;
    },
    isClear: () => (socket === null ? unwritten.length === 0 : socket.writableLength === 0),
    readNow() {
      const bytes = Buffer.allocUnsafe(READ_MAX);
      try {
        const count = readSync(fd, bytes);
        return count === 0 ? null : bytes.subarray(0, count);
      } catch {
        return null; // EAGAIN: it comes by the loop; any other error comes again there
      }
    },
    listen(take) {
      const net = process.getBuiltinModule("node:net");
      // One buffer for all that ever comes: a new one each time would wait by the megabyte for a collection.
      const buffer = Buffer.allocUnsafeSlow(READ_MAX);
      const callback = (count: number) => {
        take(buffer.subarray(0, count));
        return true;
      };
      const options: SocketConstructorOpts & { onread: OnReadOpts } = {
        fd,
        readable: true,
        writable: true,
        onread: { buffer, callback },
      };
      socket = new net.Socket(options);
      socket.on("close", lost);
      socket.on("error", lost);
      for (const bytes of unwritten) socket.write(bytes);
      unwritten = [];
    },
  };
}

/** How many of these bytes the kernel takes now. */
function writeNow(fd: number, bytes: Buffer): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    if (errorCode(error) === "EINTR") return writeNow(fd, bytes);
    return 0; // EAGAIN: the rest goes with the loop; any other error comes again there
  }
}
