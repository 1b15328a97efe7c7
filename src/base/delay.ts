import type { Clock, Ms } from "./clock.ts";

/** Items that wait, each for the same time; a thousand of them cost one timer. */
export interface Delay<Key, Value> {
  /** Begins the wait of an item that is not waiting. */
  add(key: Key, value: Value): void;
  has(key: Key): boolean;
  /** It waits no more; nothing happens if it does not. */
  delete(key: Key): void;
}

/** So many at a time, for what is done about each must not add up to a loop that stands still. */
const AT_ONCE = 16;

/** Calls `due` with each item `time` after it was added, in that order, a few in one turn of the loop. */
export function createDelay<Key, Value>(
  clock: Clock,
  time: Ms,
  due: (key: Key, value: Value) => void,
): Delay<Key, Value> {
  const waiting = new Map<Key, { readonly value: Value; readonly at: Ms }>();
  let isArmed = false;
  const arm = (when: Ms) => {
    isArmed = true;
    clock.at(when, pass);
  };
  const pass = () => {
    isArmed = false;
    let count = 0;
    for (const [key, { value, at }] of waiting) {
      if (count++ === AT_ONCE || at > clock.now()) return arm(at);
      waiting.delete(key);
      due(key, value);
    }
  };
  return {
    add(key, value) {
      const at = clock.now() + time;
      waiting.set(key, { value, at });
      if (!isArmed) arm(at);
    },
    has: (key) => waiting.has(key),
    delete: (key) => void waiting.delete(key),
  };
}
