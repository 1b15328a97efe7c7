import type { ServiceStatus } from "../../src/service/status.ts";
import { eventually } from "./eventually.ts";
import type { Namespace } from "./pid-namespace.ts";

/** What `upkeep status -o json` says of all services, or of the named ones. */
export async function statuses(space: Namespace, ...names: readonly string[]): Promise<readonly ServiceStatus[]> {
  const { code, stdout, stderr } = await space.upkeep("status", "-o", "json", ...names);
  if (code !== 0) throw new Error(`upkeep status left with ${code}: ${stderr}`);
  return JSON.parse(stdout) as readonly ServiceStatus[];
}

/** The same of one service. */
export async function statusOf(space: Namespace, name: string): Promise<ServiceStatus> {
  const [status] = await statuses(space, name);
  if (status === undefined) throw new Error(`upkeep status has no ${name}`);
  return status;
}

/** Waits until all these are up and ready; the pids on this side, by name. */
export async function allUp(space: Namespace, ...names: readonly string[]): Promise<ReadonlyMap<string, number>> {
  return eventually(`${names.join(", ")} are up and ready`, async () => {
    const found = await statuses(space, ...names);
    const late = found.filter(({ state, ready }) => state !== "up" || !ready);
    if (late.length > 0) throw new Error(late.map(({ name, state, why }) => `${name} is ${state} (${why})`).join(", "));
    const pids = found.map(({ name, pid }): [string, number | null] => [name, space.outer(pid ?? 0)]);
    // Nobody is taken for process 0: it has ended meanwhile, and there is another one soon.
    if (pids.some(([, pid]) => pid === null)) throw new Error(`not to be seen: ${JSON.stringify(pids)}`);
    return new Map(pids.map(([name, pid]) => [name, pid ?? 0]));
  });
}
