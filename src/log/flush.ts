/** A flush that was asked for; several askers share it. */
export interface Flush {
  readonly promise: Promise<void>;
  resolve(): void;
}

/** A flush that is still to come; its promise is made once somebody waits. */
export function createFlush(): Flush {
  return new Pending();
}

class Pending implements Flush {
  #promise: Promise<void> | null = null;
  #done: (() => void) | null = null;
  #isOver = false;

  get promise(): Promise<void> {
    this.#promise ??= this.#isOver
      ? Promise.resolve()
      : new Promise((done) => {
          this.#done = done;
        });
    return this.#promise;
  }

  resolve(): void {
    this.#isOver = true;
    this.#done?.();
  }
}
