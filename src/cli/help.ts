// What `upkeep help` says, all of it from the verb table. Pure.
import { type ExitName, exitCodes, exitMeanings, lateMeanings } from "./exit-codes.ts";
import { codesOf, type OptionName, options, type Verb, verbs } from "./verbs.ts";

/** The list of commands. */
export function overview(): string {
  const rows = verbs.map(({ name, usage, summary }) => [`${name} ${usage}`.trim(), summary] as const);
  return [
    "upkeep: starts services, keeps them up, and stops them in order.",
    "",
    "  upkeep DIR             supervise the service directories in DIR",
    "  upkeep run DIR -- CMD  the same beside a main command",
    "  upkeep -- CMD          be the init of one command",
    "",
    "-c FILE before DIR is read after the global configuration /etc/upkeep.ini, and wins.",
    "",
    "Commands to a running supervisor:",
    "",
    ...listed(rows),
    "",
    'NAME is a service, its logger (web/log), a pattern ("web*"), a path (./web) or all.',
    "upkeep help VERB tells more of one.",
    "",
  ].join("\n");
}

/** One command: its usage, other names, options and exit codes. */
export function verbHelp(verb: Verb): string {
  const { name, usage, summary, aliases, options: own } = verb;
  const waits = waitText(verb);
  const also = aliases.length === 0 ? [] : ["", `The same: ${aliases.join(", ")}.`];
  const optionRows = own.map((one) => [optionText(one), options[one].summary] as const);
  const codeRows = codesOf(verb).map((one) => [String(exitCodes[one]), meaningOf(one, verb)] as const);
  return [
    `upkeep ${name} ${usage}`.trim(),
    "",
    `  ${summary}`,
    ...(waits === "" ? [] : ["", waits]),
    ...also,
    ...(optionRows.length === 0 ? [] : ["", "Options:", "", ...listed(optionRows)]),
    "",
    "Exit codes:",
    "",
    ...listed(codeRows),
    "",
  ].join("\n");
}

/** How long it waits where nobody says; nothing for one that has no such option. */
export function waitText({ wait, options: own }: Verb): string {
  if (!own.includes("wait")) return "";
  if (wait === 0) return "Does not wait by default.";
  return wait === Number.POSITIVE_INFINITY ? "Waits without end by default." : `Waits ${wait / 1000} s by default.`;
}

function meaningOf(code: ExitName, { options: own }: Verb): string {
  if (code !== "timedOut") return exitMeanings[code];
  return own.flatMap((one) => (one === "wait" || one === "dry-run" ? [lateMeanings[one]] : [])).join("; ");
}

/** `-w, --wait SEC`. */
export function optionText(name: OptionName): string {
  const { short, value } = options[name];
  return `${short === null ? "" : `-${short}, `}--${name}${value === null ? "" : ` ${value}`}`;
}

function listed(rows: readonly (readonly [string, string])[]): string[] {
  const wide = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(wide)}  ${right}`);
}
