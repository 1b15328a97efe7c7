// Small services that many tests run.
import { existsSync, readFileSync } from "node:fs";
import { eventually } from "./eventually.ts";

/** Lives until a signal ends it. */
export const sleeper = "#!/bin/sh\nexec sleep 1000\n";

/** Ends with this code at once. */
export const ending = (code: number): string => `#!/bin/sh\nexit ${code}\n`;

/** Adds a line of its name when it starts, when it is asked to stop, and `lasts` seconds later when it ends. */
export const noting = (name: string, file: string, lasts = 0): string => `#!/bin/sh
trap 'echo "${name} asked" >>${file}; sleep ${lasts}; echo "${name} ended" >>${file}; exit 0' TERM
echo "${name} started" >>${file}
while :; do sleep 1000 & wait $!; done
`;

/** Lives on through every TERM. */
export const stubborn = '#!/bin/sh\ntrap "" TERM\nwhile :; do sleep 1000; done\n';

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
