import { Writable } from "node:stream";

/**
 * Puts deaf and dumb streams in the place of process.stdout and process.stderr. As soon as anybody looks at the real
 * ones Node makes their descriptors non-blocking, also for every service that has inherited them, and for good; and
 * somebody always looks: Node 20's own assert does when it is loaded, which pino's parts do.
 */
export function hideStreams(): void {
  for (const [fd, name] of [
    [1, "stdout"],
    [2, "stderr"],
  ] as const) {
    const value = Object.assign(new Writable({ write: (_bytes, _encoding, done) => done() }), { fd, isTTY: false });
    Object.defineProperty(process, name, { value, configurable: true });
  }
}
