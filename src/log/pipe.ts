// A service's log pipe as the core and the reader speak of it.
import type { Format } from "./format.ts";
import type { Ring } from "./ring.ts";
import type { Sink } from "./sink.ts";

/** The most that is read from one pipe before what was read is written; the core counts with it. */
export const READ_MAX = 65536;

/** What the core must know of the bytes in our hands. It says `readable` once, and again only after `drained`. */
export interface PipeCore {
  /** A read follows: should we die then, up to one read is lost. False: the core could not be told, and none may follow. */
  taking(tag: string): boolean;
  /** `bytes` were read and are not written yet, the unfinished line included; `partial` of them are that line. */
  held(tag: string, bytes: number, partial: number): void;
  /** The pipe was empty, and all is written but an unfinished line of `partial` bytes; 0 at the start of a line. */
  drained(tag: string, partial: number): void;
  /** From now on a read takes up to 512 KB, from a pipe that is made larger if that is possible. */
  enlarge(tag: string): void;
  /** So much is lost by earlier managers' deaths and not said yet; 0 once it is. */
  lost(tag: string, bytes: number): void;
}

/** What dead managers left of a pipe: `skip` if the next bytes are the tail of a line; `lost` bytes, or `atMost` these. */
export interface Takeover {
  readonly skip: boolean;
  readonly lost: number;
  readonly atMost: boolean;
}

export interface PipeOptions {
  /** The read end, non-blocking; not closed by the reader. */
  readonly fd: number;
  readonly lineMax: number;
  /** Where it goes and how; null keeps it in the ring only. */
  readonly to: { readonly sink: Sink; readonly format: Format } | null;
  /** Null keeps nothing. */
  readonly ring: Ring | null;
  /** Absent for a pipe that no other manager has read. */
  readonly takeover?: Takeover;
}
