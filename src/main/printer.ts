// The output of a command that ends: all of it is written, or it is known why not. A descriptor may be a non-blocking
// one, which belongs to others too and stays as it is: where it has no room, we wait.
import { writeSync } from "node:fs";
import { constants } from "node:os";

export interface Printer {
  /** Writes all of it; once something could not be written, nothing more is. */
  print(bytes: Uint8Array | string): void;
  /** The errno of the first write that failed; null while all went well. */
  fault(): number | null;
}

export interface System {
  write(fd: number, bytes: Uint8Array): number;
  nap(): void;
}

const { EAGAIN, EINTR, EIO } = constants.errno;
/** Node has no poll(2); nobody notices so short a wait. */
const NAP_MS = 10;
const napping = new Int32Array(new SharedArrayBuffer(4));
const real: System = { write: writeSync, nap: () => void Atomics.wait(napping, 0, 0, NAP_MS) };

/** Prints to that descriptor. Never throws. */
export function createPrinter(fd: number, { write, nap }: System = real): Printer {
  let fault: number | null = null;
  return {
    print(bytes) {
      let left: Uint8Array = Buffer.from(bytes as Uint8Array);
      while (left.length > 0 && fault === null) {
        try {
          left = left.subarray(write(fd, left));
        } catch (error) {
          const errno = -((error as NodeJS.ErrnoException).errno ?? -EIO);
          if (errno === EAGAIN) nap();
          else if (errno !== EINTR) fault = errno;
        }
      }
    },
    fault: () => fault,
  };
}
