import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { errorCode } from "../base/errors.ts";

/** Bytes of a file, and what its inode says; or the error's code, or a clause of our own where the system has none. */
export type FileRead =
  | { readonly ok: true; readonly bytes: Buffer; readonly mode: number; readonly size: number }
  | { readonly ok: false; readonly code: string; readonly why: string };

const CLAUSES: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  ENOENT: "there is no such file",
  ENOTDIR: "a part of the path is no directory",
  EISDIR: "it is a directory",
  ELOOP: "its symbolic links go round in a circle",
  EIO: "the disk could not read it",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open on this system",
  ENXIO: "it is a socket or a pipe",
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left",
};

/** What a system error says, as the clause after a colon. */
export function clause(error: unknown): string {
  const code = errorCode(error);
  return CLAUSES[code] ?? code;
}

const no = (code: string, why = CLAUSES[code] ?? code): FileRead => ({ ok: false, code, why });

/** The first `most` bytes of a regular file; anything else (a pipe, a device) is refused unread. */
export function readStart(path: string, most: number): FileRead {
  let fd: number;
  try {
    // Without O_NONBLOCK the opening of a fifo waits for a writer, and everything with it.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return no(errorCode(error));
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) return no("EISDIR");
    if (!stat.isFile()) return no("EINVAL", "it is not a regular file");
    const bytes = Buffer.allocUnsafe(Math.min(most, stat.size));
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return { ok: true, bytes: bytes.subarray(0, length), mode: stat.mode, size: stat.size };
  } catch (error) {
    return no(errorCode(error));
  } finally {
    closeSync(fd);
  }
}

/** A whole regular file; one of more than `most` bytes is refused, not cut. */
export function readWhole(path: string, most: number): FileRead {
  const file = readStart(path, most + 1);
  if (!file.ok || file.bytes.length <= most) return file;
  return no("EFBIG", `it has ${file.size} bytes, over the ${most} that are read`);
}
