import { serviceDefaults } from "../spec/keys.ts";
import type { ServiceSpec } from "../spec/spec.ts";

/** What the command after `--` is called in status, logs and orders. */
export const MAIN = "main";

type Program = readonly [string, ...string[]];

/** A program that has no service directory, with every default but what is said in `change`. */
export function fixedSpec(name: string, command: Program, dir: string, change: Partial<ServiceSpec>): ServiceSpec {
  return Object.freeze({
    ...serviceDefaults,
    name,
    home: dir,
    type: "service",
    command,
    dir,
    identity: null,
    lock: null,
    env: {},
    check: null,
    finish: null,
    undo: null,
    isS6: false,
    restart: "never",
    log: "prefix",
    logDir: null,
    down: false,
    logger: null,
    loggerOf: null,
    foreground: false,
    fixed: true,
    source: {},
    ...change,
  });
}

/**
 * The command after `--` as a service: with the supervisor's terminal and streams, never restarted, and critical, so that
 * everything lives as long as it does.
 */
export function mainCommand(command: Program, dir: string, change: Partial<ServiceSpec> = {}): ServiceSpec {
  return fixedSpec(MAIN, command, dir, { critical: true, log: "inherit", foreground: true, ...change });
}
