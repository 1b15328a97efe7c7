// What needs no supervisor: upkeep lint, help, version.
import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { errorCode } from "../base/errors.ts";
import { runOffline } from "../cli/offline.ts";
import { lint } from "../config/lint.ts";
import { listServices } from "../config/list-services.ts";
import type { Own } from "../config/settings.ts";

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
export async function offline({ words, version, env, own, node, globalFile }: OfflineWorld): Promise<number> {
  let broken = false;
  const write = (fd: number) => (bytes: Uint8Array | string) => {
    try {
      if (!broken) writeSync(fd, Buffer.from(bytes as Uint8Array));
    } catch (error) {
      if (errorCode(error) !== "EPIPE") throw error;
      broken = true;
    }
    return true;
  };
  const [first, ...rest] = words;
  const asked = first === "--help" || first === "-h" ? ["help", ...rest] : words;
  const findings = async (dir: string) => {
    const { names, problems } = listServices(dir);
    if (names === null) throw new Error(`${dir}: ${problems[0]?.text ?? "cannot be read"}`);
    return { problems: lint(dir, [{ path: globalFile, required: false }], env, own).problems, services: names };
  };
  const color = isatty(1) && env["NO_COLOR"] === undefined;
  const code = await runOffline(
    asked,
    { out: write(1), err: write(2) },
    { lint: findings, defaultDir: SCAN_DIR, version, node, color },
  );
  return broken ? BROKEN_PIPE : code;
}
