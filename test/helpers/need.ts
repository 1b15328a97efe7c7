import { accessSync, constants } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import type { TestContext } from "vitest";

// Daemons live in /usr/sbin, which an ordinary user's PATH leaves out.
const PATH = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The file that runs `program`, or null if it is not installed. */
export function find(program: string): string | null {
  const isThere = (file: string): boolean => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false; // ENOENT, EACCES: not this one
    }
  };
  return PATH.map((directory) => join(directory, program)).find(isThere) ?? null;
}

/**
 * Skips the test, with its reason, unless all these programs are installed; with CI=true it fails instead.
 * `root` needs the test to be root.
 */
export function need(context: TestContext, ...programs: readonly ("root" | (string & {}))[]): void {
  const missing = programs.filter((program) =>
    program === "root" ? process.getuid?.() !== 0 : find(program) === null,
  );
  if (missing.length > 0) skip(context, `needs ${missing.join(", ")}`);
}

/** Skips the test for this reason; with CI=true it fails instead. */
export function skip(context: TestContext, reason: string): never {
  if (process.env["CI"] === "true") throw new Error(`CI skips nothing: ${reason}`);
  // The default reporter only counts what was skipped.
  process.stderr.write(`skipped: ${context.task.name}: ${reason}\n`);
  return context.skip(reason);
}

/** A TCP port of 127.0.0.1 that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("cannot find a free port: no address");
  return address.port;
}
