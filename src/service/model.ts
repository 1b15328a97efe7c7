// The whole vocabulary of a service's life. Types only.
import type { Ms } from "../base/clock.ts";
import type { Exit } from "../base/exit.ts";

/** What is asked for, apart from what is: `once` lets it end by itself. */
export type Want = "up" | "down" | "once";

/** Who caused a stop or a restart; for the log line and the status. */
export type Cause = "request" | "dependency" | "changed" | "removed" | "shutdown";

/** True in every phase. */
export interface Common {
  readonly want: Want;
  /** Since when it is in this phase. */
  readonly since: Ms;
  /** Numbers the processes of this service, over its whole life; with the service's number it names a child. */
  readonly sequence: number;
  /** How often the main process has been started, over its whole life. */
  readonly starts: number;
  /** Crashes since it was last stable: the exponent of the next delay. */
  readonly streak: number;
  /** When it crashed, newest last, no more than give-up needs. */
  readonly crashes: readonly Ms[];
  /** How and when the main process last ended, or why it could not be started. */
  readonly last: Ending | null;
  /** State of the jitter's generator, so that a step stays pure. */
  readonly seed: number;
}

export interface Ending {
  readonly at: Ms;
  /** Null: it never ran, `reason` says why. */
  readonly exit: Exit | null;
  readonly reason: string | null;
}

/** What is to be done once the leftovers are gone and `finish` has run; the delay of a retry counts from the crash. */
export type Next = "down" | "start" | "failed" | "done" | { readonly retryAt: Ms };

/** Which of a service's programs a process runs. */
export type Role = "main" | "pre" | "finish" | "undo";

/** A running process of the service: `child` is its sequence number; pid 0 until the core has told it. */
interface Running {
  readonly child: number;
  readonly pid: number;
}

export type State = Common &
  (
    | { readonly phase: "down" }
    /** Wanted up; something that it requires is not ready. */
    | { readonly phase: "waiting" }
    /** start-pre runs. */
    | ({ readonly phase: "preparing"; readonly until: Ms } & Running)
    /**
     * The main process runs and is not ready. `deadline` is the end of start-timeout, `until` the nearer of that and
     * of settle, which counts from `spawned`.
     */
    | ({
        readonly phase: "starting";
        readonly until: Ms;
        readonly deadline: Ms;
        readonly startedAt: Ms;
        readonly paused: boolean;
      } & Running)
    | ({ readonly phase: "up"; readonly startedAt: Ms; readonly paused: boolean } & Running)
    /** Asked to end; KILL at `until`. `again` starts it anew afterwards. */
    | ({
        readonly phase: "stopping";
        readonly until: Ms;
        readonly startedAt: Ms;
        readonly killed: boolean;
        readonly again: boolean;
        readonly cause: Cause | "start-timeout";
        /** True while the process that is being stopped is start-pre. */
        readonly preparing: boolean;
      } & Running)
    /** What is left of the service is being ended: TERM first, KILL at `until`. */
    | {
        readonly phase: "sweeping";
        readonly until: Ms;
        readonly killed: boolean;
        /** How many were left when last counted; null before the first answer. */
        readonly left: number | null;
        /** `finish` has run already, or there is nothing for it to follow. */
        readonly finished: boolean;
        readonly next: Next;
      }
    /** `finish` runs, or `undo` of a oneshot that was done; KILL at `until`. `sweeps`: what it leaves behind is ended too. */
    | ({
        readonly phase: "finishing";
        readonly until: Ms;
        readonly killed: boolean;
        readonly sweeps: boolean;
        readonly next: Next;
      } & Running)
    /** Starts again at `until`. */
    | { readonly phase: "backoff"; readonly until: Ms }
    /** Its last end or start was a failure, and it is not tried again: given up, or neither policy nor `once` allow it. */
    | { readonly phase: "failed" }
    /** It ended well, and is not started again: a oneshot, `once` or a restart policy that has come to its end. */
    | { readonly phase: "done" }
  );

