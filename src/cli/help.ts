// What `upkeep help` says, all of it from the verb table. Pure.
import { exitCodes, exitMeanings } from "./exit-codes.ts";
import { type OptionName, options, type Verb, verbs } from "./verbs.ts";

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
  const { name, usage, summary, aliases, options: own, codes } = verb;
  const also = aliases.length === 0 ? [] : ["", `The same: ${aliases.join(", ")}.`];
  const optionRows = own.map((one) => [optionText(one), options[one].summary] as const);
  const codeRows = (["ok", ...codes] as const).map((one) => [String(exitCodes[one]), exitMeanings[one]] as const);
  return [
    `upkeep ${name} ${usage}`.trim(),
    "",
    `  ${summary}`,
    ...also,
    ...(optionRows.length === 0 ? [] : ["", "Options:", "", ...listed(optionRows)]),
    "",
    "Exit codes:",
    "",
    ...listed(codeRows),
    "",
  ].join("\n");
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
