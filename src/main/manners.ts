// Under which name the supervisor runs, and what it does otherwise under that name: a table, so that nobody else asks.
import type { Defaults } from "../config/settings.ts";
import type { Voice, VoiceLevel } from "../log/voice.ts";
import type { ScanParts } from "../manager/scan.ts";
import type { Settings } from "../spec/spec.ts";
import type { SupervisorWords } from "./words.ts";

export interface Manners {
  /** The name that its lines begin with, and how talkative it is unless the configuration says; null is upkeep's own voice. */
  readonly voice: { readonly speaker: string; readonly level: VoiceLevel } | null;
  /** What a service writes goes to our own streams, unless it or the configuration names another place. */
  readonly inherits: boolean;
  /** Signals that stop everything besides the usual ones, and the code to end with. */
  readonly stopCodes: Readonly<Record<number, number>>;
  /** A scan directory that is not there is told of in runsvdir's words, at each look. */
  readonly repeats: boolean;
  /** Once nothing is left to supervise it ends. */
  readonly endsEmpty: boolean;
  /** Without a socket only the files of supervise/ take orders. */
  readonly hasSocket: boolean;
}

interface Config {
  readonly settings: Settings;
  readonly defaults: Defaults;
  readonly source: Readonly<Record<string, string>>;
}

const HUP = 1;

const own: Manners = {
  voice: null,
  inherits: false,
  stopCodes: {},
  repeats: false,
  endsEmpty: false,
  hasSocket: true,
};
const runit = (name: string, dir: string): Manners => ({
  ...own,
  voice: { speaker: `${name} ${dir}`, level: "warn" },
  inherits: true,
});
const table: Readonly<Record<string, (dir: string) => Manners>> = {
  runsvdir: (dir) => ({ ...runit("runsvdir", dir), stopCodes: { [HUP]: 111 }, repeats: true }),
  runsv: (dir) => ({ ...runit("runsv", dir), endsEmpty: true, hasSocket: false }),
};

/** The manners that go with the words of the command line; upkeep's own where they name no other program. */
export const mannersOf = ({ as, dir }: Pick<SupervisorWords, "as" | "dir">): Manners =>
  (Object.hasOwn(table, as) ? table[as]?.(dir) : undefined) ?? own;

/** The signals that stop everything by these manners alone. */
export const codesOf = ({ stopCodes }: Manners): readonly number[] => Object.keys(stopCodes).map(Number);

/** The configuration with what the name alone says. */
export function withManners<C extends Config>(config: C, { voice, inherits }: Manners): C {
  const isLevelSet = voice === null || config.source["log-level"] !== undefined;
  const settings = isLevelSet ? config.settings : Object.freeze({ ...config.settings, logLevel: voice.level });
  if (!inherits) return { ...config, settings };
  const values = { log: { kind: "inherit", dir: null } as const, ...config.defaults.values };
  return { ...config, settings, defaults: Object.freeze({ ...config.defaults, values }) };
}

// runit's words for why a directory cannot be had.
const errors: Readonly<Record<string, string>> = {
  ENOENT: "unable to stat DIR: file does not exist",
  ENOTDIR: "unable to change directory to DIR: not a directory",
  EACCES: "unable to change directory to DIR: access denied",
  ELOOP: "unable to stat DIR: symbolic link loop",
};

/** What is told of the scan directory, by the name that it was given, and of what is in it. */
export const scanWords = (
  manners: Manners,
  dir: string,
  voice: Voice,
): Pick<ScanParts, "warn" | "absent" | "unready"> => ({
  warn: (text) => voice.warn(text),
  absent: absence(manners, dir, voice),
  unready: (name, { why }) =>
    voice[manners.voice === null ? "info" : "warn"](`${name} waits to be complete: ${why}`, { service: name }),
});

/** Tells of a scan directory that cannot be had, by the name that it was given; null where that is not repeated. */
export function absence({ repeats }: Manners, dir: string, voice: Voice): ((code: string) => void) | null {
  if (!repeats) return null;
  return (code) => voice.warn((errors[code] ?? `unable to open directory DIR: ${code}`).replace("DIR", () => dir));
}
