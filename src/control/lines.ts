/** Cuts a stream of bytes into lines of at most `max` bytes; what is longer is an end, not a line. */
export interface LineCutter {
  /** The lines that are complete with this piece, without their newlines; null once a line is too long. */
  feed(piece: Buffer): string[] | null;
  /** True while a line has begun and not ended. */
  readonly partial: boolean;
}

/** A new cutter; it holds at most `max` bytes and the last piece. */
export function lineCutter(max: number): LineCutter {
  let pieces: Buffer[] = [];
  let held = 0;
  return {
    get partial() {
      return held > 0;
    },
    feed(piece) {
      const lines: string[] = [];
      let from = 0;
      for (let end = piece.indexOf(10); end !== -1; end = piece.indexOf(10, from)) {
        if (held + end - from > max) return null;
        pieces.push(piece.subarray(from, end));
        lines.push(Buffer.concat(pieces).toString("utf8"));
        pieces = [];
        held = 0;
        from = end + 1;
      }
      if (from < piece.length) {
        held += piece.length - from;
        if (held > max) return null;
        pieces.push(piece.subarray(from));
      }
      return lines;
    },
  };
}
