import type { Change } from "../control/supervisor.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import { type Color, painter } from "./paint.ts";
import { hasErrors, problemLines } from "./problems.ts";
import { plain } from "./words.ts";

const marks: Readonly<Record<Change["change"], { readonly mark: string; readonly color: Color }>> = {
  added: { mark: "+", color: "green" },
  removed: { mark: "-", color: "red" },
  restarted: { mark: "!", color: "yellow" },
  updated: { mark: "~", color: "blue" },
};

/** `apply`: what changed, or with `--dry-run` what would; 1 for a problem, 2 for changes that are pending. */
export async function apply({ command, client, supervisor, io }: Context): Promise<number> {
  const { changes, problems } = await supervisor.apply(command.dryRun);
  if (command.output === "json") io.out(`${JSON.stringify({ changes, problems })}\n`);
  else {
    const paint = painter(client.color);
    io.err(problemLines(problems, paint));
    for (const { service, change, keys } of changes) {
      const { mark, color } = marks[change];
      const of = keys.length === 0 ? "" : `: ${keys.map(plain).join(", ")}`;
      io.out(
        `${paint(color, mark)} ${plain(service ?? "upkeep itself")}  ${command.dryRun ? wouldBe(change) : change}${of}\n`,
      );
    }
    if (changes.length === 0) io.out("nothing has changed\n");
  }
  if (hasErrors(problems)) return exitCodes.failed;
  return command.dryRun && changes.length > 0 ? exitCodes.timedOut : exitCodes.ok;
}

const wouldBe = (change: Change["change"]): string => `would be ${change}`;
