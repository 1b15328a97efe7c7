/** What is wrong in a configuration, and where: printed as `FILE:LINE: text`. */
export interface Problem {
  /** An error keeps its service from running as written; a warning does not. */
  readonly severity: "error" | "warning";
  /** The service it belongs to; absent for the global configuration and for the set as a whole. */
  readonly service?: string;
  /** The file, and the line (from 1) where there is one: `/etc/service/db/service.ini:7`. */
  readonly where: string;
  /** One sentence in lower case without a full stop, naming the value and what would do. */
  readonly text: string;
}

/** For the default arm of a switch over a closed union: a new member breaks the build, not the run. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}

/** The `code` of a Node system error (`ENOENT`), or its message where it has none. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return error instanceof Error ? error.message : String(error);
}
