import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { eventually } from "./eventually.ts";

/** A raw client of the control socket. */
export interface RawClient {
  readonly socket: Socket;
  /** All that came so far. */
  heard(): string;
  /** Sends one request and gives its reply, or what came before the connection ended. */
  ask(request: object): Promise<string>;
  closed(): boolean;
}

/** Connects to the socket in `runtimeDir`, which must be seen from this side. */
export async function rawClient(runtimeDir: string): Promise<RawClient> {
  const socket = connect(join(runtimeDir, "control"));
  let heard = "";
  let closed = false;
  let woken = () => {};
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    heard += text;
    woken();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
    woken();
  });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return {
    socket,
    heard: () => heard,
    closed: () => closed,
    async ask(request) {
      const from = heard.length;
      socket.write(`${JSON.stringify(request)}\n`);
      while (!heard.slice(from).includes("\n") && !closed)
        await new Promise<void>((resolve) => {
          woken = resolve;
        });
      return heard.slice(from);
    },
  };
}

/** The same, once somebody listens there. */
export function rawClientSoon(runtimeDir: string): Promise<RawClient> {
  return eventually("the control socket answers", () => rawClient(runtimeDir));
}
