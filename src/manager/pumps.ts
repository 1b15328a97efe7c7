// Who moves the output of a service: the reader, to where upkeep's own output goes, or into a log directory.
import type { Core, Hello, KnownPipe } from "../channel/core.ts";
import type { Terminal } from "../log/format.ts";
import type { OnLost } from "../log/loss.ts";
import type { PipeOptions } from "../log/pipe.ts";
import { createReader } from "../log/reader.ts";
import type { Ring } from "../log/ring.ts";
import type { Sink } from "../log/sink.ts";
import type { Voice } from "../log/voice.ts";
import type { Mounts } from "../process/mounts.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { createLogFiles } from "./log-files.ts";
import { formatOf, isLoggedAlike } from "./output-format.ts";

/** A pipe whose read end is ours. */
export interface Pumped {
  readonly speaker: { readonly spec: ServiceSpec; readonly number: number };
  readonly fd: number;
  readonly takeover: KnownPipe | null;
}

export interface Pumps {
  add(tag: string, pumped: Pumped): void;
  readable(tag: string): void;
  endLine(tag: string): void;
  /** A process is about to be started into it: a directory that was refused may be free by now. */
  starts(tag: string): void;
  /** Its service's definition has changed. */
  changed(tag: string): void;
  /** Resolves when all that is in it is written, and nobody reads it any more. */
  remove(tag: string): Promise<void>;
  /** These services have a log directory; the locks of others are let go. */
  keepOnly(numbers: readonly number[]): void;
  locked(number: number, what: string, step: string, errno: number): boolean;
  whenWritten(): Promise<void>;
  close(): Promise<void>;
}

export interface PumpParts {
  readonly core: Core;
  readonly hello: Hello;
  readonly sink: Sink;
  readonly voice: Voice;
  readonly terminal: Terminal | null;
  readonly uid: number;
  readonly mounts: Pick<Mounts, "isLocal">;
  /** The name of a pipe's service. */
  readonly nameOf: (tag: string) => string;
  readonly ringOf: (name: string) => Ring;
}

/** The pumps of one manager. */
export function createPumps(parts: PumpParts): Pumps {
  const { core, hello, sink, voice, terminal, uid, mounts, nameOf, ringOf } = parts;
  /** By which definition each is moved. */
  const moved = new Map<string, { readonly pumped: Pumped; readonly spec: ServiceSpec }>();
  const onLost: OnLost = (tag, { bytes, atMost }, said) => {
    const service = nameOf(tag);
    const count = `${atMost ? "at most " : ""}${bytes} bytes`;
    voice.warn(`${count} of the output of ${service} are lost: a manager that died had them`, { service, lost: bytes });
    void voice.written().then(said);
  };
  const files = createLogFiles({ core, hello, voice, uid, mounts, onLost });
  const reader = createReader({
    core,
    onLost,
    onFailed: (tag, code) => voice.error(`cannot read the output of ${nameOf(tag)}: ${code}; it is not shown any more`),
  });
  const pumpOf = (tag: string) => (files.has(tag) ? files : reader);

  const add = (tag: string, pumped: Pumped, isRefused = false) => {
    const { spec, number } = pumped.speaker;
    moved.set(tag, { pumped, spec });
    // Where it cannot be written into its directory it is shown, whatever else was said.
    const format = formatOf(isRefused && spec.log === "file" ? { ...spec, log: "prefix" } : spec, terminal);
    const options: PipeOptions = {
      fd: pumped.fd,
      lineMax: spec.logLineMax,
      to: format === null ? null : { sink, format },
      ring: ringOf(spec.name),
      ...(pumped.takeover === null ? {} : { takeover: pumped.takeover }),
    };
    if (spec.logDir == null || isRefused) return reader.add(tag, options);
    files.add(tag, number, spec, options, () => {
      if (moved.get(tag)?.pumped !== pumped) return;
      add(tag, pumped, true);
      reader.readable(tag);
    });
  };
  /** What was read goes where it did, what is in the pipe by the newest definition. */
  const move = async (tag: string, { speaker, fd }: Pumped) => {
    const pumped: Pumped = { speaker, fd, takeover: null };
    moved.set(tag, { pumped, spec: speaker.spec });
    if (files.has(tag)) await files.remove(tag, false);
    else reader.remove(tag);
    if (moved.get(tag)?.pumped !== pumped) return;
    add(tag, pumped);
    // The core has perhaps told it already, and would not again.
    pumpOf(tag).readable(tag);
  };

  return {
    add,
    readable: (tag) => pumpOf(tag).readable(tag),
    endLine: (tag) => pumpOf(tag).endLine(tag),
    starts(tag) {
      const found = moved.get(tag);
      if (found !== undefined && found.spec.logDir != null && !files.has(tag)) void move(tag, found.pumped);
    },
    changed(tag) {
      const found = moved.get(tag);
      if (found === undefined) return;
      const { spec } = found.pumped.speaker;
      if (spec.logDir != null || files.has(tag)) {
        if (!isLoggedAlike(found.spec, spec)) void move(tag, found.pumped);
        return;
      }
      const format = formatOf(spec, terminal);
      reader.redirect(tag, format === null ? null : { sink, format });
    },
    async remove(tag) {
      moved.delete(tag);
      if (files.has(tag)) await files.remove(tag, true);
      else await reader.flush(tag);
      reader.remove(tag);
    },
    keepOnly: files.keepOnly,
    locked: files.locked,
    whenWritten: () => reader.whenWritten(),
    close: files.close,
  };
}
