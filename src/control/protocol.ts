// The words on the control socket: one JSON object a line, version 1. Pure; described in docs/control-protocol.md.
import { parseSignal } from "../base/signals.ts";
import { type Handed, readHanded } from "../log/svlogd/request.ts";
import type { Client } from "./exec.ts";
import type { Order, OrderName } from "./supervisor.ts";

/** The version that is spoken; a request without `v` means it. */
export const protocolVersion = 1;

/** The longest request line in bytes, its newline not counted. */
export const requestMax = 64 * 1024;

/** What a program may send along to know the reply by; given back as it came. */
export type RequestId = number | string | null;

/** A request that was understood. */
export type Request =
  | { readonly do: "exec"; readonly id: RequestId; readonly argv: readonly string[]; readonly client: Client }
  /** Null asks for all services. */
  | { readonly do: "status"; readonly id: RequestId; readonly services: readonly string[] | null }
  | { readonly do: "order"; readonly id: RequestId; readonly service: string; readonly order: Order }
  | { readonly do: "watch"; readonly id: RequestId }
  | { readonly do: "health"; readonly id: RequestId; readonly services: readonly string[] }
  | { readonly do: "apply"; readonly id: RequestId; readonly dryRun: boolean }
  | { readonly do: "version"; readonly id: RequestId }
  /** The connection is the log writer's from now on. */
  | { readonly do: "svlogd"; readonly id: RequestId; readonly handed: Handed };

/** A request that was not; `fatal` if nothing after it on this connection can be trusted. */
export interface Refusal {
  readonly do: "refuse";
  readonly id: RequestId;
  readonly error: string;
  readonly fatal: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

const refuse = (id: RequestId, error: string, fatal = false): Refusal => ({ do: "refuse", id, error, fatal });
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((text) => typeof text === "string");

const orderNames: Readonly<Record<OrderName, true>> = {
  start: true,
  once: true,
  stop: true,
  restart: true,
  pause: true,
  cont: true,
  reload: true,
};

/** One line of a client, without its newline, to what it asks for. Never throws. */
export function parseRequest(line: string): Request | Refusal {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return refuse(null, "cannot read the request: not JSON; send one JSON object a line", true);
  }
  if (!isFields(fields)) return refuse(null, "cannot read the request: not a JSON object", true);
  const id = typeof fields["id"] === "number" || typeof fields["id"] === "string" ? fields["id"] : null;
  const version = fields["v"] ?? protocolVersion;
  if (version !== protocolVersion)
    return refuse(
      id,
      `cannot speak protocol version ${JSON.stringify(version)}: this is version ${protocolVersion}`,
      true,
    );
  if (fields["exec"] !== undefined) return parseExec(id, fields);
  const read = Object.hasOwn(readers, String(fields["do"])) ? readers[String(fields["do"])] : undefined;
  if (read === undefined)
    return refuse(id, `cannot do ${shown(fields["do"])}: not one of ${Object.keys(readers).join(", ")}`);
  return read(id, fields);
}

function parseExec(id: RequestId, fields: Fields): Request | Refusal {
  const argv = fields["exec"];
  if (!isTexts(argv)) return refuse(id, "cannot run exec: not a list of strings", true);
  const columns = fields["columns"];
  const client: Client = {
    tty: fields["tty"] === true,
    columns: typeof columns === "number" && columns >= 20 && columns <= 10_000 ? Math.floor(columns) : 80,
    color: fields["color"] === true,
    cwd: typeof fields["cwd"] === "string" ? fields["cwd"] : "",
    resumed: fields["resumed"] === true,
  };
  return { do: "exec", id, argv, client };
}

const readers: Readonly<Record<string, (id: RequestId, fields: Fields) => Request | Refusal>> = {
  status(id, { services }) {
    if (services !== undefined && !isTexts(services)) return refuse(id, "cannot read services: not a list of names");
    return { do: "status", id, services: services ?? null };
  },
  order: parseOrder,
  watch: (id) => ({ do: "watch", id }),
  health(id, { services }) {
    if (services !== undefined && !isTexts(services)) return refuse(id, "cannot read services: not a list of names");
    return { do: "health", id, services: services ?? [] };
  },
  apply: (id, { dryRun }) => ({ do: "apply", id, dryRun: dryRun === true }),
  version: (id) => ({ do: "version", id }),
  svlogd(id, fields) {
    const handed = readHanded(fields);
    return handed === null
      ? refuse(id, "cannot write logs: not a request of svlogd", true)
      : { do: "svlogd", id, handed };
  },
};

function parseOrder(id: RequestId, { service, order, signal }: Fields): Request | Refusal {
  if (typeof service !== "string") return refuse(id, "cannot order: service is not a name");
  if (order === "signal") {
    const number = typeof signal === "string" || typeof signal === "number" ? parseSignal(String(signal)) : null;
    if (number === null) return refuse(id, `cannot send signal ${shown(signal)}: no such signal; use one like "HUP"`);
    return { do: "order", id, service, order: { do: "signal", signal: number } };
  }
  if (typeof order !== "string" || !Object.hasOwn(orderNames, order))
    return refuse(id, `cannot order ${shown(order)}: not one of ${Object.keys(orderNames).join(", ")}, signal`);
  return { do: "order", id, service, order: { do: order as OrderName } };
}

/** A strange value as it may stand in a sentence: JSON, cut to 40 characters. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** The reply to a request that was done. */
export const okLine = (id: RequestId, result: unknown): string => `${JSON.stringify({ id, ok: true, result })}\n`;

/** The reply to one that was not; `error` is one sentence. */
export const errorLine = (id: RequestId, error: string): string => `${JSON.stringify({ id, ok: false, error })}\n`;

/** One change, to a watcher. */
export const eventLine = (id: RequestId, event: unknown): string => `${JSON.stringify({ id, event })}\n`;

/** What stands before `length` raw bytes of a command's output. */
export const frameHead = (stream: "out" | "err", length: number): string => `{"${stream}":${length}}\n`;

/** The last line of a command. */
export const exitLine = (code: number): string => `{"exit":${code}}\n`;
