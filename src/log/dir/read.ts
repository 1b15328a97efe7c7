// Reads of a pipe that may be empty, and of one that may soon have more.
import { readSync } from "node:fs";
import { errorCode } from "../../base/errors.ts";
import type { Told } from "./model.ts";
import { errnoText } from "./trouble.ts";

/** read(2) into the buffer from an offset on: the count, or throws what fs throws. */
export type Read = (fd: number, into: Buffer, at: number, most: number) => number;

/** The real one. */
export function readNow(fd: number, into: Buffer, at: number, most: number): number {
  // To write down where we are takes longer than the read, and nobody asks where a pipe was found empty.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return readSync(fd, into, at, most, null);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** How many bytes were read; 0 at the end and after an error, which is told; null where there is nothing now. */
export function readSome(
  read: Read,
  told: Told,
  ...[fd, into, at, most]: readonly [fd: number, into: Buffer, at: number, most: number]
): number | null {
  try {
    return read(fd, into, at, most);
  } catch (error) {
    const code = errorCode(error);
    if (code === "EAGAIN" || code === "EINTR") return null;
    told.warning(`unable to read standard input: ${errnoText(error)}`);
    return 0;
  }
}

/** A function that has `look` called in the next turn of the loop, and once a turn as long as that returns true. */
export function createRush(soon: (wake: () => void) => void, look: () => boolean): () => void {
  let isDue = false;
  const start = () => {
    if (isDue) return;
    isDue = true;
    soon(() => {
      isDue = false;
      if (look()) start();
    });
  };
  return start;
}
