// Is there a control script for this letter? Asked without waiting for the file system that it would be in.
import { controlScript, controlScripts } from "../process/spawn.ts";
import type { Look, Looks } from "./looks.ts";

/**
 * "none": not for any letter. "silent": its file system does not answer. "maybe": nobody was free to look, so that only
 * running it tells.
 */
export type ScriptLook = "there" | "absent" | "none" | "silent" | "maybe";

const EXECUTABLE = 0o100;

const resultOf = (look: Look): ScriptLook => {
  if (look === "busy") return "maybe";
  if (look === null || look === "silent") return look ?? "absent";
  return (look.mode & EXECUTABLE) === 0 ? "absent" : "there";
};

/** Looks for the script of a letter. Most services have no scripts at all, which one look tells. */
export function lookForScript({ look }: Looks, home: string, letter: string, done: (result: ScriptLook) => void): void {
  look(controlScripts(home), (directory) => {
    if (directory === null) done("none");
    else if (typeof directory === "string") done(resultOf(directory));
    else look(controlScript(home, letter), (script) => done(resultOf(script)));
  });
}
