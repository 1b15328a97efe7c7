// What people meet of the supervisor, loaded late: no service waits for it.
import type { Face, FaceParts } from "../control/face.ts";
import type { Voice } from "../log/voice.ts";
import type { createControlSocket } from "./control-socket.ts";

/** Loads the faces and serves the control socket by them. */
export async function loadFaces(
  parts: FaceParts,
  control: ReturnType<typeof createControlSocket>,
  voice: Voice,
): Promise<Face> {
  const [{ createFace }, { createControl }, { runCommand }] = await Promise.all([
    import("../control/face.ts"),
    import("../control/server.ts"),
    import("../cli/run-command.ts"),
  ]);
  const face = createFace(parts);
  const note = (text: string) => voice.info(text);
  control.serveBy(createControl({ supervisor: face, run: runCommand, note, fault: (text) => voice.error(text) }));
  return face;
}
