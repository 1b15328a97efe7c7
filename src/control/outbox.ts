import type { Duplex } from "node:stream";

/** A client that leaves this many bytes unread and is to get more is closed. */
export const outboxMax = 1024 * 1024;

/** The writing side of a connection: bounded, and silent once the other end has gone. */
export interface Outbox {
  /** False once the other end reads slower than we write; the bytes are taken all the same. */
  write(...parts: readonly (Uint8Array | string)[]): boolean;
  /** Resolves when everything has been read by the other end, or it has gone. */
  drained(): Promise<void>;
  /** True while bytes wait for the other end. */
  readonly stalled: boolean;
}

/** The outbox of `connection`; `overflow` is called in place of a write that would pass the bound. */
export function outbox(connection: Duplex, overflow: () => void): Outbox {
  const gone = () => connection.destroyed || connection.writableEnded || connection.errored !== null;
  return {
    get stalled() {
      return !gone() && connection.writableNeedDrain;
    },
    write(...parts) {
      if (gone()) return true;
      // Asked before the write, not after: one reply of any size passes, a second one behind it does not.
      if (connection.writableLength > outboxMax) {
        overflow();
        return true;
      }
      connection.cork();
      for (const part of parts) connection.write(part);
      connection.uncork();
      return !connection.writableNeedDrain;
    },
    drained() {
      if (gone() || !connection.writableNeedDrain) return Promise.resolve();
      return new Promise((resolve) => {
        const done = () => {
          connection.off("drain", done).off("close", done);
          resolve();
        };
        connection.on("drain", done).on("close", done);
      });
    },
  };
}
