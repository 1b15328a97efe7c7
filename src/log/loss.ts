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

/** Adds up what is lost of one pipe: told at once, and kept by the core until it is said. */
export function createLoss(tag: string, core: PipeCore, onLost: OnLost): (bytes: number, atMost: boolean) => void {
  let unsaid = 0;
  return (bytes, atMost) => {
    if (bytes === 0) return;
    unsaid += bytes;
    core.lost(tag, unsaid);
    onLost(tag, { bytes, atMost }, () => {
      unsaid -= bytes;
      core.lost(tag, unsaid);
    });
  };
}
