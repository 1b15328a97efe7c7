import type { Hello, Listener } from "../channel/core.ts";

/** Hears the core's hello, and hands all that comes after it to whom `moveIn` has made of it; null hears nothing more. */
export function waitFor(moveIn: (hello: Hello) => Listener | null): Listener {
  let house: Listener | null = null;
  return {
    hello(hello) {
      house = moveIn(hello);
    },
    spawned: (...told) => house?.spawned(...told),
    failed: (...told) => house?.failed(...told),
    exited: (...told) => house?.exited(...told),
    orphans: (...told) => house?.orphans(...told),
    signal: (...told) => house?.signal(...told),
    notified: (...told) => house?.notified(...told),
    letter: (...told) => house?.letter(...told),
    supervised: (...told) => house?.supervised(...told),
    inscribed: (...told) => house?.inscribed(...told),
    readable: (...told) => house?.readable(...told),
    piped: (...told) => house?.piped(...told),
    listening: (...told) => house?.listening(...told),
    turn: () => house?.turn(),
  };
}
