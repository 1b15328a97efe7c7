// A shell that does nothing but wait for the last command of its script: `exec` was forgotten.
import { basename, resolve } from "node:path";
import { readWhole } from "../config/read-file.ts";
import { argumentsOf, childrenOf, processOf } from "../process/proc.ts";

const shells: ReadonlySet<string> = new Set(["sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"]);
/** Words at the begin of a last line that are the shell's own: exec could not run them. */
const ownWords: ReadonlySet<string> = new Set([
  "exec",
  "done",
  "fi",
  "esac",
  "wait",
  "exit",
  "return",
  "eval",
  ".",
  "source",
]);
/** A longer script is a program, and needs no advice. */
const SCRIPT_MOST = 64 * 1024;

/** The script of a shell that only waits, and the command that it waits for. */
export interface IdleShell {
  readonly script: string;
  readonly command: string;
}

/** True of `sh`, `/bin/bash`, `-sh`. */
export function isShell(word: string): boolean {
  return shells.has(basename(word).replace(/^-/, ""));
}

/**
 * What this process waits for, if it is a shell at the last command of a script; `dir` is where it was started, and
 * `mayRead` is asked before the script is read.
 */
export function idleShell(pid: number, dir: string, mayRead: (path: string) => boolean): IdleShell | null {
  // Not by its name: that of a script is the script's.
  const words = argumentsOf(pid);
  if (!isShell(words[0] ?? "") || words.includes("-c")) return null;
  const script = words.slice(1).find((word) => !word.startsWith("-"));
  const children = childrenOf(pid) ?? [];
  const [child] = children;
  if (script === undefined || child === undefined || children.length > 1) return null;
  const below = argumentsOf(child);
  // The same words are a fork of the shell itself, at work in a subshell.
  if (below.join("\0") === words.join("\0")) return null;
  const path = resolve(dir, script);
  if (!mayRead(path)) return null;
  const file = readWhole(path, SCRIPT_MOST);
  const last = file.ok ? lastCommand(file.bytes.toString("utf8")) : null;
  if (last === null) return null;
  const names = [processOf(child)?.comm ?? "", ...below.slice(0, 2).map((word) => basename(word))];
  const isChild = names.some((name) => name === basename(last) || name === basename(last).slice(0, 15));
  return isChild ? { script: path, command: last } : null;
}

/**
 * The program that a script ends with, and that `exec` could take the shell's place by; null where the shell has more
 * to do: a trap, a list, a pipe, a job in the background, a word of the shell's own language.
 */
export function lastCommand(text: string): string | null {
  const lines = text.replace(/\\\r?\n/g, " ").split("\n");
  const commands = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  if (commands.some((line) => /^trap\b/.test(line))) return null;
  const bare = (commands.at(-1) ?? "").replace(/'[^']*'|"(?:[^"\\]|\\.)*"/g, "''").replace(/\s#.*$/, "");
  if (/[|;`(){}]|&&|&\s*$|^!/.test(bare)) return null;
  const word = bare.replace(/^(\w+=\S*\s+)*/, "").split(/\s+/)[0] ?? "";
  return /^[\w./+-]+$/.test(word) && !ownWords.has(word) ? word : null;
}
