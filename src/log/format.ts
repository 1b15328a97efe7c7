// Makes output of lines. Pure; one buffer per batch, without a detour by strings where bytes will do.
import { isAscii, isUtf8 } from "node:buffer";
import { goesOn, type Lines, startAfter } from "./lines.ts";

/** Lays out a batch of lines that were read at `time` (milliseconds since 1970), each ended by a newline. */
export type Format = (blocks: readonly Lines[], time: number) => Buffer;

/** How lines are shown to a person: aligned, and coloured if that is allowed. */
export interface Terminal {
  readonly colour: boolean;
  /** The length of the longest name now; asked before each batch. */
  readonly width: () => number;
}

export interface PrefixOptions {
  /** ISO 8601 with milliseconds before each line. */
  readonly timestamps: boolean;
  /** Null is not a terminal. */
  readonly terminal: Terminal | null;
}

const NEWLINE = 10;
const GOES_ON = "\\".charCodeAt(0);

/**
 * `[web] line`, on a terminal `web │ line`. A line longer than log-line-max is shown in pieces: a piece that goes on
 * ends in `\`, and the next one begins with `[web]+` (on a terminal `web ┊ `): take off the backslash and that prefix,
 * and the line is whole again. Every other byte is as it came.
 */
export function prefixFormat(name: string, { timestamps, terminal }: PrefixOptions): Format {
  let known: Heads | null = null;
  let knownTime = Number.NaN;
  let knownWidth = -1;
  return (blocks, time) => {
    const width = terminal?.width() ?? 0;
    if (known === null || knownWidth !== width || (timestamps && knownTime !== time)) {
      known = headsOf(timestamps ? `${isoTime(time)} ` : "", name, terminal, width);
      [knownTime, knownWidth] = [time, width];
    }
    return layOut(blocks, known);
  };
}

interface Heads {
  readonly first: Buffer;
  /** Before a further piece of a line; as long as `first`. */
  readonly further: Buffer;
}

function headsOf(stamp: string, name: string, terminal: Terminal | null, width: number): Heads {
  return { first: head(stamp, name, terminal, width, false), further: head(stamp, name, terminal, width, true) };
}

function head(stamp: string, name: string, terminal: Terminal | null, width: number, isFurther: boolean): Buffer {
  if (terminal === null) return Buffer.from(`${stamp}[${name}]${isFurther ? "+" : " "}`);
  const text = `${name.padEnd(width)} ${isFurther ? "┊" : "│"}`;
  return Buffer.from(terminal.colour ? `${stamp}\x1b[${colourOf(name)}m${text}\x1b[0m ` : `${stamp}${text} `);
}

// Not red, which is for errors, nor what vanishes on a black or a white ground.
const COLOURS = [32, 33, 34, 35, 36, 92, 93, 94, 95, 96] as const;

/** The same colour for the same name, in every run (an SGR number). */
export function colourOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return COLOURS[hash % COLOURS.length] as number;
}

/**
 * Each block is copied whole behind the room that its prefixes take, then its lines are moved down to their places:
 * no allocation and no slice for a line.
 */
function layOut(blocks: readonly Lines[], { first, further }: Heads): Buffer {
  let size = 0;
  for (const lines of blocks) size += usedBytes(lines) + lines.ends.length * (first.length + 2);
  const out = Buffer.allocUnsafe(size);
  let to = 0;
  for (const lines of blocks) {
    const { bytes, ends } = lines;
    const used = usedBytes(lines);
    const raw = to + ends.length * (first.length + 2);
    bytes.copy(out, raw, 0, used);
    let isFurther = lines.resumed;
    let from = 0;
    for (let index = 0; index < ends.length; index++) {
      const head = isFurther ? further : first;
      for (let at = 0; at < head.length; at++) out[to++] = head[at] as number;
      const end = ends[index] as number;
      out.copyWithin(to, raw + from, raw + end);
      to += end - from;
      isFurther = goesOn(lines, index);
      if (isFurther) out[to++] = GOES_ON;
      out[to++] = NEWLINE;
      from = isFurther ? end : end + 1;
    }
  }
  return out.subarray(0, to);
}

/** Without the unfinished line at the end. */
function usedBytes(lines: Lines): number {
  return startAfter(lines, lines.ends.length - 1);
}

/**
 * One object per line: `{"time":"…","service":"web","line":"…"}`, with `"stream"` where one is given. A piece of a line
 * longer than log-line-max that goes on has `"continues":true`. Bytes that are not UTF-8 become U+FFFD, and the object
 * then has `"utf8":false`. All control characters are escaped, those above ASCII too.
 */
export function jsonFormat(service: string, stream: string | null = null): Format {
  const who = `"service":${quote(service)}${stream === null ? "" : `,"stream":${quote(stream)}`},"line":`;
  return (blocks, time) => {
    const start = `{"time":"${isoTime(time)}",${who}`;
    let text = "";
    for (const lines of blocks) text += jsonLines(lines, start);
    return Buffer.from(text);
  };
}

function jsonLines(lines: Lines, start: string): string {
  const { bytes, ends } = lines;
  const encoding = isAscii(bytes) ? "latin1" : "utf8";
  const isClean = encoding === "latin1" || isUtf8(bytes);
  let text = "";
  for (let index = 0; index < ends.length; index++) {
    const from = startAfter(lines, index - 1);
    const end = ends[index] as number;
    text += start + quote(bytes.toString(encoding, from, end));
    if (goesOn(lines, index)) text += ',"continues":true';
    if (!isClean && !isUtf8(bytes.subarray(from, end))) text += ',"utf8":false';
    text += "}\n";
  }
  return text;
}

// JSON.stringify leaves DEL and the C1 controls as they are; a terminal may take U+009B for an escape sequence.
const UNESCAPED = /[\x7f-\x9f\u2028\u2029]/;
const EVERY_UNESCAPED = new RegExp(UNESCAPED, "g");

function quote(text: string): string {
  const quoted = JSON.stringify(text);
  return UNESCAPED.test(quoted) ? quoted.replace(EVERY_UNESCAPED, escapeOf) : quoted;
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

let isoKnown = "";
let isoKnownTime = Number.NaN;

/** ISO 8601 in UTC with milliseconds; the last answer is remembered, for a batch asks for one time again and again. */
export function isoTime(time: number): string {
  if (time !== isoKnownTime) {
    isoKnown = new Date(time).toISOString();
    isoKnownTime = time;
  }
  return isoKnown;
}
