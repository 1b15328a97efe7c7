// What people read of a report: one plain sentence, without a full stop.
import type { Ms } from "../base/clock.ts";
import { exitText } from "../base/exit.ts";
import { signalName } from "../base/signals.ts";
import { durationText } from "./duration.ts";
import type { Cause, Report, Role } from "./model.ts";

const causes: { readonly [C in Cause | "start-timeout"]: string } = {
  request: "as asked",
  dependency: "something that it requires went down",
  changed: "its definition has changed",
  removed: "it was removed",
  shutdown: "everything stops",
  "start-timeout": "it took too long to start",
};

const programs: { readonly [R in Role]: string } = {
  main: "",
  pre: "start-pre of ",
  finish: "finish of ",
  undo: "down of ",
};

type Texts = {
  readonly [W in Report["what"]]: (name: string, report: Extract<Report, { readonly what: W }>) => string;
};

const texts: Texts = {
  started: (name, { pid }) => `${name} started: pid ${pid}`,
  ready: (name, { after }) => `${name} is ready after ${durationText(after)}`,
  unstartable: (name, { reason, retryIn }) => `${name} could not be started: ${reason}; ${retryText(retryIn)}`,
  ended: (name, { exit, lived, retryIn, failure }) =>
    `${name} ${failure ? "crashed" : "ended"}: ${exitText(exit)} after ${durationText(lived)}; ${retryText(retryIn)}`,
  stopping: (name, { cause, signal }) =>
    `stopping ${name}, ${causes[cause]}: ${signal === null ? "closed its input" : `sent ${signalName(signal)}`}`,
  stopped: (name, { exit, took }) =>
    exit === null
      ? `${name} stopped before it had started`
      : `${name} stopped within ${durationText(took)}: ${exitText(exit)}`,
  killed: (name, { role, after }) =>
    `${programs[role]}${name} had not ended after ${durationText(after)}: sent SIGKILL`,
  leftovers: (name, { count, fate }) => {
    const who = `${count} ${count === 1 ? "process" : "processes"} of ${name}`;
    if (fate === "abandoned") return `${who} cannot be killed; going on without ${count === 1 ? "it" : "them"}`;
    return `${who} outlived the main process: sent ${fate === "killed" ? "SIGKILL" : "SIGTERM"}`;
  },
  unfinished: (name, { role, reason }) => `${programs[role]}${name} has failed: ${reason}`,
  permanent: (name) => `${name} is not started again: its finish exited 125, a permanent failure`,
  "gave-up": (name, { crashes, within }) =>
    `${name} failed ${crashes === 1 ? "once" : `${crashes} times`} within ${durationText(within)}: given up`,
  done: (name, { exit }) => (exit === null ? `${name} is done` : `${name} is done: ${exitText(exit)}`),
};

/** The sentence for the log and for events: `web crashed: exit 1 after 3.2 s; restarting at once`. */
export function reportText(name: string, report: Report): string {
  const text = texts[report.what] as (name: string, report: Report) => string;
  return text(name, report);
}

function retryText(retryIn: Ms | null): string {
  if (retryIn === null) return "not tried again";
  return retryIn === 0 ? "restarting at once" : `next try in ${durationText(retryIn)}`;
}
