import { type Clock, monotonic } from "../base/clock.ts";
import type { Client, Io } from "../control/exec.ts";
import type { Supervisor } from "../control/supervisor.ts";
import { shutdown, version } from "./about.ts";
import { apply } from "./apply.ts";
import type { Run } from "./context.ts";
import { events } from "./events.ts";
import { exitCodes } from "./exit-codes.ts";
import { health } from "./health.ts";
import { overview, verbHelp } from "./help.ts";
import { logs } from "./logs.ts";
import { guessVerb } from "./near.ts";
import { order, tell, wait } from "./orders.ts";
import { parseCommand } from "./parse.ts";
import { type Selection, select } from "./select.ts";
import { noServices, status } from "./status.ts";
import { switchTo } from "./switch.ts";
import { findVerb, type VerbName } from "./verbs.ts";
import { plain } from "./words.ts";

const lint: Run = ({ io }) => {
  io.err("lint: it works without a supervisor: run upkeep lint DIR\n");
  return exitCodes.usage;
};

const help: Run = ({ command, io }) => helpOn(command.words[0], io);

const runs: Readonly<Record<VerbName, Run>> = {
  status,
  start: order,
  stop: order,
  restart: order,
  once: order,
  pause: order,
  cont: order,
  signal: tell,
  reload: tell,
  wait,
  logs,
  health,
  events,
  apply,
  switch: switchTo,
  lint,
  shutdown,
  version,
  help,
};

/** Runs the words after `upkeep` to their exit code. Rejects only where the supervisor itself fails. */
export async function runCommand(
  argv: readonly string[],
  client: Client,
  supervisor: Supervisor,
  io: Io,
  clock: Clock = monotonic,
): Promise<number> {
  const command = parseCommand(argv);
  if ("misuse" in command) {
    io.err(`upkeep: ${plain(command.misuse)}\n`);
    return exitCodes.usage;
  }
  const { verb, words } = command;
  if (command.help) return helpOn(verb.name, io);
  const chosen: Selection =
    verb.targets === "none"
      ? { names: [] }
      : select(words, {
          service: (name) => supervisor.service(name),
          services: () => supervisor.services(),
          scanDir: supervisor.about.scanDir,
          cwd: client.cwd,
        });
  if ("unknown" in chosen) {
    io.err(`upkeep: ${plain(chosen.unknown)}\n`);
    return exitCodes.unknown;
  }
  if (words.length > 0 && chosen.names.length === 0 && verb.targets === "required") {
    io.err(noServices(supervisor.about.scanDir));
    return exitCodes.ok;
  }
  return runs[verb.name]({ command, names: chosen.names, client, supervisor, io, clock });
}

/** `help` and `help VERB`. */
export function helpOn(word: string | undefined, io: Pick<Io, "out" | "err">): number {
  const verb = word === undefined ? null : findVerb(word);
  if (word !== undefined && verb === null) {
    io.err(`upkeep: no command ${plain(word)}${guessVerb(word)}\n`);
    return exitCodes.usage;
  }
  io.out(verb === null ? overview() : verbHelp(verb));
  return exitCodes.ok;
}
