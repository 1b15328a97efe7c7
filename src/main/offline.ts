// What needs no supervisor: upkeep lint, help, version.
import { constants } from "node:os";
import { isatty } from "node:tty";
import { exitCodes } from "../cli/exit-codes.ts";
import { runOffline } from "../cli/offline.ts";
import { lint } from "../config/lint.ts";
import { listServices } from "../config/list-services.ts";
import type { Own } from "../config/settings.ts";
import { errnoText } from "../process/spawn.ts";
import { createPrinter, type Printer } from "./printer.ts";

/** Where services are looked for when no directory is named. */
const SCAN_DIR = "/etc/service";
/** As a shell tells of one that SIGPIPE has ended. */
const BROKEN_PIPE = 141;

export interface OfflineWorld {
  readonly words: readonly string[];
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  readonly own: Own;
  readonly node: string;
  readonly globalFile: string;
}

/** Runs the words to their exit code; whoever reads them may go at any time. */
export async function offline(
  { words, version, env, own, node, globalFile }: OfflineWorld,
  out: Printer = createPrinter(1),
  err: Printer = createPrinter(2),
): Promise<number> {
  const [first, ...rest] = words;
  const asked = first === "--help" || first === "-h" ? ["help", ...rest] : words;
  const findings = async (dir: string) => {
    const { names, problems } = listServices(dir);
    if (names === null) throw new Error(`${dir}: ${problems[0]?.text ?? "cannot be read"}`);
    return { problems: lint(dir, [{ path: globalFile, required: false }], env, own).problems, services: names };
  };
  const color = isatty(1) && (env["NO_COLOR"] ?? "") === "";
  const code = await runOffline(
    asked,
    { out: (bytes) => tell(out, bytes), err: (text) => tell(err, text) },
    { lint: findings, defaultDir: SCAN_DIR, version, node, color },
  );
  return unwritten(out, err) ?? code;
}

const tell = (printer: Printer, bytes: Uint8Array | string): true => {
  printer.print(bytes);
  return true;
};

/** The code where something could not be written, once it is said; a reader that has gone knows. */
function unwritten(out: Printer, err: Printer): number | null {
  const fault = out.fault();
  if (fault === constants.errno.EPIPE || err.fault() === constants.errno.EPIPE) return BROKEN_PIPE;
  if (fault === null) return null;
  err.print(`upkeep: cannot write the output: ${errnoText(fault)}\n`);
  return exitCodes.failed;
}
