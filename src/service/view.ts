// A service as runit's clients see it in supervise/: the three files, byte for byte as runsv writes them.
import type { State } from "./model.ts";

/** What the three files say, time aside. */
export interface View {
  readonly state: "down" | "run" | "finish";
  /** 0 is none. */
  readonly pid: number;
  readonly paused: boolean;
  readonly want: "up" | "down" | "exit";
  readonly gotTerm: boolean;
}

/** What the machine does not know of it. */
export interface Outside {
  /** It is being let go. */
  readonly leaves: boolean;
  /** A stop was ordered that waits for others. */
  readonly ends: boolean;
  /** Its process has had the stop signal. */
  readonly gotTerm: boolean;
}

/** A moment of the wall clock. */
export interface Stamp {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** TAI64 of the first second of 1970, as runit counts: 2^62 and the ten seconds that TAI was ahead. */
const EPOCH = 2n ** 62n + 10n;
const STATES = { down: 0, run: 1, finish: 2 } as const;

/** The view of a state. Leftovers that are still being ended count as its finish; a start-pre does not count at all. */
export function viewOf(state: State, { leaves, ends, gotTerm }: Outside): View {
  const want = leaves ? "exit" : ends ? "down" : wants(state);
  const view = { state: "down", pid: 0, paused: false, want, gotTerm: false } as const;
  switch (state.phase) {
    case "starting":
    case "up":
      return state.pid === 0 ? view : { ...view, state: "run", pid: state.pid, paused: state.paused, gotTerm };
    case "stopping":
      if (state.preparing) return { ...view, state: "finish", pid: state.pid };
      return state.pid === 0 ? view : { ...view, state: "run", pid: state.pid, gotTerm };
    case "sweeping":
      return { ...view, state: "finish" };
    case "finishing":
      return { ...view, state: "finish", pid: state.pid };
    default:
      return view;
  }
}

/** `up` only while it is to run and to run again: what has come to its end needs an order to start, and gets it. */
function wants({ phase, want }: State): "up" | "down" {
  return want === "up" && phase !== "failed" && phase !== "done" ? "up" : "down";
}

/** The file `pid`. */
export const pidText = ({ pid }: View): string => (pid === 0 ? "" : `${pid}\n`);

/** The file `stat`. */
export function statText({ state, paused, gotTerm, want }: View): string {
  const wish = state === "down" || want === "up" ? "" : `, want ${want}`;
  return `${state}${paused ? ", paused" : ""}${gotTerm ? ", got TERM" : ""}${wish}\n`;
}

/** The file `status`: 20 bytes. */
export function statusBytes({ state, pid, paused, want, gotTerm }: View, { seconds, nanoseconds }: Stamp): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeBigUInt64BE(EPOCH + BigInt(seconds), 0);
  bytes.writeUInt32BE(nanoseconds, 8);
  bytes.writeUInt32LE(pid, 12);
  bytes[16] = paused ? 1 : 0;
  bytes.write(want === "up" ? "u" : "d", 17, "latin1");
  bytes[18] = gotTerm ? 1 : 0;
  bytes[19] = STATES[state];
  return bytes;
}

/** The stamp of a file `status` that tells of this state and process; null for any other, or what is none. */
export function stampIn(bytes: Buffer, { state, pid }: View): Stamp | null {
  if (bytes.length !== 20 || bytes[19] !== STATES[state] || bytes.readUInt32LE(12) !== pid) return null;
  const seconds = Number(bytes.readBigUInt64BE(0) - EPOCH);
  const nanoseconds = bytes.readUInt32BE(8);
  return Number.isSafeInteger(seconds) && nanoseconds < 1e9 ? { seconds, nanoseconds } : null;
}
