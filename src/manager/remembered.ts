// What the core keeps of us beyond the states: each service's specification and number, the ends that wait for others,
// and the stop that has begun.
import { decode } from "../service/blob.ts";
import type { Event, State } from "../service/model.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { stateKey } from "./runner.ts";

/** Of another version nothing is understood; the directories are read instead. */
const VERSION = 1;

export const specKey = (name: string): string => `spec:${name}`;
export const putOffKey = (name: string): string => `put-off:${name}`;
export const letGoKey = (name: string): string => `let-go:${name}`;
export const controlsKey = (name: string): string => `controls:${name}`;
export const HOUSE_KEY = "house";

/** A control script that runs, and what is to follow it. */
export interface Job {
  readonly letter: string;
  /** The helper that runs it; null while it is not known whether there is such a script. */
  readonly child: number | null;
  /** What is sent unless it exits 0; `child` is the service's own process. */
  readonly signal: { readonly child: number; readonly number: number; readonly group: boolean } | null;
  /** A CONT goes after it in any case. */
  readonly cont: boolean;
  /** Not the signal alone, but a restart. */
  readonly restart: boolean;
  /** The letter whose script is run afterwards. */
  readonly after: string | null;
  /** The main process that is started afterwards. */
  readonly start: number | null;
  /** The same script is run once more, for this. */
  readonly again: Omit<Job, "child" | "again"> | null;
}

/** The control scripts of one service; `spared`, `termed`: the process whose stop signal a script has replaced, or that had a TERM. */
export interface Jobs {
  readonly jobs: readonly Job[];
  readonly spared: number | null;
  readonly termed: number | null;
}

/** A service as an earlier manager left it. */
export interface Remembered {
  readonly spec: ServiceSpec;
  readonly number: number;
  readonly state: State;
  /** It is being removed. */
  readonly leaving: boolean;
  /** A stop or restart that waits until nobody requires it any more. */
  readonly putOff: Event | null;
}

/** What is true of the whole. */
export interface House {
  /** No service has this number or a higher one. */
  readonly nextNumber: number;
  /** The ordered stop that is under way: since when (monotonic), the code to leave with, and why. */
  readonly stop: { readonly since: number; readonly code: number; readonly why: string } | null;
}

const write = (value: object): string => JSON.stringify({ version: VERSION, ...value });

function read(text: string | undefined): Record<string, unknown> | null {
  if (text === undefined) return null;
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && value.version === VERSION ? value : null;
  } catch {
    return null; // not ours: the caller reads the directories
  }
}

/** JSON has no infinity and writes null; these two fields have no other null. */
function revived(spec: ServiceSpec): ServiceSpec {
  const { startTimeout, stopGrace, logger } = spec as {
    startTimeout: number | null;
    stopGrace: number | null;
    logger: ServiceSpec | null;
  };
  return Object.freeze({
    ...spec,
    startTimeout: startTimeout ?? Number.POSITIVE_INFINITY,
    stopGrace: stopGrace ?? Number.POSITIVE_INFINITY,
    logger: logger === null ? null : revived(logger),
  });
}

export const encodeHouse = (house: House): string => write(house);
export const encodeSpec = (spec: ServiceSpec, number: number, leaving: boolean): string =>
  write({ spec, number, leaving });
export const encodePutOff = (event: Event): string => write({ event });

export const encodeControls = ({ jobs, spared, termed }: Jobs): string => write({ jobs, spared, termed });

export const decodeControls = (text: string | undefined): Jobs | null => read(text) as unknown as Jobs | null;

/** Those who were let go and not asked for since. */
export function decodeLetGo(blobs: ReadonlyMap<string, string>): readonly string[] {
  const prefix = letGoKey("");
  return [...blobs.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}

/** The house of an earlier manager; a new one if there is none. */
export function decodeHouse(blobs: ReadonlyMap<string, string>): House {
  const value = read(blobs.get(HOUSE_KEY));
  return value === null ? { nextNumber: 1, stop: null } : (value as unknown as House);
}

/** All services whose specification and state are both there and understood. */
export function decodeServices(blobs: ReadonlyMap<string, string>): Remembered[] {
  return [...blobs.keys()].flatMap((key) => {
    if (!key.startsWith("spec:")) return [];
    const name = key.slice("spec:".length);
    const value = read(blobs.get(key));
    const state = decode(blobs.get(stateKey(name)) ?? "");
    if (value === null || state === null) return [];
    const spec = revived(value["spec"] as ServiceSpec);
    const putOff = (read(blobs.get(putOffKey(name)))?.["event"] ?? null) as Event | null;
    return [{ spec, number: value["number"] as number, state, leaving: value["leaving"] === true, putOff }];
  });
}
