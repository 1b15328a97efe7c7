// runit's program and ours on copies of the same directory, each beside a shell that is PID 1.
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { type LaunchOptions, launch, type Namespace, upkeep } from "./pid-namespace.ts";
import { argv } from "./proc.ts";
import { type ScanDir, type ServiceFiles, scanDir, temporaryDirectory } from "./service-dir.ts";

export type Whose = "ours" | "theirs";
export const both: readonly Whose[] = ["ours", "theirs"];

/** A directory with our program under these names, to be put before PATH. */
export function named(...names: readonly string[]): string {
  const directory = temporaryDirectory();
  for (const name of names) symlinkSync(upkeep, join(directory, name));
  return directory;
}

export interface Scene {
  readonly scan: ScanDir;
  readonly space: Namespace;
}

/** `program`, an absolute path, or ours by that name, on a scan directory with these services. */
export async function scene(
  whose: Whose,
  program: string,
  services: Readonly<Record<string, ServiceFiles>>,
  words: (scan: ScanDir) => readonly string[],
  options: LaunchOptions = { asChild: true },
): Promise<Scene> {
  const scan = scanDir(services);
  const name = program.replace(/^.*\//, "");
  const space =
    whose === "ours"
      ? await launch([name, ...words(scan)], options)
      : await launch(words(scan), { ...options, program });
  return { scan, space };
}

/** The pid of the one process that sleeps for this word's time; null while there is none. */
export const sleeping = ({ space }: Pick<Scene, "space">, word: string): number | null =>
  space.processes().find((pid) => argv(pid)[0] === "sleep" && argv(pid)[1] === word) ?? null;

/** Waits until it sleeps. */
export const runs = (of: Pick<Scene, "space">, word: string, within?: number): Promise<number> =>
  eventually(`a sleep of ${word} runs`, () => sleeping(of, word), within);

/** Waits until nobody sleeps for this word's time. */
export const goes = (of: Pick<Scene, "space">, word: string): Promise<true> =>
  eventually(`no sleep of ${word} runs`, () => sleeping(of, word) === null);
