// `switch`: another set of services in place of the one that runs; and back, where it does not come up.
import type { Ms } from "../base/clock.ts";
import type { ServiceEvent, Supervisor, SwitchChange, SwitchPlan } from "../control/supervisor.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import { failure, starts } from "./orders.ts";
import { type Color, painter } from "./paint.ts";
import { hasErrors, problemLines } from "./problems.ts";
import { up } from "./verbs.ts";
import { plain, reason, span } from "./words.ts";

/** Who has to go, and who has to be up, and what was found in place of that. */
interface Move {
  readonly goes: ReadonlySet<string>;
  readonly comes: ReadonlySet<string>;
}

/** One service that did not get there. */
interface Fault {
  readonly service: string;
  readonly text: string;
  readonly isLate: boolean;
}

const marks: Readonly<Record<SwitchChange, { readonly mark: string; readonly color: Color; readonly text: string }>> = {
  stops: { mark: "-", color: "red", text: "stops" },
  starts: { mark: "+", color: "green", text: "starts" },
  restarts: { mark: "!", color: "yellow", text: "stops, and starts from its other directory" },
  stays: { mark: "=", color: "blue", text: "stays as it is" },
  "stays down": { mark: "+", color: "blue", text: "stays down" },
};

/** Shows the plan, exchanges the links, waits, and goes back where a service does not come up. */
export async function switchTo(context: Context): Promise<number> {
  const { command, supervisor, client, io } = context;
  const { switching } = supervisor;
  const [name = ""] = command.words;
  const plan = await switching.plan(name);
  if ("refused" in plan) return refuse(context, plan.refused);
  const paint = painter(client.color);
  io.err(problemLines(plan.problems, paint));
  if (!client.resumed) io.out(planLines(plan, paint));
  if (hasErrors(plan.problems)) return refuse(context, `${plan.to} has mistakes; nothing was changed`);
  const changes = plan.services.filter(({ change }) => change !== "stays");
  if (command.dryRun) return plan.isCurrent || changes.length === 0 ? exitCodes.ok : exitCodes.timedOut;
  if (plan.isCurrent) return exitCodes.ok;

  const forth = moveOf(plan);
  const wasUp = new Set([...forth.goes].filter((service) => isMeantUp(supervisor, service)));
  const begun = context.clock.now();
  const arrival = arrive(forth, command.wait, context);
  const refused = await switching.go(plan.to);
  if (refused !== null) {
    arrival.forget();
    return refuse(context, refused);
  }
  try {
    if (command.wait === 0) {
      arrival.forget();
      io.out(plain(`switched to ${plan.to}; its services were not waited for`).concat("\n"));
      return exitCodes.ok;
    }
    const faults = await arrival.faults;
    if (faults.length === 0) {
      io.out(plain(`switched to ${plan.to}, after ${span((context.clock.now() - begun) / 1000)}`).concat("\n"));
      return exitCodes.ok;
    }
    tell(context, faults);
    return await goBack({ goes: forth.comes, comes: wasUp }, plan, faults, context);
  } finally {
    switching.settled();
  }
}

async function goBack(move: Move, plan: SwitchPlan, faults: readonly Fault[], context: Context): Promise<number> {
  const { io, supervisor } = context;
  // Whoever has little patience with the new set has not asked to be told less of the old one.
  const arrival = arrive(move, Math.max(context.command.wait, context.command.verb.wait), context);
  const refused = await supervisor.switching.back();
  if (refused !== null) {
    arrival.forget();
    io.err(plain(`cannot go back to ${plan.from}: ${refused}; ${plan.to} stays`).concat("\n"));
    return exitCodes.failed;
  }
  const left = await arrival.faults;
  tell(context, left);
  const state = left.length === 0 ? "what ran before is up again" : "not all that ran before is up again";
  io.err(plain(`went back to ${plan.from}: ${state}`).concat("\n"));
  return left.length === 0 && faults.every(({ isLate }) => isLate) ? exitCodes.timedOut : exitCodes.failed;
}

function planLines(plan: SwitchPlan, paint: ReturnType<typeof painter>): string {
  const head = plan.isCurrent ? `${plan.to} is current` : `from ${plan.from} to ${plan.to}`;
  const lines = plan.services.map(({ service, change }) => {
    const { mark, color, text } = marks[change];
    return `${paint(color, mark)} ${plain(service)}  ${text}`;
  });
  return `${[plain(head), ...(plan.isCurrent ? [] : lines)].join("\n")}\n`;
}

const moveOf = ({ services }: SwitchPlan): Move => {
  const those = (...changes: readonly SwitchChange[]) =>
    new Set(services.filter(({ change }) => changes.includes(change)).map(({ service }) => service));
  return { goes: those("stops", "restarts"), comes: those("starts", "restarts") };
};

function isMeantUp(supervisor: Supervisor, name: string): boolean {
  const status = supervisor.service(name);
  return status !== null && status.want === "up" && !status.normallyDown && up(status, status);
}

interface Arrival {
  /** Resolves once all are where they should be, one has failed, or the time is over; never rejects. */
  readonly faults: Promise<readonly Fault[]>;
  forget(): void;
}

/** Watches from now on, so that nothing can happen before anybody looks. */
function arrive({ goes, comes }: Move, timeout: Ms, { supervisor, clock }: Context): Arrival {
  const judge = starts(up);
  // One that has not come yet need not go.
  const going = new Set([...goes].filter((name) => supervisor.service(name) !== null));
  const coming = new Set(comes);
  let end: (faults: readonly Fault[]) => void = () => {};
  const faults = new Promise<readonly Fault[]>((resolve) => {
    end = resolve;
  });
  const look = (event: ServiceEvent) => {
    const name = event.service;
    if (event.event === "removed") going.delete(name);
    const now = supervisor.service(name);
    if (coming.has(name) && !going.has(name) && now !== null && event.event !== "removed") {
      const how = judge(now, now, event);
      if (how === "done") coming.delete(name);
      if (how === "failed")
        return finish([{ service: name, text: `${name}: cannot start: ${failure(now)}`, isLate: false }]);
    }
    if (going.size + coming.size === 0) finish([]);
  };
  const unwatch = supervisor.watch(look);
  const disarm = clock.at(clock.now() + timeout, () => {
    const late = [...new Set([...going, ...coming])].map((service) => {
      const now = supervisor.service(service);
      const why = now === null ? "it is not there" : reason(now);
      const not = going.has(service) ? "not gone" : "not up";
      return { service, text: `${service}: ${not} after ${span(timeout / 1000)}: ${why}`, isLate: true };
    });
    finish(late);
  });
  const finish = (found: readonly Fault[]) => {
    unwatch();
    disarm();
    end(found);
  };
  if (going.size + coming.size === 0) finish([]);
  return { faults, forget: () => finish([]) };
}

function tell({ io }: Context, faults: readonly Fault[]): void {
  for (const { text } of faults) io.err(`${plain(text)}\n`);
}

function refuse({ io }: Context, why: string): number {
  io.err(`upkeep: cannot switch: ${plain(why)}\n`);
  return exitCodes.failed;
}
