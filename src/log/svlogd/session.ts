// One svlogd that has come by a socket and leaves its input to us. Before anything of it is touched it has to show that it
// is who it says: it writes the number that we give it where only a process of our own user can.

import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, openSync, readlinkSync, statSync } from "node:fs";
import type { Duplex } from "node:stream";
import { errorCode } from "../../base/errors.ts";
import { wholeEnvironment } from "../../process/environ.ts";
import type { Desk } from "./desk.ts";
import type { Engine } from "./engine.ts";
import { createLedger, type Ledger, NONCE } from "./ledger.ts";
import { type Handed, readHandedLine } from "./request.ts";
import { createWriter, type Holder, type Writer } from "./writer.ts";

export interface SessionParts {
  readonly uid: number;
  readonly desk: Desk;
  readonly engine: Engine;
  /** Told of what no svlogd is there to hear. */
  readonly warn: (text: string) => void;
}

export interface Session {
  /** Lets it go in order: the next server goes on where this one has stopped. */
  release(): Promise<void>;
}

/** What it has not read of its standard error is bounded by this, and what is read of its input with it. */
const UNREAD_MAX = 256 * 1024;
// <fcntl.h>; Node has no name for it.
const O_PATH = 0o10000000;
/** As long as a svlogd with a processor lives, this is kept of it. */
const ENVIRONMENT_MAX = 256 * 1024;
/** The longest line that it may send. */
const LINE_MAX = 64 * 1024;

/** Serves it until one of us goes; `over` is then called once. */
export function serveHanded(socket: Duplex, handed: Handed, parts: SessionParts, over: () => void): Session {
  let writer: Writer | null = null;
  let ledgerFd: number | null = null;
  let ledger: Ledger | null = null;
  let isOver = false;
  let text = "";
  const nonce = randomBytes(NONCE / 2).toString("hex");

  const say = (line: object) => {
    if (!socket.destroyed && !socket.writableEnded) socket.write(`${JSON.stringify(line)}\n`);
  };
  const holder: Holder = {
    path: (fd) => `/proc/${handed.pid}/fd/${fd}`,
    err(words) {
      if (socket.destroyed || socket.writableEnded) return;
      socket.write(`{"err":${Buffer.byteLength(words)}}\n`);
      socket.write(words);
    },
    environment() {
      const found = wholeEnvironment(handed.pid, ENVIRONMENT_MAX);
      // Asked after it was read: another process could have come by its number.
      return isHolder() ? found : null;
    },
    isFull: () => socket.writableLength > UNREAD_MAX,
    reopened: () => say({ reopened: true }),
    enlarge: (bytes) => say({ enlarge: bytes }),
  };
  const isHolder = () => {
    try {
      const theirs = statSync(holder.path(handed.ledger));
      const ours = ledgerFd === null ? null : fstatSync(ledgerFd);
      return theirs.ino === ours?.ino && theirs.dev === ours.dev;
    } catch {
      return false; // it has gone
    }
  };
  const finish = () => {
    if (isOver) return;
    isOver = true;
    socket.end(() => socket.destroy());
    over();
  };
  // Not before the last word was written there: the number may be another file's from then on.
  const closeLedger = () => {
    if (ledgerFd !== null) closeSync(ledgerFd);
    ledgerFd = null;
  };
  const refuse = (why: string) => {
    say({ no: why });
    void gone();
  };
  const begin = () => {
    if (ledger === null || ledger.nonce() !== nonce) return refuse("it is another process than it says");
    try {
      writer = createWriter({ handed, holder, ledger, desk: parts.desk, engine: parts.engine });
    } catch (error) {
      return refuse(`its input cannot be opened: ${errorCode(error)}`);
    }
    void writer.ended.then((code) => {
      say({ exit: code });
      finish();
      closeLedger();
    });
  };
  const hear = (line: string) => {
    const said = readHandedLine(line);
    if (said === null) return;
    if (said === "go") return writer === null ? begin() : undefined;
    writer?.signal(said);
  };
  // It was killed, or has given us up: what was read is written, and its unfinished line waits for the next one.
  const gone = async () => {
    if (isOver) return;
    finish();
    const carry = (await writer?.release()) ?? null;
    closeLedger();
    if (carry === null || writer === null) return;
    parts.desk.keep(writer.pipe, carry, () => {
      parts.warn(`${carry.length} bytes of an unfinished line are lost: no svlogd came to go on with it`);
    });
  };

  socket.on("data", (piece: Buffer) => {
    text += piece.toString();
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    if (text.length > LINE_MAX) return refuse("a line is too long");
    if (!isOver) lines.forEach(hear);
  });
  socket.on("error", () => socket.destroy());
  socket.on("end", () => void gone());
  socket.once("close", () => void gone());

  try {
    ledgerFd = openLedger(holder.path(handed.ledger), parts.uid);
    if (ledgerFd === null) refuse("its ledger is not our user's");
    else {
      ledger = createLedger(ledgerFd);
      say({ nonce });
    }
  } catch (error) {
    refuse(`its descriptors cannot be opened: ${errorCode(error)}`);
  }

  return {
    async release() {
      if (isOver) return;
      const carry = (await writer?.release()) ?? null;
      if (isOver) return;
      if (carry !== null) ledger?.handOn(carry);
      finish();
      closeLedger();
    },
  };
}

// What it is can be asked of O_PATH without opening it: to open somebody's device or fifo could do harm or hang. No other
// file than a memory file will do: one that is our user's may still be anybody's to write to.
function openLedger(path: string, uid: number): number | null {
  const handle = openSync(path, O_PATH);
  try {
    const own = `/proc/self/fd/${handle}`;
    const file = fstatSync(handle);
    const isLedger = file.isFile() && file.uid === uid && readlinkSync(own) === "/memfd:svlogd (deleted)";
    return isLedger ? openSync(own, "r+") : null;
  } finally {
    closeSync(handle);
  }
}
