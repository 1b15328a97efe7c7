/** A flush that was asked for; several askers share it. */
export interface Flush {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/** A flush that is still to come. */
export function createFlush(): Flush {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
