import type { ServiceEvent } from "../control/supervisor.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import { type Paint, painter } from "./paint.ts";
import { plain } from "./words.ts";

/** `events`: a line for each change, until the client goes. A reader that is too slow loses lines and is told how many. */
export async function events({ command, names, client, supervisor, io }: Context): Promise<number> {
  const wanted = command.words.length === 0 ? null : new Set(names);
  const paint = painter(client.color);
  const show = command.output === "json" ? (event: ServiceEvent) => `${JSON.stringify(event)}\n` : line(paint);
  let stalled = false;
  let dropped = 0;
  const unwatch = supervisor.watch((event) => {
    if (wanted !== null && !wanted.has(event.service)) return;
    if (stalled) {
      dropped++;
      return;
    }
    stalled = !io.out(show(event));
    if (stalled) void io.drained().then(catchUp);
  });
  const catchUp = () => {
    stalled = false;
    if (dropped > 0) io.err(`upkeep: ${dropped} events dropped: they came faster than they were read\n`);
    dropped = 0;
  };
  await new Promise<void>((resolve) => {
    if (io.closed.aborted) resolve();
    else io.closed.addEventListener("abort", () => resolve(), { once: true });
  });
  unwatch();
  return exitCodes.ok;
}

// The text names the service.
const line = (paint: Paint) => (event: ServiceEvent) => `${paint("dim", plain(event.time))}  ${plain(event.text)}\n`;
