// What the server and the commands agree on. Types only: the server knows no command, a command knows no socket.
import type { Supervisor } from "./supervisor.ts";

/** Where a command was typed. */
export interface Client {
  /** True if its standard output is a terminal. */
  readonly tty: boolean;
  /** The terminal's width; without a terminal nothing is ever cut to it. */
  readonly columns: number;
  readonly color: boolean;
  /** The working directory, for services that are given as paths; empty if it is not known. */
  readonly cwd: string;
  /** True if the same words were sent before and the manager ended under them: what was printed is not to come twice. */
  readonly resumed: boolean;
}

/** Where a command's words go. Nothing here throws, also not after the client has gone. */
export interface Io {
  /** Standard output; false once the client reads slower than we write, the words are taken all the same. */
  out(bytes: Uint8Array | string): boolean;
  /** Standard error, the same. */
  err(text: string): boolean;
  /** Resolves when the client has read all of it, or has gone. */
  drained(): Promise<void>;
  /** Aborted when the client has gone. */
  readonly closed: AbortSignal;
}

/** Runs one command line to its exit code. */
export type Runner = (argv: readonly string[], client: Client, supervisor: Supervisor, io: Io) => Promise<number>;
