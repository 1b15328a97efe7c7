// Where the output of each service goes: which pipes it gets, how its lines are laid out, what is kept of them.
import type { Core, Hello, KnownPipe, Stream } from "../channel/core.ts";
import type { Terminal } from "../log/format.ts";
import { createRing, type Ring } from "../log/ring.ts";
import type { Sink } from "../log/sink.ts";
import type { Voice } from "../log/voice.ts";
import type { Mounts } from "../process/mounts.ts";
import type { Streams } from "../process/spawn.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { createPumps } from "./pumps.ts";

/** A service as far as its output is concerned. */
export interface Speaker {
  readonly spec: ServiceSpec;
  readonly number: number;
}

export interface Outputs {
  /** The streams for a new process of this service; makes the pipes that are not there yet. */
  streams(speaker: Speaker, loggerNumber: number | null): Streams;
  /** The pipes of an earlier manager's services, each with the number of its logger; those of nobody are dropped. */
  takeOver(speakers: readonly (readonly [Speaker, number | null])[]): void;
  /** A changed spec: the format is taken anew. */
  changed(speaker: Speaker): void;
  /** A descriptor has come up from the core; it stays open as long as `handle` is held. */
  handed(tag: string, handle: { readonly fd: number; close(): void }): void;
  readable(tags: readonly string[]): void;
  piped(tag: string, errno: number): void;
  /** The main process has ended: its last unfinished line is a line now. */
  ended(speaker: Speaker): void;
  /** Closes the write end of a logger's input. */
  closeInput(loggerNumber: number): void;
  /** The service is gone for good. */
  removed(speaker: Speaker): void;
  ring(name: string): Ring | null;
  /** Resolves when all that was read is written. */
  whenWritten(): Promise<void>;
  /** The core's answer about a lock; false if it is no log directory's. */
  locked(number: number, what: string, step: string, errno: number): boolean;
  /** All is written, and the log directories are closed; nothing is read any more. */
  close(): Promise<void>;
}

// Of the core's memory: the line that is being written to standard output is longer than one write.
const LONG_KEY = "long-line";

const outputTag = (number: number): string => `o${number}`;
const inputTag = (number: number): string => `l${number}`;

interface Pipe {
  readonly speaker: Speaker;
  handle: { readonly fd: number; close(): void } | null;
  isReadable: boolean;
  /** A process has ended before the descriptor came up. */
  isEnded: boolean;
  takeover: KnownPipe | null;
}

export interface OutputParts {
  readonly core: Core;
  readonly out: Sink;
  readonly voice: Voice;
  /** Null is not a terminal. */
  readonly terminal: Terminal | null;
  readonly hello: Hello;
  /** As runsv has it: standard error of a service with a logger is ours. */
  readonly manners: { readonly inherits: boolean };
  readonly mounts: Pick<Mounts, "isLocal">;
  /** The process that we are. */
  readonly world: { readonly own: { readonly uid: number } };
}

