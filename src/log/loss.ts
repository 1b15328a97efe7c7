// What managers that died had read of a service's output, until somebody could read that it is gone.
import type { PipeCore } from "./pipe.ts";

/**
 * Told of bytes of a service that dead managers took with them, or of the rest of their line; `atMost` where it is a
 * bound. `said` is to be called when somebody could read of it: should we die before that, the next one says it.
 */
export type OnLost = (
  tag: string,
  lost: { readonly bytes: number; readonly atMost: boolean },
  said: () => void,
) => void;

/** Counts what is lost of a pipe. */
export type Lose = (tag: string, bytes: number, atMost: boolean) => void;

/** Adds up what is lost of each pipe: told at once, and kept by the core until it is said. */
export function createLose(core: PipeCore, onLost: OnLost): Lose {
  const unsaid = new Map<string, number>();
  const add = (tag: string, bytes: number) => {
    const sum = (unsaid.get(tag) ?? 0) + bytes;
    if (sum === 0) unsaid.delete(tag);
    else unsaid.set(tag, sum);
    core.lost(tag, sum);
  };
  return (tag, bytes, atMost) => {
    if (bytes === 0) return;
    add(tag, bytes);
    onLost(tag, { bytes, atMost }, () => add(tag, -bytes));
  };
}
