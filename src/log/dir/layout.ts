// What becomes of a batch of lines on its way into one directory: stamps, prefix, selection. Pure, but for the scratch
// buffer that the result may lie in.
import type { DirectoryConfig } from "./config.ts";
import { selected } from "./match.ts";
import type { LineOptions } from "./model.ts";
import { BATCH, giveScratch, takeScratch } from "./scratch.ts";
import { type Micros, stampText } from "./stamp.ts";

/** Lines as they were read: whole ones, but the first may go on with one, and the last may have more to come. */
export interface Batch {
  readonly bytes: Buffer;
  /** So many bytes of the first line were in earlier batches; 0: it begins here. Else at least `lineMax` were. */
  readonly column: number;
}

/** What is to be done with them. */
export interface LaidOut {
  /** For the file; may be empty, and may be the batch itself. */
  readonly file: Buffer;
  /** The buffer that `file` lies in, if it is to be given back; else null. */
  readonly scratch: Buffer | null;
  /** For standard error; null if there are none. */
  readonly alerts: Buffer | null;
  /** One for each datagram. */
  readonly messages: readonly Buffer[];
}

export type Layout = (batch: Batch, time: Micros) => LaidOut;

const NEWLINE = 10;
const NOTHING = Buffer.alloc(0);
const LINE_MAX = 1000;
const MORE = Buffer.from("...");
const END = Buffer.from("\n");
// V8 makes strings of up to about 128 KB cheaply, and of more than that at four times the price.
const PIECE = 64 * 1024;

/** The way of the lines of one stream into one directory; it remembers what was decided of an unfinished line. */
export function createLayout(config: DirectoryConfig, options: LineOptions): Layout {
  const prefix = config.prefix === null ? "" : Buffer.from(config.prefix).toString("latin1");
  const headAt = (time: Micros) => stampText(options.stamp ?? 0, time) + prefix;
  if (config.selections.length > 0 || config.udp !== null) return lineByLine(config, options, headAt);
  if ((options.stamp ?? 0) === 0 && prefix === "") return asItIs;
  return (batch, time) => allWith(headAt(time), batch);
}

function asItIs({ bytes }: Batch): LaidOut {
  return { file: bytes, scratch: null, alerts: null, messages: [] };
}

/** The head before each line: by strings, whose search and replacement V8 does many bytes at a time. */
function allWith(head: string, { bytes, column }: Batch): LaidOut {
  const line = `\n${head}`;
  const end = bytes[bytes.length - 1] === NEWLINE ? bytes.length - 1 : bytes.length;
  let scratch = takeScratch(4 * bytes.length < BATCH ? BATCH : 2 * BATCH);
  let size = column === 0 ? scratch.write(head, 0, "latin1") : 0;
  for (let from = 0; from < end; from += PIECE) {
    const text = bytes.toString("latin1", from, Math.min(end, from + PIECE)).replaceAll("\n", line);
    if (size + text.length >= scratch.length) {
      // Many short lines: as much again for the rest of them.
      const larger = takeScratch(2 * (size + text.length) + bytes.length - from);
      scratch.copy(larger, 0, 0, size);
      giveScratch(scratch);
      scratch = larger;
    }
    size += scratch.write(text, size, "latin1");
  }
  if (end < bytes.length) scratch[size++] = NEWLINE;
  return { file: scratch.subarray(0, size), scratch, alerts: null, messages: [] };
}

/** One line after the other, as each may be selected for something else. */
function lineByLine(
  { selections, udp, udpOnly }: DirectoryConfig,
  { lineMax = LINE_MAX }: LineOptions,
  headAt: (time: Micros) => string,
): Layout {
  let isWritten = true; // the unfinished line
  return ({ bytes, column }, time) => {
    const head = Buffer.from(headAt(time), "latin1");
    const alerts: Buffer[] = [];
    const messages: Buffer[] = [];
    const ranges: number[] = []; // of what is written: from, to, from, to…
    let heads = 0;
    for (let from = 0; from < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, from);
      const next = newline < 0 ? bytes.length : newline + 1;
      if (column === 0 || from > 0) {
        const shown = Math.min(newline < 0 ? bytes.length : newline, from + lineMax);
        const { write, alert } = selected(selections, bytes, from, shown);
        isWritten = write && !udpOnly;
        const isSent = write && udp !== null;
        if (alert || isSent) {
          const text = shown - from === lineMax ? [MORE, END] : [END];
          const message = Buffer.concat([head, bytes.subarray(from, shown), ...text]);
          if (alert) alerts.push(message);
          if (isSent) messages.push(message);
        }
        if (isWritten) heads++;
      }
      if (isWritten) ranges.push(from, next);
      from = next;
    }
    const alerted = alerts.length === 0 ? null : Buffer.concat(alerts);
    return { ...copied(bytes, ranges, head, heads, column), alerts: alerted, messages };
  };
}

function copied(
  bytes: Buffer,
  ranges: readonly number[],
  head: Buffer,
  heads: number,
  column: number,
): Pick<LaidOut, "file" | "scratch"> {
  if (ranges.length === 0) return { file: NOTHING, scratch: null };
  const scratch = takeScratch(bytes.length + heads * head.length);
  let size = 0;
  for (let index = 0; index < ranges.length; index += 2) {
    const from = ranges[index] as number;
    if (head.length > 0 && (from > 0 || column === 0)) size += head.copy(scratch, size);
    size += bytes.copy(scratch, size, from, ranges[index + 1]);
  }
  return { file: scratch.subarray(0, size), scratch };
}

/**
 * `-r` and `-R`: a function that replaces bytes in place, of each line its first `lineMax`; null if none are. As svlogd it
 * leaves the rest of a longer line as it is.
 */
export function createReplacement({
  replacement,
  replaced,
  lineMax = LINE_MAX,
}: LineOptions): ((batch: Batch) => void) | null {
  const by = replacement ?? (replaced === undefined ? undefined : "_".charCodeAt(0));
  if (by === undefined) return null;
  const table = new Uint8Array(256).map((_, byte) => (byte < 32 || byte > 126 ? by : byte));
  for (const byte of replaced ?? []) table[byte] = by;
  return ({ bytes, column }) => {
    let at = column;
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index] as number;
      if (byte === NEWLINE) at = 0;
      else if (at++ < lineMax) bytes[index] = table[byte] as number;
    }
  };
}
