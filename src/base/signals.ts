import { constants } from "node:os";

/** The kernel's first and last real-time signals; libcs hide some of them, the core does not. */
export const RTMIN = 34;
export const RTMAX = 64;

// SIGIOT, SIGPOLL and SIGUNUSED are second names; the first name of a number is the one we print.
const SECOND_NAMES = new Set(["SIGIOT", "SIGPOLL", "SIGUNUSED"]);
const numbers = new Map<string, number>(Object.entries(constants.signals));
const names = new Map<number, string>(
  [...numbers].filter(([name]) => !SECOND_NAMES.has(name)).map(([name, number]) => [number, name]),
);

/** `SIGTERM` for 15, `SIGRTMIN+3` for 37; a number out of range gives `signal N`. */
export function signalName(number: number): string {
  const name = names.get(number);
  if (name !== undefined) return name;
  if (number < RTMIN || number > RTMAX) return `signal ${number}`;
  return number === RTMIN ? "SIGRTMIN" : `SIGRTMIN+${number - RTMIN}`;
}

/** The number of `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3` or `RTMAX-1`; null if there is no such signal. */
export function parseSignal(text: string): number | null {
  const word = text.trim().toUpperCase();
  if (/^\d+$/.test(word)) {
    const number = Number(word);
    return number >= 1 && number <= RTMAX ? number : null;
  }
  const name = word.startsWith("SIG") ? word : `SIG${word}`;
  const known = numbers.get(name);
  if (known !== undefined) return known;
  const realTime = /^SIGRT(?:MIN(?:\+(\d+))?|MAX(?:-(\d+))?)$/.exec(name);
  if (realTime === null) return null;
  const number = name.startsWith("SIGRTMIN") ? RTMIN + Number(realTime[1] ?? 0) : RTMAX - Number(realTime[2] ?? 0);
  return number >= RTMIN && number <= RTMAX ? number : null;
}
