// The environment of a process, whole.
import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";

/** Variables by name; those that are no text are in none. */
export type Env = ReadonlyMap<string, string>;

/** The environment that a process was started with, which is what its children get of it; null without /proc, and for more than `most` bytes. */
export function wholeEnvironment(pid: number, most = Number.POSITIVE_INFINITY): Env | null {
  try {
    const bytes = readFileSync(`/proc/${pid}/environ`);
    return bytes.length > most ? null : parseEnvironment(bytes);
  } catch {
    return null; // ENOENT, EACCES: no /proc, or not ours to read
  }
}

/** `NAME=VALUE` strings ended by NULs. */
export function parseEnvironment(bytes: Buffer): Env {
  const env = new Map<string, string>();
  for (let at = 0, end = 0; at < bytes.length; at = end + 1) {
    end = bytes.indexOf(0, at);
    if (end < 0) end = bytes.length;
    const one = bytes.subarray(at, end);
    const mark = one.indexOf(0x3d);
    if (mark > 0 && isUtf8(one)) env.set(one.toString("utf8", 0, mark), one.toString("utf8", mark + 1));
  }
  return env;
}
