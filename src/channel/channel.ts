import type { Exit } from "../base/exit.ts";
import type {
  Core,
  Hello,
  KnownChild,
  KnownDirectory,
  KnownPipe,
  Listener,
  Orphan,
  SpawnRequest,
  Stream,
} from "./core.ts";
import { createFrames, type Down, decoder, type Message, type Up } from "./messages.ts";
import type { Transport } from "./transport.ts";

/** Each write wakes the core, which on a small machine takes our place: many requests of one turn go together. */
const HASTE_MIN = 32 * 1024;
/** What a turn asks for fits in there, as a rule. */
const FRAMES_ROOM = 64 * 1024;

/** The two directions of a channel. */
export interface Channel {
  readonly core: Core;
  /** Hears what the core has said already: its hello, as a rule. */
  begin(): void;
  /** From now on the core is heard as it speaks. */
  listen(): void;
}

/**
 * The core, as the other end of the channel. Requests of one turn of the loop go out in one write, so that a
 * manager that dies has said all of a turn or, nearly always, nothing.
 */
export function connectCore(transport: Transport, listener: Listener): Channel {
  const frames = createFrames(FRAMES_ROOM);
  // Nothing of this turn has gone out yet.
  let isFresh = true;
  const flush = () => {
    if (frames.size() === 0) return;
    isFresh = false;
    if (!transport.write(frames.taken())) frames.part();
  };
  const endTurn = () => {
    flush();
    isFresh = true;
  };
  const ask = (name: Down, ...fields: readonly string[]) => {
    if (frames.size() === 0 && isFresh) queueMicrotask(endTurn);
    frames.add(name, fields);
  };
  const decode = decoder();
  const hear = hearer(listener);
  const take = (chunk: Buffer) => {
    for (const message of decode(chunk)) hear(message);
    listener.turn();
  };
  const core: Core = {
    spawn: (id, number, request) => ask("spawn", id, String(number), ...spawnAttributes(request)),
    kill: (id, signal, group) => ask("kill", id, String(signal), group ? "1" : "0"),
    stray: (pid, start, signal) => ask("stray", String(pid), start, String(signal)),
    pipe: (tag, read) => ask("pipe", tag, read ? "1" : "0"),
    shut: (tag) => ask("shut", tag),
    drop: (tag) => ask("drop", tag),
    taking(tag) {
      ask("taking", tag);
      flush();
      return transport.isClear();
    },
    held: (tag, bytes, partial) => ask("held", tag, String(bytes), String(partial)),
    drained: (tag, partial) => ask("drained", tag, String(partial)),
    enlarge: (tag) => ask("enlarge", tag),
    lost: (tag, bytes) => ask("lost", tag, String(bytes)),
    supervise: (number, path, { makes, mayHang }) =>
      ask("supervise", String(number), path, makes ? "1" : "0", mayHang ? "1" : "0"),
    offer: (number, mayHang) => ask("offer", String(number), mayHang ? "1" : "0"),
    release: (number) => ask("release", String(number)),
    inscribe: (number, path, { pid, stat, status }) => ask("inscribe", String(number), path, pid, stat, status),
    remember: (key, blob) => ask("remember", key, blob),
    forget: (key) => ask("forget", key),
    ack: (serial, key, blob) =>
      key === undefined || blob === undefined ? ask("ack", serial) : ask("ack", serial, key, blob),
    listen: (path, mode, gid) => ask("listen", path, String(mode), String(gid ?? -1)),
    budget: (milliseconds) => ask("budget", String(Math.round(milliseconds))),
    stopOn: (signals) => ask("stop_on", ...signals.map(String)),
    stopping: () => ask("stopping"),
    ready: () => ask("ready"),
    hasten(isFirst) {
      if ((isFirst && isFresh) || frames.size() >= HASTE_MIN) flush();
    },
    exit(code) {
      ask("exit", String(code));
      flush();
    },
  };
  return {
    core,
    begin() {
      const first = transport.readNow();
      if (first !== null) take(first);
    },
    listen: () => transport.listen(take),
  };
}

