// What people are told of an ordered stop.
import type { Ms } from "../base/clock.ts";
import { type Exit, exitText } from "../base/exit.ts";
import { signalName } from "../base/signals.ts";
import { durationText } from "../service/duration.ts";

/** Longer than this is worth a line in the report. */
const SLOW: Ms = 2000;

/** How one service's end went, for the report. */
export interface Ending {
  readonly name: string;
  readonly took: Ms;
  /** Null where its main process had ended before the stop. */
  readonly exit: Exit | null;
  /** How much of `took` its `finish` was. */
  readonly finishing: Ms;
  readonly killed: boolean;
  /** What it did with the stop signal; known only of those that had to be killed. */
  readonly reaction: string | null;
}

/** What there is to say of an ordered stop: the slow and the killed, each with why; empty if there is nothing. */
export function reportLines(endings: readonly Ending[], stopSignalOf: (name: string) => number): string[] {
  const lines: string[] = [];
  for (const { name, took, exit, finishing, killed, reaction } of endings) {
    const signal = signalName(stopSignalOf(name));
    if (killed) lines.push(`${name} was killed after ${durationText(took)}: ${reactionText(reaction, signal)}`);
    else if (finishing >= SLOW)
      lines.push(`${name} took ${durationText(took)} to stop, ${durationText(finishing)} of it in its finish`);
    else if (took >= SLOW)
      lines.push(`${name} took ${durationText(took)} to stop${exit === null ? "" : ` (${exitText(exit)})`}`);
  }
  const unhandled = endings.filter(
    ({ name, exit }) => exit !== null && "signal" in exit && exit.signal === stopSignalOf(name),
  );
  if (unhandled.length > 0) {
    const names = unhandled.map(({ name }) => name);
    const shown = names.length <= 5 ? names.join(", ") : `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`;
    lines.push(`no handler for the stop signal, ended by it at once: ${shown}`);
  }
  return lines;
}

function reactionText(reaction: string | null, signal: string): string {
  switch (reaction) {
    case "ignored":
      return `it ignores ${signal}`;
    case "blocked":
      return `it blocks ${signal}`;
    case "caught":
      return `its handler for ${signal} had not finished`;
    default:
      return `it did not end by ${signal}`;
  }
}
