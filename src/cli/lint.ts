import type { Problem } from "../base/errors.ts";
import type { Io } from "../control/exec.ts";
import { exitCodes } from "./exit-codes.ts";
import { painter } from "./paint.ts";
import { counted, hasErrors, problemLines } from "./problems.ts";
import { plain } from "./words.ts";

/** What a check of a scan directory found. */
export interface Findings {
  readonly problems: readonly Problem[];
  /** The names of the services there, those with problems included. */
  readonly services: readonly string[];
}

/** Prints the findings; 1 if one of them is an error. */
export function runLint(dir: string, findings: Findings, json: boolean, color: boolean, io: Pick<Io, "out">): number {
  const { problems, services } = findings;
  if (json) io.out(`${JSON.stringify({ services, problems })}\n`);
  else {
    io.out(problemLines(problems, painter(color)));
    io.out(`${summary(dir, findings)}\n`);
  }
  return hasErrors(problems) ? exitCodes.failed : exitCodes.ok;
}

function summary(dir: string, { problems, services }: Findings): string {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  const found = [
    ...(errors > 0 ? [counted(errors, "error")] : []),
    ...(warnings > 0 ? [counted(warnings, "warning")] : []),
  ];
  return `${counted(services.length, "service")} in ${plain(dir)}: ${found.length === 0 ? "no problem found" : found.join(", ")}`;
}
