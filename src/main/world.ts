import type { Own } from "../config/settings.ts";

/** The process that we are, as main.ts hands it down; nothing below reads it from anywhere else. */
export interface World {
  readonly words: readonly string[];
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly pid: number;
  readonly own: Own;
  /** Node's own version. */
  readonly node: string;
  /** The global file that is read when it is there. */
  readonly globalFile: string;
  isTerminal(fd: number): boolean;
  /** Descriptors that come up from the core, as Node's handles. */
  onHandle(listener: (message: unknown, handle: unknown) => void): void;
  /** What nobody caught. */
  onFault(listener: (fault: unknown) => void): void;
  end(code: number): void;
}
