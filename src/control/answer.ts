// What is done for programs: every request but exec and svlogd, which have their own ways.
import { unreachable } from "../base/errors.ts";
import { errorLine, eventLine, okLine, type Request } from "./protocol.ts";
import type { Supervisor } from "./supervisor.ts";

/** A connection as its answers see it. */
export interface Caller {
  /** One whole line. */
  send(line: string): void;
  /** To be called when the connection ends. */
  atEnd(forget: () => void): void;
}

/** Does what `request` asks for and sends its reply. Rejects only where the supervisor itself fails. */
export async function answer(
  request: Exclude<Request, { do: "exec" | "svlogd" }>,
  supervisor: Supervisor,
  caller: Caller,
) {
  const { id } = request;
  const ok = (result: unknown) => caller.send(okLine(id, result));
  const no = (error: string) => caller.send(errorLine(id, error));
  switch (request.do) {
    case "status": {
      if (request.services === null) return ok(supervisor.services());
      const found = request.services.map((name) => supervisor.service(name));
      const missing = found.indexOf(null);
      return missing === -1 ? ok(found) : no(`no service ${request.services[missing]}`);
    }
    case "order": {
      if (supervisor.service(request.service) === null) return no(`no service ${request.service}`);
      const { service, order } = request;
      const refused = await new Promise<string | null>((done) => supervisor.order(service, order, done));
      return refused === null ? ok(null) : no(`cannot ${order.do} ${service}: ${refused}`);
    }
    case "watch":
      ok(null);
      return caller.atEnd(supervisor.watch((event) => caller.send(eventLine(id, event))));
    case "health": {
      const missing = request.services.find((name) => supervisor.service(name) === null);
      return missing === undefined ? ok(supervisor.health(request.services)) : no(`no service ${missing}`);
    }
    case "apply":
      return ok(await supervisor.apply(request.dryRun));
    case "version":
      return ok(supervisor.about);
    default:
      return unreachable(request);
  }
}
