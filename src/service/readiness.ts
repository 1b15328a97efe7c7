// By what a service is known to be ready.
import type { ServiceSpec } from "../spec/spec.ts";

/** True where a `check` says so; a oneshot is ready by its exit alone. */
export function watches(spec: ServiceSpec): boolean {
  return spec.type === "service" && spec.check !== null;
}

/** True where nothing says so, and staying alive for `settle` has to do. */
export function settles(spec: ServiceSpec): boolean {
  return spec.type === "service" && spec.check === null && spec.notifyFd === null;
}
