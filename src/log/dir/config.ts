// The file `config` of a log directory. Pure. What svlogd warns of is a problem here, in its words; nothing is refused.

/** `-` and `+` select for the file, `E` and `e` for standard error; of each pair the last that matches decides. */
export interface Selection {
  readonly sign: "+" | "-" | "e" | "E";
  readonly pattern: Uint8Array;
}

/** `u` and `U`: where selected lines are sent. */
export interface UdpTarget {
  readonly address: string;
  readonly port: number;
}

/** What a log directory is told by its file `config` (svlogd(8), CONFIG). */
export interface DirectoryConfig {
  /** `s`: a file is full with so many bytes. 0: never. Default 1000000. */
  readonly size: number;
  /** `n`: so many old files are kept. 0: all. Default 10. */
  readonly keep: number;
  /** `N`: on a full disk the oldest is deleted while there are more; only where it is less than `keep`. Default 10. */
  readonly least: number;
  /** `t`: a file is rotated when it is so many seconds old. 0: never. Default 0. */
  readonly age: number;
  /** `!`: a shell command that old files are put through. Default none. */
  readonly processor: string | null;
  readonly udp: UdpTarget | null;
  /** `U`: lines are sent and not written. */
  readonly udpOnly: boolean;
  /** `p`: put before each line, behind the stamp. */
  readonly prefix: Uint8Array | null;
  readonly selections: readonly Selection[];
}

/** svlogd's defaults: what an empty `config` means. */
export const DEFAULT_CONFIG: DirectoryConfig = Object.freeze({
  size: 1_000_000,
  keep: 10,
  least: 10,
  age: 0,
  processor: null,
  udp: null,
  udpOnly: false,
  prefix: null,
  selections: [],
});

const SYSLOG_PORT = 514;
const SIZE_UNITS: Readonly<Record<string, number>> = { k: 1024, m: 1024 * 1024 };
const AGE_UNITS: Readonly<Record<string, number>> = { m: 60, h: 3600 };

interface Reading {
  readonly config: { -readonly [Key in keyof DirectoryConfig]: DirectoryConfig[Key] };
  readonly selections: Selection[];
  readonly problems: string[];
}

/** What each letter at the start of a line does with the rest of it; lines that begin otherwise mean nothing. */
const letters: Readonly<Record<string, (reading: Reading, rest: string) => void>> = {
  s: ({ config }, rest) => {
    config.size = scaled(rest, SIZE_UNITS);
  },
  n: ({ config }, rest) => {
    config.keep = scaled(rest, {});
  },
  N: ({ config }, rest) => {
    config.least = scaled(rest, {});
  },
  t: ({ config }, rest) => {
    config.age = scaled(rest, AGE_UNITS);
  },
  "!": ({ config }, rest) => {
    if (rest !== "") config.processor = Buffer.from(rest, "latin1").toString();
  },
  u: (reading, rest) => setUdp(reading, rest, reading.config.udpOnly),
  U: (reading, rest) => setUdp(reading, rest, true),
  p: ({ config }, rest) => {
    if (rest !== "") config.prefix = Buffer.from(rest, "latin1");
  },
  "+": select("+"),
  "-": select("-"),
  e: select("e"),
  E: select("E"),
};

/** Reads the bytes of a `config`. */
export function parseConfig(bytes: Uint8Array): {
  readonly config: DirectoryConfig;
  readonly problems: readonly string[];
} {
  const reading: Reading = { config: { ...DEFAULT_CONFIG }, selections: [], problems: [] };
  for (const line of Buffer.from(bytes).toString("latin1").split("\n")) {
    const letter = line.charAt(0);
    if (Object.hasOwn(letters, letter)) letters[letter]?.(reading, line.slice(1));
  }
  return { config: { ...reading.config, selections: reading.selections }, problems: reading.problems };
}

function select(sign: Selection["sign"]) {
  return ({ selections }: Reading, rest: string): void => {
    selections.push({ sign, pattern: Buffer.from(rest, "latin1") });
  };
}

/** The number at the start, 0 where there is none, times the unit that follows it. */
function scaled(text: string, units: Readonly<Record<string, number>>): number {
  const digits = /^\d*/.exec(text)?.[0] ?? "";
  const unit = text.charAt(digits.length);
  return Math.min(Number(digits) * (Object.hasOwn(units, unit) ? (units[unit] ?? 1) : 1), Number.MAX_SAFE_INTEGER);
}

/** A target that cannot be read is no target, and the lines go on being written: `U` as well. */
function setUdp({ config, problems }: Reading, text: string, only: boolean): void {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?::(.*))?/.exec(text);
  const bytes = match?.slice(1, 5).map(Number) ?? [];
  if (match === null || bytes.some((byte) => byte > 255)) {
    problems.push(`unable to scan ip address: ${text}`);
    return;
  }
  const port = match[5] === undefined ? SYSLOG_PORT : scaled(match[5], {});
  if (port < 1 || port > 65535) {
    problems.push(`unable to scan port number: ${match[5]}`);
    return;
  }
  config.udp = { address: bytes.join("."), port };
  config.udpOnly = only;
}
