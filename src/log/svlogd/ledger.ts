// What we have in our hands of a svlogd's input, written into a memory file that the svlogd holds: whoever comes after us,
// should we die, finds there what we took with us, and, if we end in order, the begin of the line that goes on.
import { readSync, writeSync } from "node:fs";

/** What an earlier server has left. */
export interface Left {
  /** At most so many bytes are lost with it. */
  readonly lost: number;
  /** What comes next is the tail of a line whose start is lost. */
  readonly skip: boolean;
  /** The begin of the line that comes next, as it was handed on. */
  readonly carry: Buffer;
}

export interface Ledger {
  /** What the svlogd has written there to prove that it is the one who speaks. */
  nonce(): string;
  left(): Left;
  /** A read of at most `most` bytes follows. */
  taking(most: number): void;
  held(bytes: number, partial: number): void;
  drained(partial: number): void;
  /** Nothing is in our hands any more; the next one goes on with these bytes. */
  handOn(carry: Buffer): void;
}

/** The length of the nonce in bytes, at the start of the ledger. */
export const NONCE = 16;
const HEAD = 64;
// After the nonce: bytes in hand, those of them that are an unfinished line, what a read may have taken, bytes carried.
const [HELD, PARTIAL, TAKING, CARRIED] = [0, 4, 8, 12] as const;
const SIZE = 16;

/** The ledger behind this descriptor, which stays the caller's. */
export function createLedger(fd: number): Ledger {
  const words = Buffer.alloc(SIZE);
  const put = (held: number, partial: number, taking: number, carried = 0) => {
    words.writeUInt32LE(held, HELD);
    words.writeUInt32LE(partial, PARTIAL);
    words.writeUInt32LE(taking, TAKING);
    words.writeUInt32LE(carried, CARRIED);
    writeSync(fd, words, 0, SIZE, NONCE);
  };
  return {
    nonce() {
      const bytes = Buffer.alloc(NONCE);
      return bytes.toString("latin1", 0, readSync(fd, bytes, 0, NONCE, 0));
    },
    left() {
      const found = Buffer.alloc(SIZE);
      readSync(fd, found, 0, SIZE, NONCE);
      const carry = Buffer.alloc(found.readUInt32LE(CARRIED));
      readSync(fd, carry, 0, carry.length, HEAD);
      const taking = found.readUInt32LE(TAKING);
      return {
        lost: found.readUInt32LE(HELD) + taking,
        skip: taking > 0 || found.readUInt32LE(PARTIAL) > 0,
        carry,
      };
    },
    // It reads only when all is written but an unfinished line.
    taking: (most) => put(words.readUInt32LE(PARTIAL), words.readUInt32LE(PARTIAL), most),
    held: (bytes, partial) => put(bytes, partial, 0),
    drained: (partial) => put(partial, partial, 0),
    handOn(carry) {
      writeSync(fd, carry, 0, carry.length, HEAD);
      put(0, 0, 0, carry.length);
    },
  };
}
