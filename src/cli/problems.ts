import type { Problem } from "../base/errors.ts";
import type { Paint } from "./paint.ts";
import { plain } from "./words.ts";

/** One line each, as compilers write them: `FILE:LINE: error: text`. */
export function problemLines(problems: readonly Problem[], paint: Paint): string {
  return problems
    .map(({ severity, where, text }) => {
      const word = paint(severity === "error" ? "red" : "yellow", severity);
      return `${plain(where)}: ${word}: ${plain(text)}\n`;
    })
    .join("");
}

/** True if one of them keeps a service from running as written. */
export const hasErrors = (problems: readonly Problem[]): boolean =>
  problems.some(({ severity }) => severity === "error");

/** `1 error`, `3 errors`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
