import type { Duplex } from "node:stream";
import type { House } from "../log/svlogd/house.ts";
import type { Handed } from "../log/svlogd/request.ts";
import type { Voice } from "../log/voice.ts";

export interface LogHouse {
  /** Writes the logs of a svlogd from now on. */
  serve(socket: Duplex, handed: Handed): void;
  /** Lets all of them go in order. */
  release(): Promise<void>;
}

/** The manager's house of svlogds, which is loaded for the first of them. */
export function createLogHouse(uid: number, voice: Voice): LogHouse {
  let house: Promise<House> | null = null;
  const load = async () => {
    const { createHouse } = await import("../log/svlogd/house.ts");
    return createHouse(uid, (text) => voice.warn(text));
  };
  return {
    serve(socket, handed) {
      house ??= load();
      void house.then((loaded) => loaded.serve(socket, handed));
    },
    async release() {
      await (await house)?.release();
    },
  };
}
