// Everybody whose logs this process writes.
import type { Duplex } from "node:stream";
import { type Clock, type Ms, monotonic } from "../../base/clock.ts";
import { createDesk, type Desk } from "./desk.ts";
import { type Engine, engine as realEngine } from "./engine.ts";
import { type Handed, readHanded } from "./request.ts";
import { type Session, serveHanded } from "./session.ts";

export interface House {
  readonly desk: Desk;
  readonly engine: Engine;
  /** A svlogd whose request was read already. */
  serve(socket: Duplex, handed: Handed): void;
  /** One that has just connected, and says its request first. */
  welcome(socket: Duplex): void;
  /** How many svlogds are served. */
  count(): number;
  /** Lets all of them go in order, and takes nobody any more. */
  release(): Promise<void>;
}

/** The longest request; the program makes none that is longer. */
const REQUEST_MAX = 64 * 1024;
/** A svlogd speaks at once; whoever else has come by our name does not hold a descriptor of ours for longer. */
const PATIENCE: Ms = 10_000;

/** The house of one process of this uid; `warn` is told of what no svlogd is there to hear. */
export function createHouse(
  uid: number,
  warn: (text: string) => void,
  engine: Engine = realEngine,
  clock: Clock = monotonic,
): House {
  const desk = createDesk(clock);
  const sessions = new Set<Session>();
  let isClosed = false;

  const serve = (socket: Duplex, handed: Handed) => {
    if (isClosed) return void socket.destroy();
    let session: Session | null = null;
    let isOver = false;
    session = serveHanded(socket, handed, { uid, desk, engine, warn }, () => {
      isOver = true;
      if (session !== null) sessions.delete(session);
    });
    if (!isOver) sessions.add(session);
  };
  return {
    desk,
    engine,
    serve,
    welcome(socket) {
      let text = "";
      const refuse = () => socket.destroy();
      const forget = clock.at(clock.now() + PATIENCE, refuse);
      socket.once("close", forget);
      const hear = (piece: Buffer) => {
        text += piece.toString();
        const end = text.indexOf("\n");
        if (end < 0 && text.length > REQUEST_MAX) refuse();
        if (end < 0) return;
        forget();
        socket.off("close", forget).off("data", hear).off("error", refuse);
        const handed = parse(text.slice(0, end));
        if (handed === null) refuse();
        else serve(socket, handed);
      };
      socket.on("data", hear).on("error", refuse);
    },
    count: () => sessions.size,
    async release() {
      isClosed = true;
      await Promise.all([...sessions].map((session) => session.release()));
    },
  };
}

function parse(line: string): Handed | null {
  try {
    const fields: unknown = JSON.parse(line);
    return typeof fields === "object" && fields !== null ? readHanded(fields as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
