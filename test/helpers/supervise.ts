// What stands in a supervise directory, and the same directory once under runit's runsv and once under us.
import { closeSync, constants, cpSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { eventually } from "./eventually.ts";
import { launch, type Namespace, type Result } from "./pid-namespace.ts";
import { type ServiceFiles, scanDir, temporaryDirectory } from "./service-dir.ts";

/** Writes down what it is sent; TERM ends it. It says that it hears before it does anything else. */
export const listener = `#!/bin/sh
for signal in HUP INT QUIT ALRM USR1 USR2; do trap "echo $signal >> got" $signal; done
trap 'echo TERM >> got; exit 0' TERM
echo start >> got
while :; do sleep 0.02; done
`;

/** The files of `supervise/` as clients read them. */
export interface Sight {
  readonly stat: string;
  /** Of `status`: 0 where there is no process. */
  readonly pid: number;
  readonly paused: number;
  readonly want: string;
  readonly gotTerm: number;
  readonly state: number;
  /** Since 1970. */
  readonly seconds: number;
}

const EPOCH = 2n ** 62n + 10n;

/** Reads them, and checks that they agree on the pid; throws while they are being exchanged. */
export function sightOf(directory: string): Sight {
  const read = (name: string) => readFileSync(join(directory, "supervise", name));
  const bytes = read("status");
  const pid = bytes.readUInt32LE(12);
  expect(bytes.length).toBe(20);
  expect(read("pid").toString()).toBe(pid === 0 ? "" : `${pid}\n`);
  return {
    stat: read("stat").toString(),
    pid,
    paused: bytes[16] ?? 9,
    want: String.fromCharCode(bytes[17] ?? 0),
    gotTerm: bytes[18] ?? 9,
    state: bytes[19] ?? 9,
    seconds: Number(bytes.readBigUInt64BE(0) - EPOCH),
  };
}

/** True if somebody supervises this directory, as svok(8) finds out. */
export function isOffered(directory: string): boolean {
  try {
    closeSync(openSync(join(directory, "supervise", "ok"), constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch {
    return false; // ENXIO: nobody reads; ENOENT: nobody ever did
  }
}

/** Without what differs from one process to the next. */
const plain = ({ stat, pid, paused, want, gotTerm, state }: Sight) => ({
  stat,
  isRunning: pid !== 0,
  paused,
  want,
  gotTerm,
  state,
});

/** Pids, seconds and the place are each one's own. */
export const normalised = ({ code, stdout, stderr }: Result, place: string): string =>
  `${`${stdout}\n${stderr}`
    .replaceAll(place, "")
    .replace(/pid \d+/g, "pid N")
    .replace(/\d+(s| seconds)\b/g, "N$1")
    .trim()}\nrc ${code}`;

export interface Twins {
  readonly runit: Namespace;
  readonly ours: Namespace;
  /** A path of runit's copy, and of ours. */
  readonly at: readonly [(...parts: readonly string[]) => string, (...parts: readonly string[]) => string];
  /** Waits until both have this to see, and all else alike, and have done the same (what `got` holds). */
  same(service: string, state?: Readonly<Record<string, unknown>>): Promise<void>;
  /** Runs the command on both; `DIR` in its words is the scan directory. Answers what both said, once. */
  both(argv: readonly [string, ...string[]]): Promise<string>;
  /** Does something to both directories. */
  each(work: (directory: string) => void): void;
}

/** The services under runsv, each in one of its own, and their copies under us. */
export async function twins(services: Readonly<Record<string, ServiceFiles>>): Promise<Twins> {
  const ours = scanDir(services);
  const theirs = join(temporaryDirectory(), "service");
  cpSync(ours.path, theirs, { recursive: true, preserveTimestamps: true });
  const start = Object.keys(services).map(
    (name) => `(cd "${theirs}" && exec env --default-signal=INT,QUIT runsv "${name}") 3>&- 4<&- &`,
  );
  const spaces = await Promise.all([
    launch(["100000"], { program: "/usr/bin/sleep", setup: start.join("\n") }),
    launch([ours.path]),
  ]);
  const places = [theirs, ours.path] as const;
  const got = (place: string, service: string) => {
    try {
      return readFileSync(join(place, service, "got"), "utf8");
    } catch {
      return ""; // nothing has happened yet
    }
  };
  return {
    runit: spaces[0],
    ours: spaces[1],
    at: [(...parts) => join(theirs, ...parts), ours.at],
    async same(service, state = {}) {
      await eventually(`${service} is the same with both`, () => {
        for (const place of places) expect(isOffered(join(place, service))).toBe(true);
        const [their, our] = places.map((place) => ({
          ...plain(sightOf(join(place, service))),
          got: got(place, service),
        }));
        if (JSON.stringify(our) !== JSON.stringify(their))
          throw new Error(`${JSON.stringify(our)} where runit has ${JSON.stringify(their)}`);
        expect(our).toMatchObject(state);
        return true;
      });
    },
    async both(argv) {
      const words = (place: string) => argv.map((word) => word.replace("DIR", place)) as [string, ...string[]];
      const said = await Promise.all(
        spaces.map(async (space, i) => normalised(await space.inside(words(places[i] ?? "")), places[i] ?? "")),
      );
      expect(said[1], argv.join(" ")).toBe(said[0]);
      return said[0] ?? "";
    },
    each: (work) => places.forEach(work),
  };
}
