import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { errorCode } from "../base/errors.ts";
import { clause } from "../config/read-file.ts";

/** The environment that decides where the runtime directory is. */
export interface RuntimeEnv {
  readonly runtimeDir: string | null;
  readonly xdgRuntimeDir: string | undefined;
  readonly uid: number;
  /** True if a group is to reach the socket: then the directory may be searched by all. */
  readonly isShared: boolean;
}

/** Where a runtime directory may be, in the order of trying; one that is asked for is the only one. */
export function runtimeDirs({ runtimeDir, xdgRuntimeDir, uid }: RuntimeEnv): readonly string[] {
  if (runtimeDir !== null) return [runtimeDir];
  return [
    "/run/upkeep",
    ...(xdgRuntimeDir === undefined || xdgRuntimeDir === "" ? [] : [join(xdgRuntimeDir, "upkeep")]),
    `/tmp/upkeep-${uid}`,
    `/dev/shm/upkeep-${uid}`,
  ];
}

/**
 * Makes the directory if it is not there; null, or why it cannot be used. In /tmp anybody may have put something of
 * that name there before us: a link, or a directory that others own or may write to, is refused.
 */
export function claimRuntimeDir(dir: string, { uid, isShared }: RuntimeEnv): string | null {
  try {
    make(dir, isShared ? 0o755 : 0o700);
    const stat = lstatSync(dir);
    if (!stat.isDirectory()) return "it is no directory";
    if (stat.uid !== uid) return `it belongs to uid ${stat.uid}`;
    if ((stat.mode & 0o022) !== 0) return "others may write to it";
    return null;
  } catch (error) {
    return errorCode(error) === "ENOENT" ? "no directory can be made there" : clause(error);
  }
}

/** Makes the directory, and those above it, unless it is there: then its mode is its owner's. */
function make(dir: string, mode: number, isParentThere = false): void {
  try {
    // At no moment may others write there, whatever the umask; nor has it a say in who may reach the socket.
    mkdirSync(dir, mode);
    chmodSync(dir, mode);
  } catch (error) {
    if (errorCode(error) === "EEXIST") return;
    // Not `recursive` at once: that reports a read-only file system as ENOENT. So does /proc each name, whatever is above.
    if (errorCode(error) !== "ENOENT" || isParentThere || dirname(dir) === dir) throw error;
    make(dirname(dir), 0o755);
    make(dir, mode, true);
  }
}
