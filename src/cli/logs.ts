import type { LogLine } from "../log/ring.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import { noServices } from "./status.ts";
import { plain } from "./words.ts";

/** While following, bytes that wait for a slow reader; lines beyond it are dropped and counted. */
const WAITING_MAX = 256 * 1024;
/** Bytes that are written before the reader is waited for. */
const CHUNK = 64 * 1024;

type Format = (line: LogLine) => Buffer;

/** `logs`: the last lines, and with `-f` those that come, until the client goes. */
export async function logs({ command, names, client, supervisor, io }: Context): Promise<number> {
  const chosen = command.words.length > 0 ? names : supervisor.services().map(({ name }) => name);
  if (chosen.length === 0) {
    io.err(noServices(supervisor.about.scanDir));
    return exitCodes.ok;
  }
  if (client.resumed && !command.follow) {
    io.err("the manager restarted while it printed; run upkeep logs again\n");
    return exitCodes.failed;
  }
  const tellLogger = (name: string, past: readonly LogLine[]) => {
    const hasLogger = (supervisor.service(name)?.log ?? null) !== null;
    if (hasLogger && !past.some(({ service }) => service === name))
      io.err(`upkeep: ${plain(name)} writes to its logger; what that prints: upkeep logs ${plain(name)}/log\n`);
  };
  const format = command.output === "json" ? json : people(chosen.length > 1, command.timestamps);
  const queue = lineQueue();
  // Both in one turn: no line is missing between them, none comes twice.
  // After a restart, all that is kept was read by the new manager: what came while nobody listened.
  const past = supervisor.logs(chosen, client.resumed ? Number.MAX_SAFE_INTEGER : command.lines);
  if (command.words.length > 0) for (const name of chosen) tellLogger(name, past);
  const forget = command.follow ? supervisor.follow(chosen, queue.add, queue.skip) : () => {};
  const leave = () => queue.end();
  io.closed.addEventListener("abort", leave, { once: true });
  try {
    await write(past, format, io);
    while (command.follow && !io.closed.aborted) {
      const { lines, dropped } = await queue.take();
      await write(lines, format, io);
      if (dropped > 0) io.err(`upkeep: ${dropped} lines dropped: they came faster than they were read\n`);
    }
  } finally {
    forget();
    io.closed.removeEventListener("abort", leave);
  }
  return exitCodes.ok;
}

async function write(lines: readonly LogLine[], format: Format, io: Context["io"]): Promise<void> {
  let pieces: Buffer[] = [];
  let size = 0;
  const flush = async () => {
    if (size > 0) io.out(Buffer.concat(pieces));
    pieces = [];
    size = 0;
    await io.drained();
  };
  for (const line of lines) {
    const piece = format(line);
    pieces.push(piece);
    size += piece.length;
    if (size >= CHUNK) await flush();
    if (io.closed.aborted) return;
  }
  await flush();
}

/** Lines between the services and a reader who may be slower. */
function lineQueue() {
  let lines: LogLine[] = [];
  let size = 0;
  let dropped = 0;
  let wake: (() => void) | null = null;
  const rouse = () => {
    wake?.();
    wake = null;
  };
  return {
    add(line: LogLine) {
      if (size + line.line.length > WAITING_MAX) dropped++;
      else {
        lines.push(line);
        // A line costs something even if it is empty.
        size += line.line.length + 64;
      }
      rouse();
    },
    /** So many were never kept for us. */
    skip(count: number) {
      dropped += count;
      rouse();
    },
    end: rouse,
    /** What has come, as soon as there is something or the end has come. */
    async take() {
      if (lines.length === 0 && dropped === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      const taken = { lines, dropped };
      lines = [];
      size = 0;
      dropped = 0;
      return taken;
    },
  };
}

const newline = Buffer.from("\n");
const goesOn = Buffer.from("…\n");

/** Text for a person: `[name] ` where there are several, the time where it is asked for, then the bytes as they came. */
function people(several: boolean, timestamps: boolean): Format {
  // One service alone without additions is given back byte for byte: pieces of a long line become one line again.
  const exact = !several && !timestamps;
  return ({ service, time, line, continues }) => {
    if (exact) return continues ? line : Buffer.concat([line, newline]);
    const stamp = timestamps ? `${new Date(time).toISOString()} ` : "";
    const prefix = several ? `[${plain(service)}] ` : "";
    return Buffer.concat([Buffer.from(stamp + prefix), line, continues ? goesOn : newline]);
  };
}

const json: Format = ({ service, time, line, continues }) =>
  Buffer.from(
    `${JSON.stringify({ time: new Date(time).toISOString(), service, line: line.toString("utf8"), ...(continues && { continues }) })}\n`,
  );