export type Phase = State["phase"];
/** The state while in phase P. */
export type In<P extends Phase> = Extract<State, { readonly phase: P }>;

export type Event =
  // orders
  | { readonly type: "start"; readonly once: boolean }
  /**
   * `grace` overrides the spec's (a shutdown clips it); `eof` closes a logger's input instead of a signal; `patient`
   * never kills, as runit has it.
   */
  | {
      readonly type: "stop";
      readonly cause: Cause;
      readonly grace: Ms | null;
      readonly eof: boolean;
      readonly patient?: boolean;
    }
  | { readonly type: "restart"; readonly cause: Cause; readonly patient?: boolean }
  /** STOP or CONT was asked for. */
  | { readonly type: "pause" }
  | { readonly type: "cont" }
  /** The grace of a running stop is over now. */
  | { readonly type: "kill" }
  // facts
  /** All that it requires is ready. */
  | { readonly type: "clear" }
  | { readonly type: "spawned"; readonly child: number; readonly pid: number }
  /** `ended`: nothing was wrong with it, but it was ended before its program ran. */
  | { readonly type: "unspawned"; readonly child: number; readonly reason: string; readonly ended?: boolean }
  | { readonly type: "exited"; readonly child: number; readonly exit: Exit }
  | { readonly type: "ready" }
  /** Answer to `sweep`, and again whenever the number has changed. */
  | { readonly type: "swept"; readonly left: number }
  | { readonly type: "timeout" };

/** What a step asks for. The runner carries each out at once and steps its outcome before the next event. */
export type Effect =
  /** Is all that it requires ready? Answered with `clear`, now or later. */
  | { readonly type: "gate" }
  | { readonly type: "spawn"; readonly role: "main" | "pre"; readonly child: number }
  | { readonly type: "spawn-finish"; readonly child: number; readonly exit: Exit }
  | { readonly type: "spawn-undo"; readonly child: number }
  /** Signals the process, or with `group` its whole group. */
  | { readonly type: "kill"; readonly child: number; readonly signal: number; readonly group: boolean }
  /** End of file for a logger. */
  | { readonly type: "close-input" }
  /** Find what is left of the service, signal it (0 only counts), answer with `swept`. */
  | { readonly type: "sweep"; readonly signal: number }
  /** Begin or end the watch for readiness by `check`. */
  | { readonly type: "watch-ready"; readonly on: boolean }
  | { readonly type: "report"; readonly report: Report };

/** What people are told, one line each. */
export type Report =
  | { readonly what: "started"; readonly pid: number }
  | { readonly what: "ready"; readonly after: Ms }
  | { readonly what: "unstartable"; readonly reason: string; readonly retryIn: Ms | null }
  /** It ended without being asked to. `retryIn`: 0 at once, null not at all. */
  | {
      readonly what: "ended";
      readonly exit: Exit;
      readonly lived: Ms;
      readonly retryIn: Ms | null;
      readonly failure: boolean;
    }
  /** `signal` is null where its input was closed instead. */
  | { readonly what: "stopping"; readonly cause: Cause | "start-timeout"; readonly signal: number | null }
  /** `exit` is null where its program had not begun. */
  | { readonly what: "stopped"; readonly exit: Exit | null; readonly took: Ms }
  | { readonly what: "killed"; readonly role: Role; readonly after: Ms }
  /** Processes that outlived the main one: sent TERM, sent KILL, or left because KILL did not end them either. */
  | { readonly what: "leftovers"; readonly count: number; readonly fate: "terminated" | "killed" | "abandoned" }
  | { readonly what: "unfinished"; readonly role: Role; readonly reason: string }
  /** `finish` has said that it is not to be started again. */
  | { readonly what: "permanent" }
  | { readonly what: "gave-up"; readonly crashes: number; readonly within: Ms }
  | { readonly what: "done"; readonly exit: Exit | null };

/** The new state, and what is to be done, in this order. */
export type Step = readonly [State, readonly Effect[]];
