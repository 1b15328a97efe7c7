// What the faces may ask of the manager; the manager implements it, no face knows more.
import type { Problem } from "../base/errors.ts";
import type { LogLine } from "../log/ring.ts";
import type { Change } from "../manager/apply.ts";
import type { Order, Told } from "../manager/orders.ts";
import type { Switching } from "../manager/switch.ts";
import type { ServiceStatus } from "../service/status.ts";

export type { Change } from "../manager/apply.ts";
export type { Order, OrderName, Told } from "../manager/orders.ts";
export type { SwitchChange, SwitchPlan } from "../manager/switch.ts";

/** A change that is told to whoever watches. */
export interface ServiceEvent {
  /** ISO 8601 wall time. */
  readonly time: string;
  readonly service: string;
  /** `state`: the status changed; `removed`: the service is gone. Others are reports: started, ready, ended, killed… */
  readonly event: string;
  /** One sentence for a person. */
  readonly text: string;
  readonly status: ServiceStatus | null;
}

export interface Health {
  readonly healthy: boolean;
  /** One sentence. */
  readonly text: string;
}

export interface Supervisor {
  /** All services in order of name; loggers are in their service's `log`, and not in the list. */
  services(): readonly ServiceStatus[];
  /** One service, or a logger as `web/log`; null if there is none. */
  service(name: string): ServiceStatus | null;
  /**
   * Tells why it was refused, as the end of a sentence, or null once it is accepted: at once, unless a file system has to
   * be waited for. A start or restart takes the newest definition.
   */
  order(name: string, order: Order, done: Told): void;
  /** Calls `listener` after each change until the returned function is called. Never from within `order`. */
  watch(listener: (event: ServiceEvent) => void): () => void;
  /** The last `count` lines that are kept, oldest first; of all the named services, in the order of their reading. */
  logs(names: readonly string[], count: number): readonly LogLine[];
  /**
   * Calls `listener` for each further line of these services until the returned function is called, and `skipped` with
   * the number of those that came too many at once to be told.
   */
  follow(names: readonly string[], listener: (line: LogLine) => void, skipped: (count: number) => void): () => void;
  /** The verdict on all services, or on the named ones. */
  health(names: readonly string[]): Health;
  /** Reads all configuration again and makes it so. */
  apply(dryRun: boolean): Promise<{ readonly changes: readonly Change[]; readonly problems: readonly Problem[] }>;
  /** Makes another directory the supervised one. */
  readonly switching: Switching;
  /** Begins the ordered stop; the program then ends with `code`. */
  shutdown(code: number, why: string): void;
  /** For `version -o json` and error texts. */
  readonly about: {
    readonly version: string;
    readonly node: string;
    readonly corePid: number;
    readonly scanDir: string;
  };
}
