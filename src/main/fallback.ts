import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { claimRuntimeDir, type RuntimeEnv, runtimeDirs } from "../manager/runtime-dir.ts";
import type { Settings } from "../spec/spec.ts";
import type { World } from "./world.ts";

/** What decides where the runtime directory is. */
export const runtimeEnvOf = (settings: Settings, world: World): RuntimeEnv => ({
  runtimeDir: settings.runtimeDir,
  xdgRuntimeDir: world.env["XDG_RUNTIME_DIR"],
  uid: world.own.uid,
  isShared: settings.controlGroup !== null,
});

/**
 * Where supervise directories are whose service directory cannot be written to: `supervise/NAME` in the runtime
 * directory, a logger's in `NAME/log`. A link `service` in it says whose it is, for `sv` would know it by its name alone.
 * Makes it; null if there is no place for it.
 */
export function createFallback(settings: Settings, world: World): (name: string, home: string) => string | null {
  const env = runtimeEnvOf(settings, world);
  return (name, home) => {
    const base = runtimeDirs(env).find((dir) => claimRuntimeDir(dir, env) === null);
    if (base === undefined || name.split("/").some((part) => part === "" || part === "." || part === "..")) return null;
    const path = join(base, "supervise", name);
    const link = join(path, "service");
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      // Of a service of that name in another directory, perhaps.
      rmSync(link, { force: true });
      symlinkSync(resolve(home), link);
      return path;
    } catch {
      return null; // ENOSPC, EROFS: then there is no such place
    }
  };
}
