// A head before each of many lines, by a few instructions of WebAssembly (heads.wat): the bytes pass through its memory in
// pieces that the processor's caches hold. Made with the first lines that want one.
import { wasm } from "./heads.wat";

/** Gives `to` the bytes piece by piece, with `head` before each line in them; each piece is good until it returns. */
export type PutHeads = (head: Buffer, bytes: Buffer, to: (piece: Uint8Array) => void) => void;

/** The longest head that fits. */
export const HEAD_MAX = 1024;

const NEWLINE = 10;
// Blocks of 16 bytes may be read and written beyond each of these.
const BLOCK = 16;
const PIECE = 64 * 1024;
const HEAD = 0;
const IN = HEAD + HEAD_MAX + BLOCK;
const OUT = IN + PIECE + BLOCK;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly at: { readonly value: number };
  stamp(from: number, end: number, to: number, full: number, head: number, length: number): number;
}

let made: PutHeads | null | undefined;

/** Null where there is no WebAssembly: an old processor, a limit of address space, a Node without compilers. */
export function headPutter(): PutHeads | null {
  made ??= make();
  return made;
}

function make(): PutHeads | null {
  let exports: Exports;
  try {
    exports = new WebAssembly.Instance<Exports>(new WebAssembly.Module(Buffer.from(wasm, "base64"))).exports;
  } catch {
    // Whoever asked does without.
    return null;
  }
  const { memory, at, stamp } = exports;
  const bytesOf = new Uint8Array(memory.buffer);
  // A whole piece without a newline fits behind the last head.
  const full = bytesOf.length - PIECE - HEAD_MAX - BLOCK;
  return (head, bytes, to) => {
    bytesOf.set(head, HEAD);
    let isInside = true; // the head before the first line is its caller's
    for (let start = 0; start < bytes.length; start += PIECE) {
      const piece = bytes.subarray(start, start + PIECE);
      bytesOf.set(piece, IN);
      if (!isInside) to(head);
      for (let from = IN; from < IN + piece.length; from = at.value) {
        const end = stamp(from, IN + piece.length, OUT, full, HEAD, head.length);
        to(bytesOf.subarray(OUT, end));
      }
      isInside = piece[piece.length - 1] !== NEWLINE;
    }
  };
}
