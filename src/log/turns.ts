// Whose turn it is: everyone waiting gets one turn per round, and the event loop gets its own between rounds.
import { type Clock, type Ms, monotonic } from "../base/clock.ts";

export interface TurnOptions {
  readonly clock?: Clock;
  /** Calls back in a later turn of the loop, after waiting events were served. Default setImmediate. */
  readonly soon?: (wake: () => void) => void;
}

export interface Turns<T> {
  /** A turn in the next round. */
  soon(item: T): void;
  /** A turn in 10 ms, together with all others that wait so; no timer runs while none does. */
  later(item: T): void;
}

const ROUND: Ms = 5;

/** How long `later` is; who found little waits so long that reading pays. */
export const LINGER: Ms = 10;

/** Calls `turn` for each item, in the order of asking; a round longer than 5 ms is interrupted for the loop. */
export function createTurns<T>(
  turn: (item: T) => void,
  { clock = monotonic, soon = setImmediate }: TurnOptions,
): Turns<T> {
  let ready: T[] = [];
  let lingering: T[] = [];
  let isRunning = false;

  const makeReady = (item: T) => {
    ready.push(item);
    if (isRunning) return;
    isRunning = true;
    soon(run);
  };
  const run = () => {
    const round = ready;
    ready = [];
    const end = clock.now() + ROUND;
    let done = 0;
    try {
      while (done < round.length && (done === 0 || clock.now() < end)) turn(round[done++] as T);
    } finally {
      // Also when a turn throws: the others must not wait for ever.
      ready = [...round.slice(done), ...ready];
      isRunning = ready.length > 0;
      if (isRunning) soon(run);
    }
  };

  return {
    soon: makeReady,
    later(item) {
      if (lingering.push(item) > 1) return;
      clock.at(clock.now() + LINGER, () => {
        const waited = lingering;
        lingering = [];
        for (const one of waited) makeReady(one);
      });
    },
  };
}
