// What can only be seen of all services together.
import type { Ms } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import { didYouMean } from "../base/near.ts";
import { durationText } from "../base/units.ts";
import { quoted } from "../base/words.ts";
import { cycleText, type Order, orderKeys, startOrder } from "../spec/order.ts";
import type { ServiceSpec } from "../spec/spec.ts";

// Each looks at all names; a thousand faults in a thousand services have one cause that no hint will find.
const MOST_HINTS = 20;

type Specs = ReadonlyMap<string, ServiceSpec>;

/**
 * Unknown names, cycles, and graces that the stop budget cuts short. An error refuses the service that it names.
 * `known` are further names that exist though there is no spec for them (incomplete or refused directories).
 */
export function checkSet(specs: Specs, stopBudget: Ms, known: ReadonlySet<string> = new Set()): readonly Problem[] {
  const order = startOrder(specs.values());
  return [...unknownNames(specs, order, known), ...cycles(specs, order), ...graces(specs, stopBudget)];
}

function whereOf(spec: ServiceSpec | undefined, keys: readonly string[]): string {
  const key = keys.find((each) => spec?.source[each] !== undefined);
  return (key === undefined ? undefined : spec?.source[key]) ?? spec?.home ?? "";
}

function unknownNames(specs: Specs, order: Order, known: ReadonlySet<string>): Problem[] {
  const names = [...specs.keys(), ...known];
  return order.unknown
    .filter(({ name }) => !known.has(name))
    .map(({ service, key, name }, index) => ({
      severity: key === "requires" ? "error" : "warning",
      service,
      where: whereOf(specs.get(service), [key]),
      text: `cannot find ${quoted(name)}, named by ${key}: there is no such service${index < MOST_HINTS ? didYouMean(name, names) : ""}`,
    }));
}

function cycles(specs: Specs, order: Order): Problem[] {
  const problems: Problem[] = [];
  const told = new Set<string>();
  for (const cycle of order.cycles) {
    for (const [index, service] of cycle.entries()) {
      if (told.has(service)) continue;
      told.add(service);
      const spec = specs.get(service);
      const next = cycle[(index + 1) % cycle.length] ?? service;
      const keys = orderKeys.filter((key) => spec?.[key].includes(next));
      const text = `cannot order ${service}: it waits for itself, ${cycleText(cycle, service)}; take one of these out`;
      problems.push({ severity: "error", service, where: whereOf(spec, keys), text });
    }
  }
  return problems;
}

function graces(specs: Specs, stopBudget: Ms): Problem[] {
  const problems: Problem[] = [];
  const byDefault: ServiceSpec[] = [];
  for (const spec of specs.values()) {
    if (spec.stopGrace <= stopBudget) continue;
    const where = spec.source["stop-grace"];
    const grace = durationText(spec.stopGrace);
    if (!where?.startsWith(`${spec.home}/`)) byDefault.push(spec);
    else {
      const text = `stop-grace ${grace} is over the stop-budget ${durationText(stopBudget)}, which ends it at shutdown`;
      problems.push({ severity: "warning", service: spec.name, where, text });
    }
  }
  const [one] = byDefault;
  // A short budget is one decision; to say it once for each service would bury everything else.
  if (one !== undefined) {
    const counted = byDefault.length === 1 ? one.name : `${byDefault.length} services`;
    const text = `stop-budget ${durationText(stopBudget)} is under the stop-grace ${durationText(one.stopGrace)} of ${counted}, and ends it at shutdown`;
    problems.push({ severity: "warning", where: one.source["stop-grace"] ?? "global configuration", text });
  }
  return problems;
}
