import type { Ms } from "./clock.ts";

/** What a text means, or in one clause why it means nothing: "not a duration like 10s". */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

/** A parser's success. */
export const good = <T>(value: T): Parsed<T> => ({ ok: true, value });
/** A parser's failure; `why` follows a colon. */
export const bad = (why: string): Parsed<never> => ({ ok: false, why });

const MS: Readonly<Record<string, Ms>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const NOT_A_DURATION = "not a duration like 10s, 500ms, 2m, 1h or never";

/** Milliseconds of `10s`, `500ms`, `1m30s`, `1h`, `2d`; a plain number is seconds; `never` and `infinity` are Infinity. */
export function parseDuration(text: string): Parsed<Ms> {
  if (text === "never" || text === "infinity") return good(Number.POSITIVE_INFINITY);
  // Nothing sensible is longer, and the patterns below need not be thought about.
  if (text.length > 32) return bad(NOT_A_DURATION);
  if (/^\d+(\.\d+)?$/.test(text)) return good(Number(text) * 1000);
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return bad(NOT_A_DURATION);
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    sum += Number(number) * (MS[unit ?? ""] ?? 0);
  }
  return good(sum);
}

/** The shortest spelling of a duration: `7s`, `1m30s`, `never`. */
export function durationSpelling(ms: Ms): string {
  if (ms === Number.POSITIVE_INFINITY) return "never";
  if (ms <= 0) return "0s";
  let rest = Math.round(ms);
  let text = "";
  for (const unit of ["d", "h", "m", "s", "ms"]) {
    const size = MS[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

const POWERS: Readonly<Record<string, number>> = { "": 0, k: 1, m: 2, g: 3, t: 4 };

/** Bytes of `64KB`, `5M`, `1GiB` or a plain number; a K is 1024. */
export function parseSize(text: string): Parsed<number> {
  const match = /^(\d{1,15})\s?([kmgt]?)(i?b)?$/i.exec(text);
  if (match === null) return bad("not a size like 64KB, 5MB or 4096");
  const bytes = Number(match[1]) * 1024 ** (POWERS[match[2]?.toLowerCase() ?? ""] ?? 0);
  return Number.isSafeInteger(bytes) ? good(bytes) : bad("more bytes than can be counted");
}

/** A file mode mask in octal digits: `022`, `0027`, `77`. */
export function parseUmask(text: string): Parsed<number> {
  if (!/^0*[0-7]{1,3}$/.test(text) || text.length > 8) return bad("not an octal mask like 022");
  return good(Number.parseInt(text, 8));
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  yes: true,
  true: true,
  on: true,
  "1": true,
  no: false,
  false: false,
  off: false,
  "0": false,
};

/** `yes`, `true`, `on`, `1` and their opposites, in any case. */
export function parseBoolean(text: string): Parsed<boolean> {
  const word = text.toLowerCase();
  const value = Object.hasOwn(BOOLEANS, word) ? BOOLEANS[word] : undefined;
  return value === undefined ? bad("neither yes nor no") : good(value);
}

/** A parser of whole numbers from `least` to `most`, in decimal. */
export function parseInteger(least: number, most: number): (text: string) => Parsed<number> {
  return (text) => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? good(value) : bad(`not a whole number from ${least} to ${most}`);
  };
}
