// Where the output of each service goes: which pipes it gets, how its lines are laid out, what is kept of them.
import type { Core, Hello, KnownPipe, Stream } from "../channel/core.ts";
import { type Format, jsonFormat, prefixFormat, type Terminal } from "../log/format.ts";
import { createReader } from "../log/reader.ts";
import { createRing, type Ring } from "../log/ring.ts";
import type { Sink } from "../log/sink.ts";
import type { Voice } from "../log/voice.ts";
import type { Streams } from "../process/spawn.ts";
import type { ServiceSpec } from "../spec/spec.ts";

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
  readonly sink: Sink;
  readonly voice: Voice;
  /** Null is not a terminal. */
  readonly terminal: Terminal | null;
  readonly hello: Hello;
  /** As runsv has it: standard error of a service with a logger is ours. */
  readonly inheritsError: boolean;
}

/** The log pipes of all services, over one reader. */
export function createOutputs({ core, sink, voice, terminal, hello, inheritsError }: OutputParts): Outputs {
  const known = new Map(hello.pipes.map((pipe) => [pipe.tag, pipe]));
  const pipes = new Map<string, Pipe>();
  const inputs = new Set([...known.keys()].filter((tag) => tag.startsWith("l")));
  const rings = new Map<string, Ring>();

  // A manager that dies in the midst of a long line leaves one to be ended.
  if (hello.blobs.has(LONG_KEY)) sink.endLine();
  sink.onLong((isInside) => (isInside ? core.remember(LONG_KEY, "1") : core.forget(LONG_KEY)));

  const nameOf = (tag: string) => pipes.get(tag)?.speaker.spec.name ?? tag;
  const reader = createReader({
    core,
    onLost(tag, { bytes, atMost }, said) {
      const service = nameOf(tag);
      const count = `${atMost ? "at most " : ""}${bytes} bytes`;
      voice.warn(`${count} of the output of ${service} are lost: a manager that died had them`, {
        service,
        lost: bytes,
      });
      void voice.written().then(said);
    },
    onFailed: (tag, code) => voice.error(`cannot read the output of ${nameOf(tag)}: ${code}; it is not shown any more`),
  });

  const formatOf = (spec: ServiceSpec): Format | null => {
    if (spec.log === "json") return jsonFormat(spec.name);
    if (spec.log === "none") return null;
    return prefixFormat(spec.name, { timestamps: spec.logTimestamps, terminal });
  };
  const ringOf = (name: string): Ring => {
    const ring = rings.get(name) ?? createRing(name);
    rings.set(name, ring);
    return ring;
  };
  const attach = (tag: string, pipe: Pipe) => {
    const { speaker, handle } = pipe;
    if (handle === null) return;
    const format = formatOf(speaker.spec);
    reader.add(tag, {
      fd: handle.fd,
      lineMax: speaker.spec.logLineMax,
      to: format === null ? null : { sink, format },
      ring: ringOf(speaker.spec.name),
      ...(pipe.takeover === null ? {} : { takeover: pipe.takeover }),
    });
    pipe.takeover = null;
    if (pipe.isReadable) reader.readable(tag);
    pipe.isReadable = false;
    if (pipe.isEnded) reader.endLine(tag);
    pipe.isEnded = false;
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
    if (spec.log === "logger" && loggerNumber !== null && inheritsError)
      return { input, output: { pipe: ensureInput(loggerNumber) }, error: "inherit" };
    const output: Stream = { pipe: ensure(speaker) };
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
      for (const { tag } of hello.pipes) {
        if (owned.has(tag)) continue;
        core.drop(tag);
        inputs.delete(tag);
        known.delete(tag);
      }
    },
    changed(speaker) {
      const format = formatOf(speaker.spec);
      reader.redirect(outputTag(speaker.number), format === null ? null : { sink, format });
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
        else reader.readable(tag);
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
      else reader.endLine(tag);
    },
    closeInput(loggerNumber) {
      core.shut(inputTag(loggerNumber));
    },
    removed(speaker) {
      const tag = outputTag(speaker.number);
      const pipe = pipes.get(tag);
      if (pipe !== undefined)
        // What is in the pipe still goes out; without a reader for it, it is dropped with the pipe.
        void reader.flush(tag).finally(() => {
          reader.remove(tag);
          pipe.handle?.close();
          core.drop(tag);
        });
      pipes.delete(tag);
      rings.delete(speaker.spec.name);
      if (inputs.delete(inputTag(speaker.number))) core.drop(inputTag(speaker.number));
    },
    ring: (name) => rings.get(name) ?? null,
    whenWritten: () => reader.whenWritten(),
  };
}
