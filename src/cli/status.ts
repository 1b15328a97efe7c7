import { type Exit, exitText } from "../base/exit.ts";
import { signalName } from "../base/signals.ts";
import type { ServiceStatus, StatusWord } from "../service/status.ts";
import { breathe, type Context, writeJsonList } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import { type Color, type Paint, painter } from "./paint.ts";
import { type Cell, type Column, layTable, widen } from "./table.ts";
import { due, plain, span } from "./words.ts";

const colors: Readonly<Record<StatusWord, Color>> = {
  down: "dim",
  waiting: "yellow",
  preparing: "yellow",
  starting: "yellow",
  up: "green",
  paused: "yellow",
  stopping: "yellow",
  finishing: "yellow",
  backoff: "red",
  failed: "red",
  done: "blue",
  incomplete: "red",
};

const columns: readonly Column[] = [
  { title: "NAME", align: "left" },
  { title: "STATE", align: "left" },
  { title: "PID", align: "right" },
  { title: "UPTIME", align: "right" },
  { title: "RESTARTS", align: "right" },
  { title: "LAST", align: "left" },
  { title: "NEXT/WHY", align: "left" },
];

/** Rows that are made in one go. */
const PIECE = 100;

/** The last lines that the detail shows. */
const LINES = 5;

/** `status`: the table, one service in detail, JSON or bare names. The code tells of the question, not of the services. */
export async function status(context: Context): Promise<number> {
  const { command, names, supervisor, io } = context;
  const all = command.words.length === 0;
  const found = all
    ? supervisor.services()
    : names.map((name) => supervisor.service(name)).filter((one) => one !== null);
  if (command.output === "json") await writeJsonList(io, found);
  else if (command.output === "name") io.out(found.map(({ name }) => `${plain(name)}\n`).join(""));
  else if (found.length === 0) io.out(noServices(supervisor.about.scanDir));
  else if (found.length === 1 && found[0] !== undefined && !all) io.out(detail(found[0], context));
  else await writeTable(found, context);
  return exitCodes.ok;
}

/** What is to be done where there is nothing yet. */
export function noServices(scanDir: string): string {
  return `no services in ${plain(scanDir)}: put a directory with an executable file "run" there, and it is started\n`;
}

async function writeTable(services: readonly ServiceStatus[], { client, io }: Context): Promise<void> {
  const paint = painter(client.color);
  const rows: Cell[][] = [];
  let widest: number[] = [];
  // By pieces: laying out a thousand services takes longer than any other should have to wait.
  for (const [at, one] of services.entries()) {
    for (const shown of one.log === null ? [one] : [one, one.log]) {
      const cells = row(shown, paint);
      widest = widen(widest, cells);
      rows.push(cells);
    }
    if (at % PIECE === PIECE - 1) await breathe();
  }
  const total = client.tty ? client.columns : Number.POSITIVE_INFINITY;
  const { head, line } = layTable(columns, widest, total, (text) => paint("dim", text));
  io.out(head);
  for (let from = 0; from < rows.length; from += PIECE) {
    io.out(
      rows
        .slice(from, from + PIECE)
        .map(line)
        .join(""),
    );
    await io.drained();
    await breathe();
  }
}

function row(one: ServiceStatus, paint: Paint): Cell[] {
  const isLogger = one.name.includes("/");
  return [
    { text: plain(one.name), dress: (text) => paint(isLogger ? "dim" : "bold", text) },
    { text: one.state, dress: (text) => paint(colors[one.state], text) },
    { text: one.pid === null ? "-" : String(one.pid) },
    { text: one.pid === null ? "-" : span(one.seconds) },
    { text: String(one.restarts), dress: (text) => (one.restarts === 0 ? paint("dim", text) : text) },
    { text: one.lastExit === null ? "-" : shortExit(one.lastExit) },
    { text: note(one) },
  ];
}

const shortExit = (exit: Exit): string => ("signal" in exit ? signalName(exit.signal) : exitText(exit));

/** What comes next, and why it is as it is: the last column. */
function note(one: ServiceStatus): string {
  const notes: string[] = [];
  if (one.retryIn !== null) notes.push(`next try ${due(one.retryIn)}`);
  if (one.pid === null && one.retryIn === null && one.state !== "incomplete") notes.push(`for ${span(one.seconds)}`);
  if (one.want === "once" && one.pid !== null) notes.push("once");
  if (one.normallyDown && one.state === "down") notes.push("not started at boot");
  const why = ownWhy(one);
  if (why !== null) notes.push(why);
  return notes.join("; ");
}

/** Why, unless that is only the last exit again. */
const ownWhy = ({ why, lastExit }: ServiceStatus): string | null =>
  why === null || (lastExit !== null && why === exitText(lastExit)) ? null : plain(why);

function detail(one: ServiceStatus, { client, supervisor }: Context): string {
  const paint = painter(client.color);
  const color = colors[one.state];
  const rows: readonly (readonly [string, string | null])[] = [
    ["since", one.state === "incomplete" ? null : `${shortTime(one.since)}, for ${span(one.seconds)}`],
    ["pid", one.pid === null ? null : String(one.pid)],
    ["wanted", one.type === "oneshot" ? `${one.want}, a oneshot` : one.want],
    ["restarts", String(one.restarts)],
    ["last exit", one.lastExit === null ? null : exitText(one.lastExit)],
    ["next try", one.retryIn === null ? null : due(one.retryIn)],
    ["why", ownWhy(one)],
    ["at boot", one.normallyDown ? "not started (a file down)" : null],
    ["critical", one.critical ? "its final end stops everything" : null],
    ["logger", one.log === null ? null : loggerText(one.log)],
  ];
  const head = `${paint(color, "●")} ${paint("bold", plain(one.name))}  ${paint(color, stateText(one))}\n`;
  const body = rows
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `  ${paint("dim", name.padEnd(9))}  ${value}\n`)
    .join("");
  const lines = supervisor
    .logs([one.name], LINES)
    .map(({ line }) => `  ${plain(line.toString("utf8").replace(/\r$/, ""))}\n`);
  return `${head}${body}${lines.length === 0 ? "" : `\n${paint("dim", "  last output")}\n${lines.join("")}`}`;
}

const stateText = ({ state, ready }: ServiceStatus): string => (state === "up" && !ready ? "up, not ready" : state);

const loggerText = ({ state, pid }: ServiceStatus): string => (pid === null ? state : `${state}, pid ${pid}`);

/** ISO 8601 to the second, with a space: `2026-11-21 20:15:01Z`. */
const shortTime = (iso: string): string => plain(iso).replace("T", " ").replace(/\.\d+/, "");
