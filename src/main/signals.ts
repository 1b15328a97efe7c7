// What each signal to the supervisor does (design: Signals and exit codes).
import type { Core } from "../channel/core.ts";
import type { Face } from "../control/face.ts";
import type { Sink } from "../log/sink.ts";
import type { Voice } from "../log/voice.ts";
import type { Manager } from "../manager/manager.ts";
import type { Settings } from "../spec/spec.ts";
import { type Stopping, stopSignalsWith } from "./stopping.ts";

const [SIGHUP, SIGUSR1, SIGUSR2] = [1, 10, 12] as const;

export interface SignalParts {
  readonly core: Core;
  readonly voice: Voice;
  /** Where USR2's status goes, and whether it may be coloured. */
  readonly err: Sink;
  readonly isColoured: boolean;
  readonly settings: () => Settings;
  readonly manager: Manager;
  readonly stopping: Stopping;
  /** Null until the faces are open. */
  readonly face: () => Face | null;
  /** Reads everything anew. */
  readonly apply: () => void;
  /** Opens the control socket anew. */
  readonly reopen: () => void;
  /** Signals that stop everything besides the usual ones, and the code to end with. */
  readonly stopCodes: Readonly<Record<number, number>>;
  /** What further signals do. */
  readonly more: Readonly<Record<number, () => void>>;
}

/** What is to be done about signal number `signal`, called `what` in the log, whose fact has this serial. */
export type OnSignal = (serial: string, signal: number, what: string) => void;

async function dumpStatus({ err, isColoured, face }: SignalParts): Promise<void> {
  const { runCommand } = await import("../cli/run-command.ts");
  const put = (bytes: Uint8Array | string) => err.tryWrite(Buffer.from(bytes as Uint8Array));
  const io = { out: put, err: put, drained: () => Promise.resolve(), closed: new AbortController().signal };
  const client = { tty: false, columns: 0, color: isColoured, cwd: "/", resumed: false };
  const supervisor = face();
  if (supervisor !== null) await runCommand(["status"], client, supervisor, io);
}

export function createOnSignal(parts: SignalParts): OnSignal {
  const { core, voice, settings, manager, stopping, face } = parts;
  const reactions: Readonly<Record<number, () => void>> = {
    [SIGHUP]: parts.apply,
    [SIGUSR1]: parts.reopen,
    [SIGUSR2]: () => void dumpStatus(parts),
    ...parts.more,
  };
  return (serial, signal, what) => {
    const code = parts.stopCodes[signal];
    const stops = code !== undefined || stopSignalsWith(settings().stopOn).has(signal);
    if (stops && !stopping.isStopping()) return stopping.begin(code ?? 0, `received ${what}`, serial);
    core.ack(serial);
    if (stops) return stopping.again(what);
    const forwarded = settings().forward[signal];
    const react = reactions[signal];
    // A terminal sends WINCH at every change of its size, and whoever sends TERM may add CONT: no news.
    voice[(forwarded ?? react) ? "info" : "debug"](`received ${what}`, { signal });
    const target = forwarded ?? (react === undefined ? manager.roster.foreground()?.name : undefined);
    if (target === undefined) return react?.();
    face()?.order(target, { do: "signal", signal }, (refused) => {
      if (refused !== null) voice.warn(`cannot hand ${what} on to ${target}: ${refused}`);
    });
  };
}
