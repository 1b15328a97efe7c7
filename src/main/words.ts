import { basename, dirname, resolve } from "node:path";
import { quoted } from "../base/words.ts";
import type { GlobalFile } from "../config/settings.ts";

/** The options of baseimage-docker's my_init. */
export interface Compat {
  /** Nothing of /etc/my_init.d is run, nor /etc/rc.local. */
  readonly skipStartupFiles: boolean;
  /** No services, and no hooks of the shutdown. */
  readonly skipRunit: boolean;
  /** What is no service's is left alone at the end. */
  readonly noKillAllOnExit: boolean;
  readonly quiet: boolean;
  readonly enableInsecureKey: boolean;
}

const options: Readonly<Record<string, keyof Compat>> = {
  "--skip-startup-files": "skipStartupFiles",
  "--skip-runit": "skipRunit",
  "--no-kill-all-on-exit": "noKillAllOnExit",
  "--quiet": "quiet",
  "--enable-insecure-key": "enableInsecureKey",
};

/** Where the empty name leads, as runsvdir "$UNSET" gives it: nothing is ever there, and least of all what lies around. */
const NOWHERE = "/proc/nowhere";

/** What the words of the supervisor's command line say. */
export interface SupervisorWords {
  /** Absolute; default /etc/service. */
  readonly scanDir: string;
  /** The one entry of it that is a service; null is all. */
  readonly only: string | null;
  /** Global files named by `-c` or `--config`, in their order. */
  readonly files: readonly string[];
  /** What stands behind `--`: the main command; null without one. */
  readonly command: readonly [string, ...string[]] | null;
  /** The options of `--compat baseimage`; null without it. */
  readonly compat: Compat | null;
  /** The program that the supervisor was called as; empty for its own name. */
  readonly as: string;
  /** The directory as it was given; empty if none was. */
  readonly dir: string;
  /** The process that stands for the supervisor to whoever signals it; 0 if there is none. */
  readonly face: number;
  /** The first word that means nothing here; null if there is none. */
  readonly unknown: string | null;
}

/**
 * Reads `[--as NAME [--face PID] --dir DIR] [-c FILE]... [--compat baseimage [OPTION]...] [DIR] [-- COMMAND...]`; what is in
 * the first brackets is what the core says for runsvdir and runsv.
 */
export function readWords(words: readonly string[]): SupervisorWords {
  const files: string[] = [];
  let scanDir: string | null = null;
  let unknown: string | null = null;
  let isCompat = false;
  const chosen = {
    skipStartupFiles: false,
    skipRunit: false,
    noKillAllOnExit: false,
    quiet: false,
    enableInsecureKey: false,
  };
  let as = "";
  let face = 0;
  const end = words.indexOf("--");
  const [program, ...args] = end < 0 ? [] : words.slice(end + 1);
  const rest = end < 0 ? [...words] : words.slice(0, end);
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const option = isCompat && Object.hasOwn(options, word) ? options[word] : undefined;
    if (word === "-c" || word === "--config") files.push(rest.shift() ?? "");
    else if (word === "--compat" && rest[0] === "baseimage") isCompat = rest.shift() !== undefined;
    else if (option !== undefined) chosen[option] = true;
    else if (word === "--as") as = rest.shift() ?? "";
    else if (word === "--dir") scanDir = rest.shift() ?? "";
    else if (word === "--face") face = Number(rest.shift());
    else if (word.startsWith("-") || scanDir !== null) unknown ??= word;
    else scanDir = word;
  }
  const path = scanDir === "" ? NOWHERE : resolve(scanDir ?? "/etc/service");
  // runsv has one service, whatever else lies beside it.
  const only = as === "runsv" ? basename(path) : null;
  return {
    scanDir: only === null ? path : dirname(path),
    only,
    files,
    compat: isCompat ? chosen : null,
    as,
    dir: scanDir ?? "",
    face,
    unknown,
    command: program === undefined ? null : [program, ...args],
  };
}

// What goes to the core in one frame of 1 MB and 8192 fields, together with the environment's differences.
const COMMAND_WORDS_MOST = 6000;
const COMMAND_BYTES_MOST = 384 * 1024;

/** Why nothing can be run by these words, as one sentence; null if it can. */
export function wordsFault({ unknown, command }: Pick<SupervisorWords, "unknown" | "command">): string | null {
  if (unknown !== null) return `unknown word ${unknown}; upkeep help tells the usage`;
  if (command === null) return null;
  const bytes = Buffer.byteLength(JSON.stringify(command));
  if (command.length <= COMMAND_WORDS_MOST && bytes <= COMMAND_BYTES_MOST) return null;
  const most = `${COMMAND_WORDS_MOST} words and ${COMMAND_BYTES_MOST} bytes`;
  return `cannot run ${quoted(command[0].slice(0, 100))}: ${command.length} words of ${bytes} bytes are more than ${most}; put them into a file`;
}

/** The one that is always read if it is there, and those that were named. */
export const globalFilesOf = (always: string, named: readonly string[]): readonly GlobalFile[] => [
  { path: always, required: false },
  ...named.map((path) => ({ path, required: true })),
];
