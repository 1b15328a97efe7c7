// What the supervisor stands on: threads, /proc, a standard output that takes what is written.
import { readSync, stat } from "node:fs";
import type { Voice } from "../log/voice.ts";
import { isOwnProc } from "../process/proc.ts";

/**
 * Makes Node's file threads. They are made at their first use, and where that fails Node aborts: so before any service
 * can have taken the last process.
 */
export function makeThreads(): void {
  stat("/", () => {});
}

/**
 * What a non-blocking descriptor has to give at this moment; null is nothing. The core has said hello before we were
 * started, and the first service need not wait for a turn of the loop.
 */
export function readNow(fd: number): Buffer | null {
  const bytes = Buffer.allocUnsafe(65_536);
  try {
    const count = readSync(fd, bytes);
    return count === 0 ? null : bytes.subarray(0, count);
  } catch {
    return null; // EAGAIN: it comes later, by the loop; any other error comes again there
  }
}

/** Says so where /proc cannot tell of our processes. */
export function checkProc(voice: Voice, managerPid: number, corePid: number): void {
  if (isOwnProc(managerPid, corePid)) return;
  voice.warn("no /proc of our PID namespace is mounted: what escapes from a service is not found; mount one");
}

/** Tells what of the services' output could not be written. */
export function tellDropped(voice: Voice): (bytes: number, code: string) => void {
  return (bytes, code) =>
    voice.error(`cannot write to standard output: ${code}; ${bytes} bytes of the services' output are lost`);
}
