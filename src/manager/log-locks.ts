// The locks of log directories. The core holds them, so that a dead manager leaves them to nobody else.
import type { Core, Hello } from "../channel/core.ts";
import { errnoText } from "../process/spawn.ts";

export interface LogLocks {
  /** Takes it for service `number`; null once it is ours, or why it cannot be. */
  take(number: number, dir: string, mayHang: boolean): Promise<string | null>;
  letGo(number: number): void;
  /** Lets go of what an earlier manager had locked for others than these services. */
  keepOnly(numbers: readonly number[]): void;
  /** The core's answer; false if it was about no lock of ours. */
  answered(number: number, what: string, step: string, errno: number): boolean;
}

/** The fault where nobody knows: it may be taken later. */
export const SILENT = "its file system does not answer";
/** Added to a service's number where the core keeps a lock for its log directory: no service has so high a one. */
const LOCKS = 0x80000000;
/** By errno: EAGAIN and ETIMEDOUT. */
const FAULTS: Readonly<Record<number, string>> = { 11: "somebody else writes there", 110: SILENT };

/** The locks that one core holds. */
export function createLogLocks(core: Core, hello: Hello): LogLocks {
  const held = new Map(
    hello.directories.filter(({ number }) => number >= LOCKS).map(({ number, path }) => [number - LOCKS, path]),
  );
  const answers = new Map<number, (fault: string | null) => void>();
  const letGo = (number: number) => {
    held.delete(number);
    core.release(LOCKS + number);
  };
  return {
    take(number, dir, mayHang) {
      const path = held.get(number);
      if (path === dir) return Promise.resolve(null);
      if (path !== undefined) core.release(LOCKS + number);
      held.delete(number);
      core.supervise(LOCKS + number, dir, { makes: true, mayHang });
      return new Promise((resolve) =>
        answers.set(number, (fault) => {
          if (fault === null) held.set(number, dir);
          resolve(fault);
        }),
      );
    },
    letGo,
    keepOnly(numbers) {
      for (const number of [...held.keys()]) if (!numbers.includes(number)) letGo(number);
    },
    answered(number, what, step, errno) {
      if (number < LOCKS) return false;
      const answer = answers.get(number - LOCKS);
      answers.delete(number - LOCKS);
      if (what !== "lock" || answer === undefined) return true;
      // What was refused is remembered by the core until it is let go.
      if (errno !== 0) core.release(number);
      answer(errno === 0 ? null : (FAULTS[errno] ?? `${step}: ${errnoText(errno)}`));
      return true;
    },
  };
}
