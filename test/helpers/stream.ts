// A pipe that somebody reads, and what came through it; and the lines of one service in it.
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { onTestFinished } from "vitest";
import { realPipe } from "./pid-namespace.ts";

export interface Stream {
  /** The end for the program; closed with the test. */
  readonly write: number;
  /** All that has come so far. */
  text(): string;
  /** How many bytes have come so far. */
  size(): number;
  /** Reads nothing from now on; `resume` ends that. */
  pause(): void;
  resume(): void;
}

/** A pipe that is read all the time, as a container engine does. */
export async function readPipe(): Promise<Stream> {
  const { read, write } = await realPipe();
  const pieces: Buffer[] = [];
  let size = 0;
  const socket = new Socket({ fd: read, readable: true, writable: false });
  socket.on("data", (piece: Buffer) => {
    pieces.push(piece);
    size += piece.length;
  });
  onTestFinished(() => {
    socket.destroy();
    closeSync(write);
  });
  return {
    write,
    text: () => Buffer.concat(pieces).toString("latin1"),
    size: () => size,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  };
}

/** Those lines of an output that are this service's, their prefix taken off. */
export function linesOf(output: string, service: string): string[] {
  const prefix = `[${service}] `;
  return output
    .split("\n")
    .filter((line) => line.startsWith(prefix))
    .map((line) => line.slice(prefix.length));
}

/** The numbers from 1 to the last that are not there; throws if one is doubled or out of order. */
export function gaps(numbers: readonly number[]): number[] {
  const missing: number[] = [];
  let last = 0;
  for (const number of numbers) {
    if (!(number > last)) throw new Error(`${number} comes after ${last}`);
    for (let lost = last + 1; lost < number; lost++) missing.push(lost);
    last = number;
  }
  return missing;
}

/** A pipe that is full and that nobody reads. */
export async function fullPipe(): Promise<{ readonly write: number }> {
  const { read, write } = await realPipe();
  // A second open file, for the flag would be the program's too.
  const filler = openSync(`/proc/self/fd/${write}`, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    for (;;) writeSync(filler, Buffer.alloc(4096, "unread\n"));
  } catch {
    // EAGAIN: it is full
  }
  closeSync(filler);
  onTestFinished(() => {
    closeSync(read);
    closeSync(write);
  });
  return { write };
}
