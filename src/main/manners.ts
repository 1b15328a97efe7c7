// Under which name the supervisor runs, and what it does otherwise under that name: a table, so that nobody else asks.
import { resolve } from "node:path";
import type { VoiceLevel } from "../log/voice.ts";

export type Name = "upkeep" | "runsvdir" | "runsv";

export interface Manners {
  readonly name: Name;
  /** What it says, and how, unless the configuration has a level: null is upkeep's own voice. */
  readonly voice: { readonly level: VoiceLevel } | null;
  /** What a service writes goes to our own streams, unless it or the configuration names another place. */
  readonly inherits: boolean;
  /** Signals that stop everything besides the usual ones, and the code to end with. */
  readonly stopCodes: Readonly<Record<number, number>>;
  /** The directory is one service, not many. */
  readonly isSingle: boolean;
  /** Without one only the files of supervise/ take orders. */
  readonly hasSocket: boolean;
}

const HUP = 1;
const quiet = { level: "warn" } as const;

const table: Readonly<Record<Name, Manners>> = {
  upkeep: { name: "upkeep", voice: null, inherits: false, stopCodes: {}, isSingle: false, hasSocket: true },
  runsvdir: {
    name: "runsvdir",
    voice: quiet,
    inherits: true,
    stopCodes: { [HUP]: 111 },
    isSingle: false,
    hasSocket: true,
  },
  runsv: { name: "runsv", voice: quiet, inherits: true, stopCodes: {}, isSingle: true, hasSocket: false },
};

/** The manners of a name; upkeep's own for one that nobody knows. */
export const mannersOf = (name: string): Manners =>
  Object.hasOwn(table, name) ? table[name as Name] : table.upkeep;

// runit's words for why a directory cannot be had.
const errors: Readonly<Record<string, string>> = {
  ENOENT: "unable to stat DIR: file does not exist",
  ENOTDIR: "unable to change directory to DIR: not a directory",
  EACCES: "unable to change directory to DIR: access denied",
  ELOOP: "unable to stat DIR: symbolic link loop",
};

/** runsvdir's sentence on a scan directory that cannot be had, by the name that it was given. */
export const absentText = (dir: string, code: string): string =>
  (errors[code] ?? `unable to open directory DIR: ${code}`).replaceAll("DIR", () => dir);

/** Where the one directory of a single service lies, and its name. */
export function singleOf(dir: string): { readonly scanDir: string; readonly only: string } {
  const path = resolve(dir);
  const at = path.lastIndexOf("/");
  return { scanDir: path.slice(0, at) || "/", only: path.slice(at + 1) };
}
