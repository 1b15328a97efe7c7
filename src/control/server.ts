// The control socket's clients. The core listens, accepts and asks who it is; here begins what is done for them.
import type { Duplex } from "node:stream";
import { type Clock, monotonic } from "../base/clock.ts";
import type { Handed } from "../log/svlogd/request.ts";
import { audited, type Note, type Peer } from "./audit.ts";
import { type Connection, connect } from "./connection.ts";
import type { Runner } from "./exec.ts";
import type { Supervisor } from "./supervisor.ts";

/** Connections at a time. One more closes the one that has been idle longest, or is turned away where none is. */
export const connectionsMax = 256;

export interface Control {
  /** Serves one accepted connection. Whoever could open the socket is allowed: its mode decides that. Never throws. */
  serve(socket: Duplex, peer: Peer): void;
  /** How many are connected. */
  count(): number;
  /** Ends all of them. */
  close(): void;
}

export interface ControlParts {
  readonly supervisor: Supervisor;
  /** Runs command lines; cli/run-command.ts has it. */
  readonly run: Runner;
  /** Our own log at info: who ordered what. */
  readonly note: Note;
  /** Our own log at error: a mistake of ours, with its stack. */
  readonly fault: (text: string) => void;
  /** Takes the connection of a svlogd; it counts as none of ours any more. */
  readonly writeLogs: (socket: Duplex, handed: Handed) => void;
  /** Default the real one. */
  readonly clock?: Clock;
}

/** The server for the life of the manager. */
export function createControl({ supervisor, run, note, fault, writeLogs, clock = monotonic }: ControlParts): Control {
  const connections = new Set<Connection>();
  return {
    serve(socket, peer) {
      const connection = connect(
        socket,
        { supervisor: audited(supervisor, peer, note), run, clock, fault, writeLogs },
        () => connections.delete(connection),
      );
      connections.add(connection);
      if (connections.size <= connectionsMax) return;
      const full = `cannot serve more than ${connectionsMax} connections at a time`;
      const out = longestIdle(connections, connection) ?? connection;
      connections.delete(out);
      out.close(full);
    },
    count: () => connections.size,
    close() {
      for (const connection of connections) connection.close(null);
    },
  };
}

function longestIdle(connections: Iterable<Connection>, but: Connection): Connection | null {
  let found: Connection | null = null;
  for (const connection of connections)
    if (connection !== but && connection.idle && (found === null || connection.active < found.active))
      found = connection;
  return found;
}
