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

/**
 * Keeps V8's young generation at its first size: what dies young here is words, and room for 16 MB of them would be every
 * container's. Said at run time, for a flag on the command line spoils the cache of Node's own code and costs 9 ms of the boot.
 */
export function staySmall(): void {
  process.getBuiltinModule("node:v8").setFlagsFromString("--semi-space-growth-factor=1");
}

/**
 * Has V8 collect the old generation after every 2 MB that it has grown, where it would wait for 8. For what comes after the
 * boot, which would pay for it with a quarter more time, and leaves its own behind to be collected.
 */
export function growSlowly(): void {
  process.getBuiltinModule("node:v8").setFlagsFromString("--optimize-for-size");
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

/** Tells and counts what nobody caught. */
export function tellFault(voice: Voice): (fault: unknown) => void {
  let count = 0;
  return (fault) => {
    count++;
    voice.error(`internal error ${count}: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}`);
  };
}
