// Descriptors that the core hands up, to whom they are for.
import type { Outputs } from "../manager/outputs.ts";
import type { ControlSocket } from "./control-socket.ts";

/** What the core says with a descriptor: whose log pipe it is, or who has connected (SO_PEERCRED). */
type Said =
  | { readonly pipe: string }
  | { readonly connection: true; readonly pid: number; readonly uid: number; readonly gid: number };

/** Takes one descriptor as Node's handle, with the message that came with it. */
export function routeHandles(outputs: Outputs, control: ControlSocket): (message: unknown, handle: unknown) => void {
  return (message, handle) => {
    const said = message as Said;
    if ("pipe" in said) outputs.handed(said.pipe, handle as { readonly fd: number; close(): void });
    else control.accepted(handle, said);
  };
}