/** The log pipes of all services, over one reader. */
export function createOutputs(parts: OutputParts): Outputs {
  const { core, out: sink, voice, terminal, hello, manners, mounts, world } = parts;
  const known = new Map(hello.pipes.map((pipe) => [pipe.tag, pipe]));
  const pipes = new Map<string, Pipe>();
  const inputs = new Set([...known.keys()].filter((tag) => tag.startsWith("l")));
  const rings = new Map<string, Ring>();

  // A manager that dies in the midst of a long line leaves one to be ended.
  if (hello.blobs.has(LONG_KEY)) sink.endLine();
  sink.onLong((isInside) => (isInside ? core.remember(LONG_KEY, "1") : core.forget(LONG_KEY)));

  const ringOf = (name: string): Ring => {
    const ring = rings.get(name) ?? createRing(name);
    rings.set(name, ring);
    return ring;
  };
  const pumps = createPumps({
    core,
    sink,
    voice,
    terminal,
    hello,
    uid: world.own.uid,
    mounts,
    nameOf: (tag) => nameOf(tag),
    ringOf,
  });
  const nameOf = (tag: string) => pipes.get(tag)?.speaker.spec.name ?? tag;
  const attach = (tag: string, pipe: Pipe) => {
    const { speaker, handle } = pipe;
    if (handle === null) return;
    pumps.add(tag, { speaker, fd: handle.fd, takeover: pipe.takeover });
    pipe.takeover = null;
    if (pipe.isReadable) pumps.readable(tag);
    if (pipe.isEnded) pumps.endLine(tag);
    pipe.isReadable = pipe.isEnded = false;
  };
  const ensure = (speaker: Speaker): string => {
    const tag = outputTag(speaker.number);
    if (pipes.has(tag)) return tag;
    const takeover = known.get(tag) ?? null;
    if (takeover === null) core.pipe(tag, true);
    known.delete(tag);
    const pipe: Pipe = {
      speaker,
      handle: null,
      isReadable: false,
      isEnded: false,
      takeover,
    };
    pipes.set(tag, pipe);
    return tag;
  };
  const ensureInput = (number: number): string => {
    const tag = inputTag(number);
    if (!inputs.has(tag)) core.pipe(tag, false);
    inputs.add(tag);
    return tag;
  };

  const streams = (speaker: Speaker, loggerNumber: number | null): Streams => {
    const { spec } = speaker;
    if (spec.foreground) return { input: "inherit", output: "inherit", error: "inherit" };
    const input: Stream = spec.loggerOf === null ? "null" : { pipe: ensureInput(speaker.number) };
    if (spec.log === "inherit") return { input, output: "inherit", error: "inherit" };
    if (spec.log === "logger" && loggerNumber !== null && manners.inherits)
      return { input, output: { pipe: ensureInput(loggerNumber) }, error: "inherit" };
    const tag = ensure(speaker);
    const output: Stream = { pipe: tag };
    pumps.starts(tag);
    if (spec.log === "logger" && loggerNumber !== null) {
      // As runsv has it: the logger gets standard output alone.
      return { input, output: { pipe: ensureInput(loggerNumber) }, error: output };
    }
    return { input, output, error: output };
  };

  return {
    streams,
    takeOver(speakers) {
      const owned = new Set<string>();
      for (const [speaker, loggerNumber] of speakers) {
        owned.add(outputTag(speaker.number)).add(inputTag(speaker.number));
        // Its process may still write there, whatever its definition says by now.
        if (known.has(outputTag(speaker.number))) ensure(speaker);
        streams(speaker, loggerNumber);
      }
      pumps.keepOnly(speakers.filter(([{ spec }]) => spec.logDir != null).map(([{ number }]) => number));
      for (const { tag } of hello.pipes) {
        if (owned.has(tag)) continue;
        core.drop(tag);
        inputs.delete(tag);
        known.delete(tag);
      }
    },
    changed(speaker) {
      pumps.changed(outputTag(speaker.number));
    },
    handed(tag, handle) {
      const pipe = pipes.get(tag);
      // The pipe may have been given up while its descriptor was on the way.
      if (pipe === undefined || pipe.handle !== null) handle.close();
      else {
        pipe.handle = handle;
        attach(tag, pipe);
      }
    },
    readable(tags) {
      for (const tag of tags) {
        const pipe = pipes.get(tag);
        if (pipe === undefined) continue;
        if (pipe.handle === null) pipe.isReadable = true;
        else pumps.readable(tag);
      }
    },
    piped(tag, errno) {
      if (errno === 0) return;
      // The start that wanted it fails for the same reason, and says so; the next one asks anew.
      pipes.delete(tag);
      inputs.delete(tag);
    },
    ended(speaker) {
      const tag = outputTag(speaker.number);
      const pipe = pipes.get(tag);
      if (pipe?.handle === null) pipe.isEnded = true;
      else pumps.endLine(tag);
    },
    closeInput(loggerNumber) {
      core.shut(inputTag(loggerNumber));
    },
    removed(speaker) {
      const tag = outputTag(speaker.number);
      const pipe = pipes.get(tag);
      if (pipe !== undefined)
        // What is in the pipe still goes out; without a reader for it, it is dropped with the pipe.
        void pumps.remove(tag).finally(() => {
          pipe.handle?.close();
          core.drop(tag);
        });
      pipes.delete(tag);
      rings.delete(speaker.spec.name);
      if (inputs.delete(inputTag(speaker.number))) core.drop(inputTag(speaker.number));
    },
    ring: (name) => rings.get(name) ?? null,
    whenWritten: pumps.whenWritten,
    locked: pumps.locked,
    close: pumps.close,
  };
}
