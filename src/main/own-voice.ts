import type { Sink } from "../log/sink.ts";
import { createVoice, type Voice } from "../log/voice.ts";
import type { Manners } from "./manners.ts";
import type { World } from "./world.ts";

/** What may be coloured, and the voice on standard error's sink: for a person, a machine, or in the manner of runit. */
export function createOwnVoice(
  { env, isTerminal }: World,
  { voice: runit }: Manners,
  sink: Sink,
): { readonly voice: Voice; readonly isColoured: (fd: number) => boolean } {
  const isPlain = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  const isColoured = (fd: number) => isTerminal(fd) && !isPlain;
  const form = runit !== null ? "runit" : isTerminal(2) ? "human" : "json";
  const speaker = runit?.speaker ?? "upkeep";
  return { voice: createVoice({ sink, form, speaker, colour: isColoured(2), level: "info" }), isColoured };
}
