// What is started, in which order, once the supervisor is put together.
import type { Admission } from "../manager/admission.ts";
import type { Manager } from "../manager/manager.ts";
import type { Scan } from "../manager/scan.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import type { ControlSocket } from "./control-socket.ts";
import type { MyInit } from "./my-init.ts";
import type { Refusals } from "./refusals.ts";

export interface BootParts {
  /** No manager was there before us. */
  readonly isFirst: boolean;
  readonly layout: MyInit | null;
  /** Startup files may have changed what holds for all. */
  readonly reread: () => void;
  /** The command after `--`. */
  readonly main: () => ServiceSpec | null;
  /** True if there are to be services. */
  readonly scans: () => boolean;
  readonly manager: Manager;
  readonly scan: Scan;
  readonly admission: Admission;
  readonly refusals: Refusals;
  /** There is nothing to be done here, and why. */
  readonly leave: (why: string) => void;
  readonly control: ControlSocket;
  /** Descriptors come from now on. */
  readonly receive: () => void;
  readonly openFaces: () => Promise<void>;
  readonly isStopping: () => boolean;
}

/** Starts everything, and then watches for more. */
export async function bootServices(parts: BootParts): Promise<void> {
  const { isFirst, layout, manager, scan } = parts;
  if (isFirst) parts.control.open();
  if (layout !== null && !(await startUp(layout, parts))) return;
  const main = manager.roster.foreground() === null ? parts.main() : null;
  if (main !== null) manager.add(main);
  if (parts.scans()) await scan.boot();
  parts.admission.complete();
  parts.receive();
  void manager.supervise.answered().then(() => {
    const nothing = parts.refusals.settle(isFirst, layout === null || parts.scans());
    if (nothing !== null && isFirst && main === null) parts.leave(nothing);
  });
  await parts.openFaces();
  if (parts.scans() && !parts.isStopping()) scan.watch();
}

async function startUp(layout: MyInit, { scans, receive, openFaces, reread }: BootParts): Promise<boolean> {
  if (!scans()) {
    // It may take minutes, and people want to see what it does.
    receive();
    await openFaces();
  }
  const isThrough = await layout.startUp();
  reread();
  return isThrough;
}
