// What people meet of the supervisor, loaded late: no service waits for it.
import type { Face, FaceParts } from "../control/face.ts";
import type { Voice } from "../log/voice.ts";
import type { Disks } from "../manager/reach.ts";
import type { Scan } from "../manager/scan.ts";
import type { createControlSocket } from "./control-socket.ts";
import type { Config } from "./reread.ts";

/** Loads the faces and serves the control socket by them. */
export async function loadFaces(
  parts: Omit<FaceParts, "switching" | "isSilent">,
  { reach, scan, config }: Pick<Disks, "reach"> & { readonly scan: Scan; readonly config: () => Config },
  control: ReturnType<typeof createControlSocket>,
  voice: Voice,
): Promise<Face> {
  const [{ createFace }, { createControl }, { runCommand }, { createSwitching }] = await Promise.all([
    import("../control/face.ts"),
    import("../control/server.ts"),
    import("../cli/run-command.ts"),
    import("../manager/switch.ts"),
  ]);
  const switching = createSwitching({
    reach,
    scanDir: parts.about.scanDir,
    scan,
    manager: parts.manager,
    defaults: () => config().defaults,
    stopBudget: () => config().settings.stopBudget,
    say: (text) => voice.info(text),
  });
  const face = createFace({ ...parts, switching, isSilent: scan.isSilent });
  const note = (text: string) => voice.info(text);
  const fault = (text: string) => voice.error(text);
  control.serveBy(createControl({ supervisor: face, run: runCommand, note, fault, writeLogs: control.logs.serve }));
  return face;
}
