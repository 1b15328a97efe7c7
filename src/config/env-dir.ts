import { isUtf8 } from "node:buffer";
import { readdirSync } from "node:fs";
import type { Problem } from "../base/errors.ts";
import { escapedBytes, quoted } from "../base/words.ts";
import { variableFault } from "../spec/kinds.ts";
import { clause, readWhole } from "./read-file.ts";

// execve(2) refuses a longer string (MAX_ARG_STRLEN, 32 pages), its name and the = included.
const STRING_MOST = 131_072 - 1;
// More than a first line may stand in a file; more than this is no variable.
const FILE_MOST = 256 * 1024;
const FILES_MOST = 1000;

const NEWLINE = 10;

/** The variables of an `env/` directory; null removes one. */
export interface EnvDir {
  readonly env: Readonly<Record<string, string | null>>;
  readonly problems: readonly Problem[];
}

/**
 * Reads a directory as chpst -e does: the file's name is the variable, its first line the value, without blanks at its
 * end and with newlines for NULs; an empty file removes the variable; names that begin with a dot, and directories, are
 * passed over. `name` is what sentences call it.
 */
export function readEnvDir(dir: string, name = "env"): EnvDir {
  const problems: Problem[] = [];
  const error = (where: string, text: string) => problems.push({ severity: "error", where, text });
  let names: Buffer[];
  try {
    names = readdirSync(dir, { encoding: "buffer" });
  } catch (cause) {
    error(dir, `cannot read ${name}: ${clause(cause)}`);
    return { env: {}, problems };
  }
  if (names.length > FILES_MOST) {
    error(dir, `cannot read ${name}: it holds ${names.length} files, over the ${FILES_MOST} that are read`);
    return { env: {}, problems };
  }
  const pairs: [string, string | null][] = [];
  for (const bytes of names.sort(Buffer.compare)) {
    if (bytes[0] === 0x2e) continue;
    const name = bytes.toString("utf8");
    if (!isUtf8(bytes)) {
      error(`${dir}/${escapedBytes(bytes)}`, "cannot use the name of this file for a variable: it is not UTF-8");
      continue;
    }
    const path = `${dir}/${name}`;
    const fault = variableFault(name);
    if (fault !== null) {
      error(path, `cannot use ${quoted(name)}: ${fault}`);
      continue;
    }
    const file = readWhole(path, FILE_MOST);
    // As chpst has it, which tells of it too.
    if (!file.ok && file.code === "EISDIR") {
      problems.push({ severity: "warning", where: path, text: `passed over: ${file.why}, not a file with a variable` });
      continue;
    }
    if (!file.ok) {
      error(path, `cannot read the variable ${name}: ${file.why}`);
      continue;
    }
    const value = file.bytes.length === 0 ? null : firstLine(file.bytes);
    if (value !== null && !isUtf8(value)) {
      error(`${path}:1`, `cannot use the value of ${name}: it is not UTF-8`);
    } else if (value !== null && bytes.length + 1 + value.length > STRING_MOST) {
      error(`${path}:1`, `cannot use the value of ${name}: it has ${value.length} bytes, and the kernel takes 128 KB`);
    } else pairs.push([name, value === null ? null : value.toString("utf8").replaceAll("\0", "\n")]);
  }
  return { env: Object.fromEntries(pairs), problems };
}

function firstLine(bytes: Buffer): Buffer {
  const newline = bytes.indexOf(NEWLINE);
  let end = newline === -1 ? bytes.length : newline;
  while (end > 0 && (bytes[end - 1] === 0x20 || bytes[end - 1] === 0x09)) end--;
  return bytes.subarray(0, end);
}
