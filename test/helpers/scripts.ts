// Small services that many tests run.
import { existsSync, readFileSync } from "node:fs";
import { eventually } from "./eventually.ts";

/** Lives until a signal ends it. */
export const sleeper = "#!/bin/sh\nexec sleep 1000\n";

/** Ends with this code at once. */
export const ending = (code: number): string => `#!/bin/sh\nexit ${code}\n`;

/** Ready when it says so on descriptor 3: for scripts that must have set their traps before anything is sent to them. */
export const saysReady = "notify-fd = 3\n";
/** A shell's line that says so; without `saysReady` it says nothing. */
export const sayReady = "{ echo >&3; } 2>/dev/null";

/**
 * Adds a line of its name when it starts, when it is asked to stop, and `lasts` seconds later when it ends; with
 * `saysReady` it is ready once it has started.
 */
export const noting = (name: string, file: string, lasts = 0): string => `#!/bin/sh
trap 'echo "${name} asked" >>${file}; sleep ${lasts}; echo "${name} ended" >>${file}; exit 0' TERM
echo "${name} started" >>${file}
${sayReady}
while :; do sleep 1000 & wait $!; done
`;

/** Lives on through every TERM; with `saysReady` it is ready once it does. */
export const stubborn = `#!/bin/sh\ntrap "" TERM\n${sayReady}\nwhile :; do sleep 1000; done\n`;

/** After how long our log says that `who` was killed, in ms; NaN where it does not. */
export function patience(log: string, who: string): number {
  const [, amount, unit] = new RegExp(`\\b${who} had not ended after ([\\d.]+) (ms|s): sent SIGKILL`).exec(log) ?? [];
  return Number(amount) * (unit === "s" ? 1000 : 1);
}

/** The lines of a file; none while it is not there. */
export function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
}

/** Waits until a file has this many lines at least, and gives them. */
export function lines(file: string, count: number, within?: number): Promise<string[]> {
  return eventually(
    `${file} has ${count} lines`,
    () => {
      const found = linesOf(file);
      if (found.length < count) throw new Error(`it has: ${found.join("; ")}`);
      return found;
    },
    within,
  );
}
