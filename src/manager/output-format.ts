import { type Format, jsonFormat, prefixFormat, type Terminal } from "../log/format.ts";
import type { ServiceSpec } from "../spec/spec.ts";

/** How the lines of a service are laid out for upkeep's own standard output; null where they do not go there. */
export function formatOf(spec: ServiceSpec, terminal: Terminal | null): Format | null {
  if (spec.log === "json") return jsonFormat(spec.name);
  if (spec.log === "none" || spec.log === "file") return null;
  return prefixFormat(spec.name, { timestamps: spec.logTimestamps, terminal });
}

/** True if whoever reads the output of one can go on with that of the other. */
export function isLoggedAlike(a: ServiceSpec, b: ServiceSpec): boolean {
  const keys = ["log", "logDir", "logTimestamps", "logLineMax"] as const;
  return keys.every((key) => a[key] === b[key]);
}
