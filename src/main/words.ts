import { resolve } from "node:path";

/** What the words of the supervisor's command line say. */
export interface SupervisorWords {
  /** Absolute; default /etc/service. */
  readonly scanDir: string;
  /** Global files named by `-c` or `--config`, in their order. */
  readonly files: readonly string[];
  /** What stands behind `--`: the main command; null without one. */
  readonly command: readonly [string, ...string[]] | null;
  /** The first word that means nothing here; null if there is none. */
  readonly unknown: string | null;
}

/** Reads `[-c FILE]... [DIR] [-- COMMAND...]`. */
export function readWords(words: readonly string[]): SupervisorWords {
  const files: string[] = [];
  let scanDir: string | null = null;
  let unknown: string | null = null;
  const end = words.indexOf("--");
  const [program, ...args] = end < 0 ? [] : words.slice(end + 1);
  const rest = end < 0 ? [...words] : words.slice(0, end);
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "-c" || word === "--config") files.push(rest.shift() ?? "");
    else if (word.startsWith("-") || scanDir !== null) unknown ??= word;
    else scanDir = word;
  }
  return {
    scanDir: resolve(scanDir ?? "/etc/service"),
    files,
    unknown,
    command: program === undefined ? null : [program, ...args],
  };
}
