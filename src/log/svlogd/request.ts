// What the program svlogd says to whoever writes its logs. Pure; src/core/svlogd-request.c is its other end.
import type { LineOptions } from "../dir/model.ts";

/** A log directory that the program has opened and locked (its descriptor in there), or why it has not. */
export type HandedDirectory =
  | { readonly name: string; readonly fd: number }
  /** svlogd's own sentence, without its `svlogd: warning: `. */
  | { readonly warning: string };

/** A svlogd that leaves its standard input to us. */
export interface Handed {
  /** 0 is ourselves. */
  readonly pid: number;
  /** Its descriptor of the ledger; -1 without one. */
  readonly ledger: number;
  /** Our own descriptor of the socket by which others come; -1 without one. */
  readonly listener: number;
  readonly verbose: boolean;
  readonly options: LineOptions;
  readonly directories: readonly HandedDirectory[];
}

/** A signal that was sent to the program; HUP brings its directories anew. */
export type HandedSignal =
  | { readonly signal: "TERM" | "ALRM" }
  | { readonly signal: "HUP"; readonly directories: readonly HandedDirectory[] };

type Fields = Readonly<Record<string, unknown>>;

const isWhole = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value);

/** Reads the request; null if it is none. */
export function readHanded(fields: Fields): Handed | null {
  const { pid, ledger, listener, stamp, replacement, lineMax, replaced } = fields;
  const directories = readDirectories(fields["dirs"]);
  if (!isWhole(pid) || !isWhole(ledger) || !isWhole(listener) || !isWhole(replacement) || !isWhole(lineMax))
    return null;
  if (directories === null || pid < 0 || lineMax < 1) return null;
  if (stamp !== 0 && stamp !== 1 && stamp !== 2 && stamp !== 3) return null;
  return {
    pid,
    ledger,
    listener,
    verbose: fields["verbose"] === 1,
    options: {
      stamp,
      lineMax,
      ...(replacement < 0 ? {} : { replacement: replacement & 0xff }),
      ...(typeof replaced === "string" && replaced !== "" ? { replaced: Buffer.from(replaced, "hex") } : {}),
    },
    directories,
  };
}

/** Reads one further line of the program; `go` agrees that we may read its input, null is none of these. */
export function readHandedLine(line: string): HandedSignal | "go" | null {
  let fields: Fields | null;
  try {
    fields = JSON.parse(line) as Fields | null;
  } catch {
    return null;
  }
  if (typeof fields !== "object" || fields === null) return null;
  if (fields["go"] === true) return "go";
  const { signal } = fields;
  if (signal === "TERM" || signal === "ALRM") return { signal };
  const directories = readDirectories(fields["dirs"]);
  return signal === "HUP" && directories !== null ? { signal, directories } : null;
}

function readDirectories(list: unknown): readonly HandedDirectory[] | null {
  if (!Array.isArray(list)) return null;
  const found: HandedDirectory[] = [];
  for (const entry of list as readonly unknown[]) {
    if (typeof entry !== "object" || entry === null) return null;
    const { name, fd, warning } = entry as Fields;
    if (typeof warning === "string") found.push({ warning });
    else if (typeof name === "string" && isWhole(fd) && fd >= 0) found.push({ name, fd });
    else return null;
  }
  return found;
}
