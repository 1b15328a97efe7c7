// The one process that writes the logs of all svlogds of a user where no manager of that user does; the first of them has
// become it, and what it was started for it does as well. It ends with that one: the others then choose anew.
import type { Socket } from "node:net";
import { createSink } from "../log/sink.ts";
import { createHouse } from "../log/svlogd/house.ts";
import { createLedger } from "../log/svlogd/ledger.ts";
import { type HandedSignal, readHanded } from "../log/svlogd/request.ts";
import { createWriter, type Holder } from "../log/svlogd/writer.ts";

export interface LogProcessWorld {
  /** The words after the program's name: `svlogd` and the request. */
  readonly words: readonly string[];
  readonly uid: number;
  onSignal(name: "SIGTERM" | "SIGHUP" | "SIGALRM", listener: () => void): void;
  onFault(listener: (fault: unknown) => void): void;
  end(code: number): void;
}

const FATAL = 111;
const signals = { SIGTERM: "TERM", SIGHUP: "HUP", SIGALRM: "ALRM" } as const;

/** Writes until its own input ends or it is told to. */
export async function logProcess({ words, uid, onSignal, onFault, end }: LogProcessWorld): Promise<void> {
  const sink = createSink(2);
  const tell = (text: string) => sink.write(Buffer.from(`svlogd: ${text}\n`));
  const leave = (code: number) => sink.onEmpty(() => end(code));
  onFault((fault) => tell(`warning: internal error: ${fault instanceof Error ? fault.stack : String(fault)}`));
  const handed = readHanded(JSON.parse(words[1] ?? "null") as Record<string, unknown>);
  if (handed === null) {
    tell("fatal: this is for svlogd itself to call");
    return leave(FATAL);
  }
  const house = createHouse(uid, (text) => tell(`warning: ${text}`));
  const holder: Holder = {
    path: (fd) => `/proc/self/fd/${fd}`,
    err: (text) => sink.write(Buffer.from(text as Uint8Array)),
    isFull: () => !sink.room(),
    reopened: () => {},
  };
  const { openInput } = house.engine;
  const engine = {
    ...house.engine,
    // A pipe that belongs to another user, or a socket, can only be read as it was inherited.
    openInput(path: string) {
      try {
        return openInput(path);
      } catch {
        return 0;
      }
    },
  };
  const ledger = handed.ledger < 0 ? null : createLedger(handed.ledger);
  const writer = createWriter({ handed, holder, ledger, desk: house.desk, engine });
  const { directories } = handed;
  for (const name of ["SIGTERM", "SIGHUP", "SIGALRM"] as const) {
    const signal = signals[name];
    onSignal(name, () => writer.signal((signal === "HUP" ? { signal, directories } : { signal }) as HandedSignal));
  }
  const server =
    handed.listener < 0
      ? null
      : process
          .getBuiltinModule("node:net")
          .createServer({ allowHalfOpen: true }, (socket: Socket) => house.welcome(socket))
          .listen({ fd: handed.listener });
  const code = await writer.ended;
  // Nobody is taken any more; who is not served yet sees the end of its connection, and looks for another.
  server?.close();
  await house.release();
  leave(code);
}
