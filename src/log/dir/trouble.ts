// How trouble with a file is said, and how it is waited for: in svlogd's words, every three seconds.
import type { Clock, Ms } from "../../base/clock.ts";
import { errorCode } from "../../base/errors.ts";
import type { Told } from "./model.ts";

/** From one try to the next, as svlogd has it. */
export const PAUSE: Ms = 3000;

const TEXTS: Readonly<Record<string, string>> = {
  EACCES: "access denied",
  EAGAIN: "temporary failure",
  EDQUOT: "disk quota exceeded",
  EEXIST: "file already exists",
  EFBIG: "file too large",
  EINVAL: "invalid argument",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "symbolic link loop",
  EMFILE: "process cannot open more files",
  ENAMETOOLONG: "file name too long",
  ENFILE: "system cannot open more files",
  ENOENT: "file does not exist",
  ENOMEM: "out of memory",
  ENOSPC: "out of disk space",
  ENOTDIR: "not a directory",
  EPERM: "permission denied",
  EROFS: "read-only file system",
  ESTALE: "stale NFS file handle",
  ETXTBSY: "text busy",
};

/** What runit's programs print for an errno. */
export function errnoText(error: unknown): string {
  const code = errorCode(error);
  return Object.hasOwn(TEXTS, code) ? (TEXTS[code] as string) : code;
}

/** Tries until it succeeds; each failure is told as `what: name: why`, and the next try is 3 s later. */
export async function persist<T>(
  { told, clock, name }: { readonly told: Told; readonly clock: Clock; readonly name: string },
  what: string,
  attempt: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      told.pausing(`${what}: ${name}: ${errnoText(error)}`);
      await new Promise<void>((resolve) => clock.at(clock.now() + PAUSE, resolve));
    }
  }
}
