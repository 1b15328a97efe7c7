// The environment as baseimage-docker keeps it: a directory with a file for each variable, and two dumps of it.
import { isUtf8 } from "node:buffer";
import { accessSync, closeSync, constants, openSync, readdirSync, writeFileSync } from "node:fs";
import { errorCode } from "../base/errors.ts";
import { quoted } from "../base/words.ts";
import { clause, readWhole } from "../config/read-file.ts";
import type { Env } from "../process/environ.ts";
import { variableFault } from "../spec/kinds.ts";

const DIRECTORY = "/etc/container_environment";
// execve(2) refuses a longer string (MAX_ARG_STRLEN), its name and the = included.
const VALUE_MOST = 131_072;
const VARIABLES_MOST = 4000;
/** Whose they are differs from process to process: they are in no file, and in the dump for shells neither. */
const PERSONAL: ReadonlySet<string> = new Set(["HOME", "USER", "GROUP", "UID", "GID", "SHELL"]);

/** What the directory says; null where there is none. `tell` hears of what cannot be a variable. */
function readContainerEnvironment(tell: (text: string) => void): Env | null {
  const env = new Map<string, string>();
  let names: string[];
  try {
    names = readdirSync(DIRECTORY).sort().slice(0, VARIABLES_MOST);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") tell(`cannot read ${DIRECTORY}: ${errorCode(error)}`);
    return null;
  }
  for (const name of names) {
    if (name.startsWith(".")) continue;
    const file = readWhole(`${DIRECTORY}/${name}`, VALUE_MOST);
    const fault = variableFault(name) ?? (file.ok ? valueFault(file.bytes) : file.why);
    if (fault !== null) tell(`cannot use ${quoted(`${DIRECTORY}/${name}`)} as a variable: ${fault}`);
    else if (file.ok) env.set(name, file.bytes.toString("utf8").replace(/\n$/, ""));
  }
  return env;
}

function valueFault(bytes: Buffer): string | null {
  if (bytes.includes(0)) return "it holds a NUL";
  return isUtf8(bytes) ? null : "it is not UTF-8";
}

/** What a child is given beside the environment that it inherits: null takes a variable away. */
export function differencesTo(inherited: Env, wanted: Env): Readonly<Record<string, string | null>> {
  const differences: [string, string | null][] = [];
  for (const [name, value] of wanted) if (inherited.get(name) !== value) differences.push([name, value]);
  for (const name of inherited.keys()) if (!wanted.has(name)) differences.push([name, null]);
  return Object.freeze(Object.fromEntries(differences));
}

/** The dump that a shell reads. */
export function shellDump(env: Env): string {
  const lines = [...env].filter(([name]) => !PERSONAL.has(name));
  return lines.map(([name, value]) => `export ${name.replace(/\W/g, "_")}=${shellQuoted(value)}\n`).join("");
}

function shellQuoted(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'"'"'`)}'`;
}

/** The environment of all that an image laid out so starts, over its whole life. */
export interface ContainerEnvironment {
  /** What the container itself was started with. */
  readonly inherited: Env;
  /** What a program that is started now is given beside that. */
  differences(): Readonly<Record<string, string | null>>;
  /** At the start: the container's own wins over the image's, and all of it is written out. */
  exportFirst(): void;
  /** After a startup file: the directory is the environment, and nothing else is. */
  importAgain(): void;
}

/** `isExported`: a manager before us has written it out. */
export function createContainerEnvironment(
  inherited: Env,
  isExported: boolean,
  warn: (text: string) => void,
): ContainerEnvironment {
  // It is read after each startup file, and what is wrong in it is the same each time.
  const told = new Set<string>();
  const tell = (text: string) => {
    if (!told.has(text)) warn(text);
    told.add(text);
  };
  // A directory that takes nothing cannot say what is no longer there.
  const isWritable = unwritable() === null;
  const read = () => {
    const said = readContainerEnvironment(tell);
    return said === null || isWritable ? said : new Map([...said, ...inherited]);
  };
  let env: Env = (isExported ? read() : null) ?? inherited;
  const take = (next: Env | null, files: boolean) => {
    if (next === null) return;
    env = next;
    for (const fault of writeContainerEnvironment(env, files)) tell(fault);
  };
  return {
    inherited,
    differences: () => differencesTo(inherited, env),
    exportFirst() {
      const said = read();
      take(said === null ? null : new Map([...said, ...inherited]), true);
    },
    importAgain: () => take(read(), false),
  };
}

/** Why nothing can be put into the directory; null if it can, or if there is none. */
function unwritable(): string | null {
  try {
    accessSync(DIRECTORY, constants.W_OK);
    return null;
  } catch (error) {
    return errorCode(error) === "ENOENT" ? null : clause(error);
  }
}

/** Writes the two dumps and, with `files`, a file for each variable; answers what could not be written. */
function writeContainerEnvironment(env: Env, files: boolean): readonly string[] {
  const why = unwritable();
  if (why !== null) return [`cannot write ${DIRECTORY}: ${why}; shells of other programs do not see this environment`];
  const own = files ? [...env].filter(([name]) => !PERSONAL.has(name) && !name.includes("/")) : [];
  return [
    ...own.map(([name, value]) => put(`${DIRECTORY}/${name}`, value, 0o600)),
    put(`${DIRECTORY}.sh`, shellDump(env), 0o640),
    put(`${DIRECTORY}.json`, JSON.stringify(Object.fromEntries(env)), 0o640),
  ].filter((fault) => fault !== null);
}

// In place: whoever may read them was settled when the image was made. A fifo there is nothing to wait for.
const IN_PLACE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK;

/** Null, or why it could not be written. */
function put(path: string, text: string, mode: number): string | null {
  try {
    const fd = openSync(path, IN_PLACE, mode);
    try {
      writeFileSync(fd, text);
    } finally {
      closeSync(fd);
    }
    return null;
  } catch (error) {
    return `cannot write ${quoted(path)}: ${clause(error)}; shells of other programs do not see it`;
  }
}
