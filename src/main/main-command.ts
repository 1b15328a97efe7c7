import { serviceDefaults } from "../spec/keys.ts";
import type { ServiceSpec } from "../spec/spec.ts";

/** What the command after `--` is called in status, logs and orders. */
export const MAIN = "main";

/**
 * The command after `--` as a service: with the supervisor's terminal and streams, never restarted, and critical, so that
 * everything lives as long as it does.
 */
export function mainCommand(command: readonly [string, ...string[]], dir: string): ServiceSpec {
  return Object.freeze({
    ...serviceDefaults,
    name: MAIN,
    home: dir,
    type: "service",
    command,
    dir,
    identity: null,
    env: {},
    check: null,
    finish: null,
    undo: null,
    isS6: false,
    restart: "never",
    critical: true,
    log: "inherit",
    down: false,
    logger: null,
    loggerOf: null,
    foreground: true,
    source: {},
  });
}
