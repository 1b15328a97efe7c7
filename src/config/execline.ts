// The one command line of `up` and `down` in a oneshot of s6-rc: execline where that is installed, else plain words.
import { accessSync, constants } from "node:fs";
import { bad, good, type Parsed } from "../base/units.ts";
import { quoted } from "../base/words.ts";
import { readWhole } from "./read-file.ts";

type Program = readonly [string, ...string[]];

/** Where execline's packages put it: s6-overlay first. */
const places = ["/command/execlineb", "/usr/bin/execlineb", "/bin/execlineb", "/usr/local/bin/execlineb"] as const;
const FILE_MOST = 64 * 1024;
// The kernel itself reads 256 bytes of it.
const FIRST_LINE_MOST = 1024;

const isRunnable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // ENOENT, EACCES: not this one
  }
};

/** The interpreter of execline on this machine; null without one. */
export const findExecline = (): string | null => places.find(isRunnable) ?? null;

/** The command that runs the file `path`, called `name` in sentences; `execline` is its interpreter, if there is one. */
export function readCommandFile(path: string, name: string, execline = findExecline()): Parsed<Program> {
  const file = readWhole(path, FILE_MOST);
  if (!file.ok) return bad(`cannot read ${name}: ${file.why}`);
  const text = file.bytes.toString("utf8");
  const first = /^#![ \t]*(\S+)[ \t]*([^\n]*?)[ \t]*(?:\n|$)/.exec(text.slice(0, FIRST_LINE_MOST));
  const [, interpreter = "", argument = ""] = first ?? [];
  if (interpreter.endsWith("\r") || argument.endsWith("\r"))
    return bad(`cannot use ${name}: its lines end in CRLF, as on Windows; sed -i 's/\\r$//' ${path}`);
  // Made for another program, such as sh: as it is, whatever its mode says.
  if (first !== null && !interpreter.endsWith("/execlineb"))
    return good([interpreter, ...(argument === "" ? [] : [argument]), path]);
  if (execline !== null) return good([execline, "-P", path]);
  return plainWords(text, name);
}

/** The words of an execline script that holds no more than one command: no block, nothing to be put in. */
export function plainWords(text: string, name: string): Parsed<Program> {
  const words: string[] = [];
  const pattern = /#[^\n]*|"((?:[^"\\]|\\.)*)"(?=\s|$)|([^\s"\\]+)(?=\s|$)|\s+/gsy;
  let end = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    end = pattern.lastIndex;
    const word = match[2] ?? match[1]?.replace(/\\(.)/gs, (_, c: string) => escapes[c] ?? c);
    if (word === undefined) continue;
    if (match[2] === "{" || match[2] === "}")
      return bad(`cannot use ${name}: ${word} is a block of execline, which is not installed; ${cure}`);
    words.push(word);
  }
  if (end < text.length) {
    const rest = text.slice(end).split("\n")[0] ?? "";
    return bad(`cannot use ${name}: ${quoted(rest)} is more than plain words; ${cure}`);
  }
  const [program, ...rest] = words;
  return program === undefined ? bad(`cannot use ${name}: there is no command in it`) : good([program, ...rest]);
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };
const cure = "install execline, or make it a script that begins with #!/bin/sh";
