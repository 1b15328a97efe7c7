// Where the main process of a service runs: its root directory, and in that its working directory and its program.
import { resolve } from "node:path";
import type { Problem } from "../base/errors.ts";
import { quoted } from "../base/words.ts";
import type { ServiceValues } from "../spec/keys.ts";
import type { Own } from "./settings.ts";

type Words = readonly [string, ...string[]];

/** All of it as the process sees it, but `root` itself; `fault` is why it cannot be so. */
export interface Place {
  readonly root: string | null;
  readonly dir: string;
  readonly command: Words | null;
  readonly fault: Problem | null;
}

/** Resolves `root` and `dir`; the file `run`, which `command` names where the key does not, must be within `root`. */
export function resolvePlace(
  values: Pick<ServiceValues, "root" | "dir" | "command">,
  command: Words | null,
  source: Readonly<Record<string, string>>,
  home: string,
  own: Own,
): Place {
  if (values.root === null) {
    return { root: null, dir: values.dir === null ? home : resolve(home, values.dir), command, fault: null };
  }
  const root = resolve(home, values.root);
  const dir = values.dir === null ? (within(root, home) ?? "/") : resolve("/", values.dir);
  const refuse = (why: string): Place => {
    const text = `cannot use root ${quoted(values.root ?? "")}: ${why}`;
    return { root, dir, command, fault: { severity: "error", where: source["root"] ?? home, text } };
  };
  if (own.uid !== 0) return refuse(`upkeep itself runs as uid ${own.uid}; run upkeep as root, or leave the key out`);
  if (values.command !== null || command === null) return { root, dir, command, fault: null };
  const run = `${home}/run`;
  const inner = within(root, run);
  if (inner === null) return refuse(`${run} is outside of it; set command, or let run change the root itself`);
  const [first, ...rest] = command.map((word) => (word === run ? inner : word));
  return { root, dir, command: [first ?? inner, ...rest], fault: null };
}

/** A path as it is called beneath a new root; null if it is outside. */
function within(root: string, path: string): string | null {
  if (root === "/" || root === path) return root === path ? "/" : path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : null;
}
