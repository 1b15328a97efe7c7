// What becomes of a batch of lines on its way into one directory: stamps, prefix, selection. Pure, but for the scratch
// buffer that the result may lie in.
import type { DirectoryConfig } from "./config.ts";
import { HEAD_MAX, headPutter, type PutHeads } from "./heads.ts";
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

/** The way of the lines of one stream into one directory; it remembers what was decided of an unfinished line. */
export function createLayout(config: DirectoryConfig, options: LineOptions): Layout {
  const prefix = Buffer.from(config.prefix ?? NOTHING);
  const headAt = (time: Micros) => Buffer.concat([Buffer.from(stampText(options.stamp ?? 0, time)), prefix]);
  const isSelective = config.selections.length > 0 || config.udp !== null;
  if (!isSelective && (options.stamp ?? 0) === 0 && prefix.length === 0) return asItIs;
  const slow = lineByLine(config, options, headAt);
  if (isSelective) return slow;
  return (batch, time) => {
    const head = headAt(time);
    const put = head.length <= HEAD_MAX ? headPutter() : null;
    return put === null ? slow(batch, time) : allWith(put, head, batch);
  };
}

function asItIs({ bytes }: Batch): LaidOut {
  return { file: bytes, scratch: null, alerts: null, messages: [] };
}

/** The head before each line, and nothing else. */
function allWith(put: PutHeads, head: Buffer, { bytes, column }: Batch): LaidOut {
  let scratch = takeScratch(4 * bytes.length < BATCH ? BATCH : 2 * BATCH);
  let size = column === 0 ? head.copy(scratch) : 0;
  put(head, bytes, (piece) => {
    if (size + piece.length > scratch.length) {
      // Many short lines.
      const larger = takeScratch(2 * (size + piece.length));
      scratch.copy(larger, 0, 0, size);
      giveScratch(scratch);
      scratch = larger;
    }
    scratch.set(piece, size);
    size += piece.length;
  });
  return { file: scratch.subarray(0, size), scratch, alerts: null, messages: [] };
}

/** One line after the other, as each may be selected for something else. */
function lineByLine(
  { selections, udp, udpOnly }: DirectoryConfig,
  { lineMax = LINE_MAX }: LineOptions,
  headAt: (time: Micros) => Buffer,
): Layout {
  let isWritten = true; // the unfinished line
  return ({ bytes, column }, time) => {
    const head = headAt(time);
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
