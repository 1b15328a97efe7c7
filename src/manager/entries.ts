// The entries of a scan directory: their paths, and which of them are services. Nothing here waits for a file system that
// does not answer.
import { type Listing, listServices } from "../config/list-services.ts";
import type { Silence } from "./silence.ts";
import { realPath } from "./way.ts";

export interface Entries {
  /** The entry by that name; "" is the scan directory itself. */
  pathOf(name: string): string;
  /** Where it leads, without links: one that is exchanged must not lead a running service's `finish` elsewhere. */
  homeOf(name: string): string;
  /** True if it may be gone to; else it is asked. */
  answers(name: string): boolean;
  /** Tells whether it answers: only then may anything of it be read. */
  ask(name: string, done: (answers: boolean) => void): void;
  /** It did not answer when it was last asked. */
  isSilent(name: string): boolean;
  /** All of them; only where the scan directory itself answers. */
  look(): Listing;
}

/** `only` is the one entry that is a service, there or not; null is all of them. */
export function createEntries(scanDir: string, only: string | null, silence: Silence): Entries {
  const pathOf = (name: string) => (name === "" ? scanDir : `${scanDir}/${name}`);
  const answers = (name: string) => silence.answers(pathOf(name));
  return {
    pathOf,
    homeOf: (name) => realPath(pathOf(name)),
    answers,
    ask: (name, done) => silence.ask(pathOf(name), done),
    isSilent: (name) => silence.isSilent(pathOf(name)),
    look() {
      if (only !== null) {
        const all = new Set([only]);
        return { names: [only], links: all, silent: answers(only) ? new Set() : all, problems: [] };
      }
      // What is no link itself is where the scan directory is: a thousand names need not be looked up anew.
      const place = realPath(scanDir);
      return listServices(scanDir, (name, isLink) =>
        silence.answers(pathOf(name), isLink ? undefined : `${place}/${name}`),
      );
    },
  };
}
