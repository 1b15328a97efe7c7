import type { Exit } from "../base/exit.ts";

/** The one word for what a service is, as every face shows it. */
export type StatusWord =
  | "down"
  | "waiting"
  | "preparing"
  | "starting"
  | "up"
  | "paused"
  | "stopping"
  | "finishing"
  | "backoff"
  | "failed"
  | "done"
  /** The directory is there but cannot be run yet; `why` says what is missing. */
  | "incomplete";

/** What the faces may know of a service; also what `-o json` prints, so fields are only ever added. */
export interface ServiceStatus {
  readonly name: string;
  readonly state: StatusWord;
  readonly want: "up" | "down" | "once";
  readonly type: "service" | "oneshot";
  readonly ready: boolean;
  /** Null when no process of it runs. */
  readonly pid: number | null;
  /** Seconds in this state (for up: since the main process was started). */
  readonly seconds: number;
  /** ISO 8601 wall time of the same moment. */
  readonly since: string;
  readonly restarts: number;
  readonly lastExit: Exit | null;
  /** Seconds until the next try; null when none is due. */
  readonly retryIn: number | null;
  /** One sentence: why it waits, why it could not be started, or what the doctor found. Null when nothing is to be said. */
  readonly why: string | null;
  /** Not started at boot (a file `down`). */
  readonly normallyDown: boolean;
  readonly critical: boolean;
  /** The same for its logger. */
  readonly log: ServiceStatus | null;
}
