// What the writers of one process have in common: a directory has one writer at a time, and the unfinished line of a svlogd
// that was killed waits for the next one on the same pipe.
import { type Clock, type Ms, monotonic } from "../../base/clock.ts";

export interface Desk {
  /** Resolves once nobody writes there (device and inode); it is then the caller's until `leave` is called. */
  enter(directory: string): Promise<void>;
  leave(directory: string): void;
  /** Keeps the begin of a line of this pipe (device and inode) for a minute; `lost` is called if nobody asks for it. */
  keep(pipe: string, carry: Buffer, lost: () => void): void;
  /** What was kept of this pipe, which is then the caller's; empty if there is nothing. */
  take(pipe: string): Buffer;
}

const KEPT_FOR: Ms = 60_000;
const NOTHING = Buffer.alloc(0);

/** The desk of one process. */
export function createDesk(clock: Clock = monotonic): Desk {
  // The writers of a directory, the one who writes first; each is called when its turn comes.
  const queues = new Map<string, (() => void)[]>();
  const carries = new Map<string, { readonly carry: Buffer; readonly forget: () => void }>();
  return {
    enter(directory) {
      const queue = queues.get(directory);
      if (queue !== undefined) return new Promise((resolve) => queue.push(resolve));
      queues.set(directory, [() => {}]);
      return Promise.resolve();
    },
    leave(directory) {
      const queue = queues.get(directory);
      queue?.shift();
      if (queue === undefined || queue.length === 0) queues.delete(directory);
      else queue[0]?.();
    },
    keep(pipe, carry, lost) {
      if (carry.length === 0) return;
      const forget = clock.at(clock.now() + KEPT_FOR, () => {
        carries.delete(pipe);
        lost();
      });
      carries.set(pipe, { carry, forget });
    },
    take(pipe) {
      const found = carries.get(pipe);
      carries.delete(pipe);
      found?.forget();
      return found?.carry ?? NOTHING;
    },
  };
}
