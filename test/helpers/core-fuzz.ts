import { join } from "node:path";
import { compile, coreSources, SANITIZED } from "./core.ts";

/** Calls that would reach another process, or a file outside, go to the fuzzer's stand-ins. */
const REPLACED = ["kill", "waitid", "wait4", "getsid", "syscall", "chmod", "chown", "unlink", "bind", "exit", "_exit"];
/** The parts that the fuzzer stands in for, and those that are no part of the supervisor. */
const LEFT_OUT = ["pid1.c", "spawn.c", "main.c", "node.c", "init.c", "init-child.c", "init-signal.c", "init-sweep.c"];
LEFT_OUT.push("init-upkeep.c", "tini.c", "dumb-init.c", "options.c", "slots.c", "supervise-open.c");
/** Faces of several files each: nothing of them is in the supervisor. */
const FACES = /\/(client|chpst|sv\w*|my-init|runsv\w*|runit)\b[^/]*\.c$/;

/** Builds the fuzzer; `./core-fuzz SEED SECONDS` by hand, for as long as one likes. */
export async function buildFuzzer(): Promise<string> {
  const parts = coreSources(LEFT_OUT).filter((file) => !FACES.test(file));
  const fuzzer = join(import.meta.dirname, "../fixtures/core-fuzz.c");
  const flags = [...SANITIZED, ...REPLACED.map((name) => `-D${name}=fuzz_${name.replace("_", "")}`)];
  return compile("core-fuzz", [...parts, fuzzer], flags);
}