/** The attribute words of a spawn request, in the order that the core reads them. */
export function spawnAttributes(request: SpawnRequest): string[] {
  const words: string[] = [];
  const add = (key: string, value: string | number | undefined) => {
    if (value !== undefined) words.push(`${key}=${value}`);
  };
  for (const word of request.argv) add("arg", word);
  add("argv0", request.argv0);
  add("root", request.root);
  add("dir", request.dir);
  for (const [name, value] of Object.entries(request.set)) add("set", `${name}=${value}`);
  for (const name of request.unset) add("unset", name);
  add("in", streamWord(request.input));
  add("out", streamWord(request.output));
  add("err", streamWord(request.error));
  if (request.session === false) add("session", 0);
  add("uid", request.uid);
  add("gid", request.gid);
  add("groups", request.groups?.join(","));
  add("umask", request.umask);
  add("nice", request.nice);
  for (const { resource, soft, hard } of request.limits ?? [])
    add("limit", `${resource}:${soft ?? "-"}:${hard === "inherited" ? "=" : (hard ?? "-")}`);
  add("lock", request.lock?.file);
  if (request.lock?.waits) add("lock-wait", 1);
  for (const descriptor of request.closed ?? []) add("close", descriptor);
  add("notify", request.notify);
  return words;
}

function streamWord(stream: Stream): string {
  return typeof stream === "string" ? stream : `pipe:${stream.pipe}`;
}

/** Turns messages into calls; a hello is gathered until its `begin`. */
function hearer(listener: Listener): (message: Message) => void {
  let hello: Hello | null = null;
  const children: KnownChild[] = [];
  const pipes: KnownPipe[] = [];
  const directories: KnownDirectory[] = [];
  const blobs = new Map<string, string>();
  const table: Record<Up, (fields: readonly string[]) => void> = {
    hello: ([, pid, first, instance]) => {
      hello = {
        corePid: Number(pid),
        isPid1: first === "1",
        instance: Number(instance),
        children,
        pipes,
        directories,
        blobs,
      };
    },
    child: ([id = "", pid, notified, executed]) =>
      void children.push({ id, pid: Number(pid), notified: notified === "1", executed: executed === "1" }),
    log: ([tag = "", read, skip, lost]) =>
      void pipes.push({
        tag,
        read: read === "1",
        skip: skip === "1",
        lost: Math.abs(Number(lost)),
        atMost: Number(lost) < 0,
      }),
    held: ([number, offered, path = ""]) =>
      void directories.push({ number: Number(number), offered: offered === "1", path }),
    blob: ([key = "", blob = ""]) => void blobs.set(key, blob),
    begin: () => {
      if (hello !== null) listener.hello(hello);
    },
    spawned: ([id = "", pid]) => listener.spawned(id, Number(pid)),
    failed: ([id = "", step = "", errno]) => listener.failed(id, step, Number(errno)),
    exited: ([serial = "", id = "", pid, code, signal]) =>
      listener.exited(serial, id, Number(pid), exitOf(code, signal)),
    orphans: ([count, ...some]) => listener.orphans(Number(count), some.filter((text) => text !== "").map(orphanOf)),
    signal: ([serial = "", signal, pid, uid]) => listener.signal(serial, Number(signal), Number(pid), Number(uid)),
    letter: ([serial = "", number, letter = ""]) => listener.letter(serial, Number(number), letter),
    supervised: ([number, asked = "", step = "", errno]) =>
      listener.supervised(Number(number), asked, step, Number(errno)),
    inscribed: ([number, errno]) => listener.inscribed(Number(number), Number(errno)),
    notify: ([id = ""]) => listener.notified(id),
    readable: (tags) => listener.readable(tags.filter((tag) => tag !== "")),
    piped: ([tag = "", errno]) => listener.piped(tag, Number(errno)),
    listening: ([path = "", errno]) => listener.listening(path, Number(errno)),
  };
  return ({ name, fields }) => table[name](fields);
}

function exitOf(code: string | undefined, signal: string | undefined): Exit {
  return code === "-1" ? { signal: Number(signal) } : { code: Number(code) };
}

function orphanOf(text: string): Orphan {
  const [pid, session, code, signal] = text.split(":");
  return { pid: Number(pid), session: Number(session), exit: exitOf(code, signal) };
}
