// Where the control socket is, and who comes in by it. The core binds and accepts; we find it a place.
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Core } from "../channel/core.ts";
import type { Peer } from "../control/audit.ts";
import type { Control } from "../control/server.ts";
import type { Voice } from "../log/voice.ts";
import { claimRuntimeDir, runtimeDirs } from "../manager/runtime-dir.ts";
import { errnoText } from "../process/spawn.ts";
import type { Settings } from "../spec/spec.ts";
import { runtimeEnvOf } from "./fallback.ts";
import { createLogHouse, type LogHouse } from "./log-house.ts";
import type { World } from "./world.ts";

export interface ControlSocket {
  /** Looks for a place, and has the core listen there; also anew, on USR1. */
  open(): void;
  /** The core's answer. */
  listening(path: string, errno: number): void;
  /** A connection that the core has accepted; until somebody serves, it waits. */
  accepted(handle: unknown, peer: Peer): void;
  /** From now on connections are served. */
  serveBy(control: Control): void;
  /** Those whose logs we write. */
  readonly logs: LogHouse;
  /** Resolves when nothing of them is in our hands. */
  close(): Promise<void>;
}

/**
 * The socket's owner's group may use it if one is configured; everybody else is kept out by its mode. One that is not
 * `isWanted` is never opened.
 */
export function createControlSocket(
  core: Core,
  voice: Voice,
  settings: Settings,
  world: World,
  isWanted: boolean,
): ControlSocket {
  const group = settings.controlGroup;
  const env = runtimeEnvOf(settings, world);
  const mode = group === null ? 0o600 : 0o660;
  const waiting: { readonly socket: Socket; readonly peer: Peer }[] = [];
  const logs = createLogHouse(world.own.uid, voice);
  let control: Control | null = null;
  let candidates: string[] = [];
  let refusals: string[] = [];

  const tryNext = () => {
    for (let dir = candidates.shift(); dir !== undefined; dir = candidates.shift()) {
      const fault = claimRuntimeDir(dir, env);
      if (fault === null) return core.listen(join(dir, "control"), mode, group);
      refusals.push(`${dir}: ${fault}`);
    }
    voice.warn(`no control socket: ${refusals.join("; ")}; set UPKEEP_RUNTIME_DIR to a directory of our own`);
  };
  return {
    open() {
      if (!isWanted) return;
      candidates = [...runtimeDirs(env)];
      refusals = [];
      tryNext();
    },
    listening(path, errno) {
      if (errno === 0) return voice.debug(`control socket at ${path}`);
      refusals.push(`${path}: ${errnoText(errno)}`);
      tryNext();
    },
    accepted(handle, peer) {
      // A handle instead of a descriptor: Node's types know it from child_process only.
      const { Socket } = process.getBuiltinModule("node:net");
      const socket = new Socket({ handle, readable: true, writable: true, allowHalfOpen: true } as object);
      if (control === null) waiting.push({ socket, peer });
      else control.serve(socket, peer);
    },
    serveBy(server) {
      control = server;
      for (const { socket, peer } of waiting.splice(0)) server.serve(socket, peer);
    },
    logs,
    close() {
      control?.close();
      return logs.release();
    },
  };
}
