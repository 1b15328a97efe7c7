// One client of the control socket, from its first byte to its last. Nothing that it sends may throw into the manager.
import type { Duplex } from "node:stream";
import type { Clock, Ms } from "../base/clock.ts";
import { errorCode } from "../base/errors.ts";
import type { Handed } from "../log/svlogd/request.ts";
import { answer, type Caller } from "./answer.ts";
import type { Io, Runner } from "./exec.ts";
import { lineCutter } from "./lines.ts";
import { outbox } from "./outbox.ts";
import { errorLine, exitLine, frameHead, parseRequest, type Request, requestMax } from "./protocol.ts";
import type { Supervisor } from "./supervisor.ts";

/** From a connection's begin, or a line's first byte, to the end of that line; then it is closed. */
export const requestTimeout: Ms = 10_000;

/** Requests that were read and wait for the one before them; with more than this we stop reading. */
const backlogMax = 64;

export interface Connection {
  /** True while nothing is being done for it, or it does not read what was done. */
  readonly idle: boolean;
  /** When it last sent something or took something. */
  readonly active: Ms;
  /** Ends it, with one sentence if it may still be told. */
  close(why: string | null): void;
}

export interface Services {
  readonly supervisor: Supervisor;
  readonly run: Runner;
  readonly clock: Clock;
  /** Called with what only a mistake of ours can bring about. */
  readonly fault: (text: string) => void;
  /** Takes the connection of a svlogd that leaves its input to us. */
  readonly writeLogs: (socket: Duplex, handed: Handed) => void;
}

/** Serves one client until it goes; `ended` is then called once. */
export function connect(socket: Duplex, services: Services, ended: () => void): Connection {
  const { supervisor, clock } = services;
  const cutter = lineCutter(requestMax);
  const gone = new AbortController();
  const forgets: (() => void)[] = [];
  const waiting: string[] = [];
  let active = clock.now();
  let working = false;
  let watching = false;
  /** After exec, or once it talks nonsense, what else it sends is not read. */
  let deaf = false;
  let half = false;
  let disarm: (() => void) | null = null;

  const box = outbox(socket, () => socket.destroy());
  // Closed once all is in the kernel's hands: the other end need not close first.
  const finish = () => void socket.end(() => socket.destroy());
  const close = (why: string | null) => {
    if (why !== null) box.write(errorLine(null, why));
    deaf = true;
    waiting.length = 0;
    gone.abort();
    // Whoever does not read what is there already will not read the sentence, and does not hold the connection open.
    if (box.stalled) socket.destroy();
    else finish();
  };
  const arm = () => {
    disarm ??= clock.at(clock.now() + requestTimeout, () => {
      close(`cannot wait longer: no complete request in ${requestTimeout / 1000} s`);
      socket.destroy();
    });
  };
  const calm = () => {
    disarm?.();
    disarm = null;
  };

  const caller: Caller = {
    send: (line) => void box.write(line),
    atEnd(forget) {
      watching = true;
      if (gone.signal.aborted) forget();
      else forgets.push(forget);
    },
  };
  const io: Io = {
    out: (bytes) => writeFrame("out", bytes),
    err: (text) => writeFrame("err", text),
    drained: box.drained,
    closed: gone.signal,
  };
  const writeFrame = (stream: "out" | "err", bytes: Uint8Array | string): boolean =>
    bytes.length === 0 ? true : box.write(frameHead(stream, Buffer.byteLength(bytes)), bytes);

  const exec = async (request: Extract<Request, { do: "exec" }>) => {
    deaf = true;
    waiting.length = 0;
    const code = await services.run(request.argv, request.client, supervisor, io);
    box.write(exitLine(code));
    finish();
  };
  // It waits for us to speak, so nothing of it has been read yet but this.
  const pass = (handed: Handed) => {
    deaf = true;
    waiting.length = 0;
    calm();
    for (const event of ["data", "end", "drain", "error", "close"]) socket.removeAllListeners(event);
    ended();
    services.writeLogs(socket, handed);
  };
  const handle = async (line: string) => {
    const request = parseRequest(line);
    if (request.do === "refuse") {
      if (request.fatal) close(request.error);
      else caller.send(errorLine(request.id, request.error));
      return;
    }
    if (request.do === "svlogd") return pass(request.handed);
    try {
      if (request.do === "exec") await exec(request);
      else await answer(request, supervisor, caller);
    } catch (error) {
      const text = `cannot answer: ${errorCode(error)}; this is a mistake in upkeep`;
      services.fault(`control request ${request.do} failed: ${error instanceof Error ? error.stack : String(error)}`);
      if (request.do !== "exec") return caller.send(errorLine(request.id, text));
      io.err(`${text}\n`);
      box.write(exitLine(1));
      finish();
    }
  };
  const work = async () => {
    if (working) return;
    working = true;
    for (let line = waiting.shift(); line !== undefined; line = waiting.shift()) {
      await handle(line);
      await box.drained();
      active = clock.now();
      if (socket.isPaused() && waiting.length < backlogMax) socket.resume();
    }
    working = false;
    if (half && !watching) finish();
  };

  socket.on("data", (piece: Buffer) => {
    if (deaf) return;
    active = clock.now();
    const lines = cutter.feed(piece);
    // Only a line's end stops the clock: a byte now and then does not.
    if (lines?.length !== 0) calm();
    if (lines === null) return close(`cannot read the request: a line is longer than ${requestMax / 1024} KB`);
    if (cutter.partial) arm();
    waiting.push(...lines.filter((line) => line.trim() !== ""));
    if (waiting.length > backlogMax) socket.pause();
    // Nothing rejects in there: handle catches.
    void work();
  });
  socket.on("end", () => {
    half = true;
    calm();
    // Who has sent a command and then closes does not want its outcome any more.
    if (deaf || watching) gone.abort();
    if (!working) finish();
  });
  socket.on("drain", () => {
    active = clock.now();
  });
  // A reset is an end like any other; "close" follows.
  socket.on("error", () => socket.destroy());
  socket.once("close", () => {
    calm();
    deaf = true;
    waiting.length = 0;
    gone.abort();
    for (const forget of forgets.splice(0)) forget();
    ended();
  });
  arm();

  return {
    get idle() {
      return box.stalled || (!working && !watching);
    },
    get active() {
      return active;
    },
    close,
  };
}
