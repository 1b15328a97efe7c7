// The words between core and manager. src/core/wire.h holds the same two tables; a test compares them.

/** The version of the tables; a core that says another one belongs to another build. */
export const VERSION = "1";

/** A frame larger than this is refused by both sides. */
export const FRAME_MAX = 1 << 20;

/** Manager to core: the fewest fields after the name. */
export const down = {
  ready: 0,
  spawn: 2,
  kill: 3,
  stray: 3,
  pipe: 2,
  shut: 1,
  drop: 1,
  taking: 1,
  held: 3,
  drained: 2,
  enlarge: 1,
  lost: 2,
  supervise: 4,
  offer: 2,
  release: 1,
  inscribe: 5,
  remember: 2,
  forget: 1,
  ack: 1,
  listen: 3,
  budget: 1,
  stop_on: 0,
  stopping: 0,
  exit: 1,
} as const;

/** Core to manager: the fields after the name (`orphans` and `readable` may have more). */
export const up = {
  hello: 4,
  child: 4,
  log: 4,
  held: 3,
  blob: 2,
  begin: 0,
  spawned: 2,
  failed: 3,
  exited: 5,
  orphans: 1,
  signal: 4,
  letter: 3,
  supervised: 4,
  inscribed: 2,
  notify: 1,
  readable: 1,
  piped: 2,
  listening: 2,
} as const;

export type Down = keyof typeof down;
export type Up = keyof typeof up;

/** One received frame. */
export interface Message {
  readonly name: Up;
  readonly fields: readonly string[];
}

/** The bytes of one frame: a 32-bit little-endian length, then fields that each end in NUL. Throws on a NUL in a field or a frame over FRAME_MAX, which would be a bug. */
export function encode(name: Down, fields: readonly string[]): Buffer {
  const frames = createFrames(0);
  frames.add(name, fields);
  return Buffer.from(frames.taken());
}

/** Frames one behind the other, in memory that is used again and again. */
export interface Frames {
  /** As `encode`, behind those that are there. */
  add(name: Down, fields: readonly string[]): void;
  /** In bytes. */
  size(): number;
  /** All of them, which are gone here; good until the next `add`. */
  taken(): Buffer;
  /** What was taken is to stay as it is: what is added goes elsewhere. */
  part(): void;
}

/** `room` in bytes is kept; what takes more has it until it is taken. */
export function createFrames(room: number): Frames {
  let bytes = Buffer.allocUnsafeSlow(room);
  let end = 0;
  const makeRoom = (size: number) => {
    if (bytes.length - end >= size) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * bytes.length, end + size));
    bytes.copy(larger, 0, 0, end);
    bytes = larger;
  };
  return {
    add(name, fields) {
      for (const field of fields) if (field.includes("\0")) throw new Error(`a field of ${name} holds a NUL`);
      const text = fields.length === 0 ? `${name}\0` : `${name}\0${fields.join("\0")}\0`;
      const length = Buffer.byteLength(text);
      if (length > FRAME_MAX) throw new Error(`a frame ${name} of ${length} bytes is too large`);
      makeRoom(4 + length);
      bytes.writeUInt32LE(length, end);
      bytes.write(text, end + 4);
      end += 4 + length;
    },
    size: () => end,
    taken() {
      const all = bytes.subarray(0, end);
      end = 0;
      if (bytes.length > room) bytes = Buffer.allocUnsafeSlow(room);
      return all;
    },
    part() {
      bytes = Buffer.allocUnsafeSlow(room);
    },
  };
}

/** Cuts a stream of bytes into frames, whatever the pieces it comes in; unknown names are passed over (a newer core). */
export function decoder(): (chunk: Buffer) => Message[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const messages: Message[] = [];
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = bytes.readUInt32LE(at);
      if (bytes.length - at - 4 < length) break;
      const [name = "", ...fields] = bytes.toString("utf8", at + 4, at + 3 + length).split("\0");
      at += 4 + length;
      if (isUp(name) && fields.length >= up[name]) messages.push({ name, fields });
    }
    rest = Buffer.from(bytes.subarray(at));
    return messages;
  };
}

function isUp(name: string): name is Up {
  return Object.hasOwn(up, name);
}
