// Lines sent as datagrams. One socket for all directories, made when first wanted; a batch is sent in small portions, and
// the next one is not begun before.
import type { Socket } from "node:dgram";
import type { UdpTarget } from "./config.ts";

/** Sends each message; resolves, once the kernel has had all of them, to those that it did not take. Never rejects. */
export type SendAll = (messages: readonly Buffer[], target: UdpTarget) => Promise<readonly Buffer[]>;

// So many are handed over in one turn of the loop: a millisecond or so.
const PORTION = 100;

let opened: Promise<Socket | null> | null = null;

/** Over the process's one socket. */
export const sendAll: SendAll = async (messages, { address, port }) => {
  opened ??= open();
  const socket = await opened;
  if (socket === null) {
    opened = null;
    return messages;
  }
  const failed: Buffer[] = [];
  for (let from = 0; from < messages.length; from += PORTION) {
    const portion = messages.slice(from, from + PORTION);
    const errors = await Promise.all(portion.map((message) => sendOne(socket, message, port, address)));
    failed.push(...portion.filter((_, index) => errors[index] !== null));
  }
  return failed;
};

async function open(): Promise<Socket | null> {
  const { createSocket } = process.getBuiltinModule("node:dgram");
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.on("error", () => resolve(null)); // of a send it is told to the sender
    socket.bind({ port: 0, exclusive: true }, () => {
      socket.unref();
      resolve(socket);
    });
  });
}

function sendOne(socket: Socket, message: Buffer, port: number, address: string): Promise<Error | null> {
  return new Promise((resolve) => socket.send(message, port, address, (error) => resolve(error)));
}
