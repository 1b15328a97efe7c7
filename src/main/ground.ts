// What the supervisor stands on: threads, /proc, a standard output that takes what is written.
import { stat } from "node:fs";
import type { Voice } from "../log/voice.ts";
import { isOwnProc } from "../process/proc.ts";

/**
 * Makes Node's file threads. They are made at their first use, and where that fails Node aborts: so before any service
 * can have taken the last process.
 */
export function makeThreads(): void {
  stat("/", () => {});
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
