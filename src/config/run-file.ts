// Looks at a script before it is run, and says what exec(2) would only answer with ENOENT or ENOEXEC.
import { accessSync, constants, statSync } from "node:fs";
import { quoted } from "../base/words.ts";
import { readStart } from "./read-file.ts";

/** What is to be known of a program file. `fault` names what is wrong with it and the fix, as one sentence. */
export type RunFile =
  /** It can be executed as it is; `advice` is worth a warning; `shebang` is what follows the #!, if that is there. */
  | { readonly kind: "program"; readonly advice: string | null; readonly shebang: string }
  /** A script without a first line that names its interpreter; sh has to be named for it. */
  | { readonly kind: "shell-text"; readonly advice: string }
  /** Not there, not executable or empty: somebody may be copying it just now. */
  | { readonly kind: "incomplete"; readonly fault: string }
  | { readonly kind: "broken"; readonly fault: string };

// The kernel reads this much of a file to find the interpreter (BINPRM_BUF_SIZE).
const FIRST = 256;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const NEWLINE = 10;

const incomplete = (fault: string): RunFile => ({ kind: "incomplete", fault });
const noScript: RunFile = { kind: "program", advice: null, shebang: "" };
const broken = (fault: string): RunFile => ({ kind: "broken", fault });

/** Inspects the file `path`, called `name` in sentences; opens and reads it once. */
export function inspectRun(path: string, name: string): RunFile {
  const file = readStart(path, FIRST);
  if (!file.ok) {
    if (file.code === "ENOENT") return incomplete(`${name} is a link to nothing; ${path} must lead to a program`);
    // The kernel reads it for us: a program of mode 0711 can be run by those who cannot look into it.
    if (file.code === "EACCES" && mayRun(path)) return noScript;
    return broken(`cannot use ${name}: ${file.why}; ${path} must be an executable file`);
  }
  if ((file.mode & 0o111) === 0) return incomplete(`${name} is not executable; chmod +x ${path}`);
  const { bytes } = file;
  if (bytes.length === 0) return incomplete(`${name} is empty; ${path} must hold a program`);
  if (bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) {
    return broken(`cannot use ${name}: it begins with a byte order mark; sed -i '1s/^\\xef\\xbb\\xbf//' ${path}`);
  }
  const newline = bytes.indexOf(NEWLINE);
  const first = bytes.subarray(0, newline === -1 ? bytes.length : newline);
  if (first.includes(0)) return noScript;
  if (first.at(-1) === 13) {
    return broken(`cannot use ${name}: its lines end in CRLF, as on Windows; sed -i 's/\\r$//' ${path}`);
  }
  if (first[0] === 0x23 && first[1] === 0x21) return inspectShebang(first.subarray(2).toString("latin1"), path, name);
  return {
    kind: "shell-text",
    advice: `${name} has no first line like #!/bin/sh, so /bin/sh runs it; add that line to ${path}`,
  };
}

function mayRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // EACCES: neither read nor run
  }
}

function inspectShebang(line: string, path: string, name: string): RunFile {
  const interpreter = /^[ \t]*([^ \t]*)/.exec(line)?.[1] ?? "";
  if (interpreter === "") return broken(`cannot use ${name}: nothing follows the #! of its first line in ${path}`);
  const shown = quoted(Buffer.from(interpreter, "latin1").toString("utf8"));
  if (!interpreter.startsWith("/")) {
    return broken(`cannot use ${name}: its interpreter ${shown} is not a full path; use #!/usr/bin/env ${interpreter}`);
  }
  let mode: number;
  try {
    const stat = statSync(Buffer.from(interpreter, "latin1"));
    mode = stat.isFile() ? stat.mode : 0;
  } catch {
    // Whatever the reason (missing, no access, a loop), exec would fail on it too.
    return broken(
      `cannot use ${name}: its interpreter ${shown} does not exist; install it or correct line 1 of ${path}`,
    );
  }
  if ((mode & 0o111) === 0) return broken(`cannot use ${name}: its interpreter ${shown} is not an executable file`);
  return { kind: "program", advice: null, shebang: line.trim() };
}
