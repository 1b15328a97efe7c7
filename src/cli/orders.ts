// The verbs that tell services something, and `wait`: one sentence and one code for each service.
import { signalName } from "../base/signals.ts";
import type { Order } from "../control/supervisor.ts";
import type { ServiceStatus } from "../service/status.ts";
import type { Context } from "./context.ts";
import { exitCodes, worst } from "./exit-codes.ts";
import { type Done, goals, type Verb } from "./verbs.ts";
import { type Judge, type Outcome, settle } from "./waiting.ts";
import { due, ended, fate, pidText, plain, reason, span } from "./words.ts";

/** Reports that a start has come to nothing, whatever is tried next. */
const failures: ReadonlySet<string> = new Set(["unstartable", "gave-up"]);
const lost: ReadonlySet<string> = new Set(["failed", "backoff", "incomplete"]);
const beginning: ReadonlySet<string> = new Set(["preparing", "starting", "up", "paused", "finishing"]);

/** `start`, `stop`, `restart`, `once`, `pause`, `cont`: the order, and the wait for what it is to bring about. */
export async function order(context: Context): Promise<number> {
  const { verb, wait } = context.command;
  const { order: name, done } = verb;
  if (name === null || done === null) throw new Error(`${verb.name} has nothing to wait for`);
  const codes: number[] = [];
  await settle(
    {
      names: context.names,
      act(service, done) {
        const refused = notRunning(service, context);
        if (refused !== null) done(refused);
        else context.supervisor.order(service, { do: name }, done);
      },
      judge:
        wait === 0
          ? () => "done"
          : name === "start" || name === "once" || name === "restart"
            ? starts(done)
            : aims(done),
      timeout: wait,
      closed: context.io.closed,
      told: (outcome) => codes.push(wait === 0 ? tellOrdered(outcome, context) : tellOutcome(outcome, context)),
    },
    context.supervisor,
    context.clock,
  );
  return worst(codes);
}

/** `wait`: no order; a service that is being tried again is waited for, one that was given up is not. */
export async function wait(context: Context): Promise<number> {
  const { goal, wait: timeout } = context.command;
  const codes: number[] = [];
  await settle(
    {
      names: context.names,
      act: (_service, done) => done(null),
      judge: (now, before) =>
        goals[goal](now, before) ? "done" : goal !== "down" && now.state === "failed" ? "failed" : "pending",
      timeout,
      closed: context.io.closed,
      told: (outcome) =>
        codes.push(
          outcome.how === "removed" && goal === "down"
            ? say(context, `${outcome.name}: removed`)
            : tellOutcome(outcome, context),
        ),
    },
    context.supervisor,
    context.clock,
  );
  return worst(codes);
}

/** `signal` and `reload`: told to a process, so there has to be one. */
export async function tell(context: Context): Promise<number> {
  const { command, names, supervisor } = context;
  const what: Order = command.signal === null ? { do: "reload" } : { do: "signal", signal: command.signal };
  const said = what.do === "signal" ? `${signalName(what.signal)} sent` : "told to reload";
  const tellOne = async (name: string): Promise<number> => {
    const now = supervisor.service(name);
    if (now === null) return fail(context, `${name}: it was removed`);
    if (!runs(now)) return fail(context, `${name}: not running: ${reason(now)}`, exitCodes.notRunning);
    const refused = await new Promise<string | null>((done) => supervisor.order(name, what, done));
    if (refused === null) return say(context, `${name}: ${said}${pidText(now)}`);
    return fail(context, `${name}: ${refused}`, now.pid === null ? exitCodes.notRunning : exitCodes.failed);
  };
  const codes: number[] = [];
  for (const name of names) codes.push(await tellOne(name));
  return worst(codes);
}

const aims =
  (done: Done): Judge =>
  (now, before) =>
    done(now, before) ? "done" : "pending";

/** A start has failed once its process has ended, even if it is going to be tried again. */
export function starts(done: Done): Judge {
  return (now, before, event) => {
    if (done(now, before)) return "done";
    // What it was before the order tells nothing of the order.
    if (event === null) return "pending";
    if (lost.has(now.state) || failures.has(event.event)) return "failed";
    const mayEnd = now.type === "oneshot" || now.want === "once";
    return event.event === "ended" && !mayEnd ? "failed" : "pending";
  };
}

function tellOutcome(outcome: Outcome, context: Context): number {
  const { name } = outcome;
  const { verb, goal } = context.command;
  switch (outcome.how) {
    case "done": {
      const already = "already" in outcome && verb.order !== null ? "already " : "";
      const took = outcome.after === 0 ? "" : `, after ${span(outcome.after / 1000)}`;
      return say(context, `${name}: ${already}${whatIs(outcome.now, verb)}${took}`);
    }
    case "failed":
      return fail(context, `${name}: cannot ${verb.words?.cannot ?? `wait for ${goal}`}: ${failure(outcome.now)}`);
    case "timeout": {
      const not = verb.words?.not ?? `not ${goal}`;
      const spent = outcome.after === 0 ? "" : ` after ${span(outcome.after / 1000)}`;
      return fail(context, `${name}: ${not}${spent}: ${reason(outcome.now)}`, exitCodes.timedOut);
    }
    case "refused":
      return fail(
        context,
        `${name}: cannot ${verb.words?.cannot ?? "do that"}: ${outcome.why}`,
        notRunning(name, context) === null ? exitCodes.failed : exitCodes.notRunning,
      );
    case "removed":
      return verb.order === "stop" ? say(context, `${name}: removed`) : fail(context, `${name}: it was removed`);
    case "left":
      return exitCodes.failed;
  }
}

function tellOrdered(outcome: Outcome, context: Context): number {
  if (outcome.how !== "done") return tellOutcome(outcome, context);
  return say(context, `${outcome.name}: ${context.command.verb.words?.told ?? "told"}`);
}

/** It has a process; one that is being started has, though nobody knows its pid yet. */
const runs = ({ pid, state }: ServiceStatus): boolean => pid !== null || beginning.has(state);

/** Why a process cannot be paused or let go on, where there is none. */
function notRunning(name: string, { command, supervisor }: Context): string | null {
  const now = supervisor.service(name);
  const needsProcess = command.verb.name === "pause" || command.verb.name === "cont";
  return needsProcess && now !== null && !runs(now) ? `not running: ${reason(now)}` : null;
}

function whatIs(now: ServiceStatus, verb: Verb): string {
  if (now.state === "done") return "done";
  const state = verb.words?.done ?? now.state;
  return now.pid === null ? state : `${state}, pid ${now.pid}`;
}

/** Why a start has come to nothing, and what is next. */
export function failure(now: ServiceStatus): string {
  const because = now.why !== null ? plain(now.why) : now.lastExit !== null ? ended(now.lastExit) : reason(now);
  const next =
    now.state === "failed" ? `; it was ${fate(now)}` : now.retryIn === null ? "" : `; next try ${due(now.retryIn)}`;
  return `${because}${next}; see upkeep logs ${now.name}`;
}

function say({ io }: Context, text: string): number {
  io.out(`${plain(text)}\n`);
  return exitCodes.ok;
}

function fail({ io }: Context, text: string, code: number = exitCodes.failed): number {
  io.err(`${plain(text)}\n`);
  return code;
}
