// What tests of drop-ins share: programs that are seen without a command, and the beginning of the watch.
import { eventually } from "./eventually.ts";
import type { Namespace } from "./pid-namespace.ts";
import { argv } from "./proc.ts";
import { sleeper } from "./scripts.ts";
import type { ScanDir } from "./service-dir.ts";
import { allUp, statuses } from "./status.ts";

/** Ready soon. */
export const ini = { "service.ini": "settle = 10ms" };

/** A program that is known by its word, a number, so that no command need ask for it. */
export const marked = (word: string): string => `#!/bin/sh\nexec sleep ${word}\n`;

/** True while one with this word runs. */
export const runs = (space: Namespace, word: string): boolean =>
  space.processes().some((pid) => argv(pid)[0] === "sleep" && argv(pid)[1] === word);

/** Waits until it runs: whoever is up may still be the shell that becomes it. */
export const becomes = (space: Namespace, word: string): Promise<true> =>
  eventually(`a sleep of ${word} runs`, () => runs(space, word));

/** What is put in before the watch would be found by the first look at any rate; this waits for the watch itself. */
export async function isWatching(scan: ScanDir, space: Namespace): Promise<void> {
  scan.write("first", { run: sleeper, ...ini });
  await allUp(space, "web");
  await eventually("it is watching", async () => (await statuses(space)).some(({ name }) => name === "first"));
}
