import { bad, good, type Parsed } from "../base/units.ts";
import type { LogKind, LogTarget } from "./spec.ts";

const kinds: readonly LogKind[] = ["prefix", "json", "inherit", "none", "logger"];
const FILE = "file:";

/** How a value of `log` may look, for the reference. */
export const logUnit: string = `${kinds.map((kind) => `\`${kind}\``).join(" · ")} · \`file:DIR\`, also as \`prefix, file:DIR\``;

/** Reads a value of `log`: one kind, a log directory, or both. */
export function parseLog(text: string): Parsed<LogTarget> {
  const words = text.split(",").map((word) => word.trim());
  const files = words.filter((word) => word.startsWith(FILE));
  const [word, ...rest] = words.filter((each) => !each.startsWith(FILE));
  const dir = files[0]?.slice(FILE.length) ?? null;
  if (dir === "") return bad("there is no directory after file:");
  if (files.length > 1 || rest.length > 0) return bad("more than one directory, or more than one of the other words");
  if (word === undefined) return good({ kind: "file", dir });
  const kind = kinds.find((each) => each === word);
  if (kind === undefined) return bad(`not one of ${kinds.join(", ")}, file:DIR`);
  if (dir !== null && kind !== "prefix" && kind !== "json")
    return bad(`a directory cannot stand beside ${kind}, only beside prefix or json`);
  return good({ kind, dir });
}
