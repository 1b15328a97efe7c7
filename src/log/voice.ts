// upkeep's own voice. It waits for nobody: what cannot be said at once is dropped, counted, and the count said later.
import type { Logger, pino } from "pino";
import type { Sink } from "./sink.ts";

/** From the most to the least talkative; a voice says its own level and those after it. */
export const voiceLevels = ["debug", "info", "warn", "error"] as const;
export type VoiceLevel = (typeof voiceLevels)[number];

/** What machines read beside the text; nothing that the text does not say to a person. */
export type VoiceFields = Readonly<Record<string, string | number | boolean | null>>;

/** One line of it. */
export type Say = (level: VoiceLevel, text: string, fields?: VoiceFields) => void;

export interface Voice extends Readonly<Record<VoiceLevel, (text: string, fields?: VoiceFields) => void>> {
  /** May be changed at any time. */
  level: VoiceLevel;
  /** Resolves when all that was said is in the sink's queue; never rejects. */
  settled(): Promise<void>;
  /** Resolves when all that was said is written or dropped; never rejects. */
  written(): Promise<void>;
}

/** Loads pino; late, for no service waits for it. */
export type LoadPino = () => Promise<{ readonly pino: typeof pino }>;

export interface VoiceOptions {
  /** Standard error's sink. */
  readonly sink: Sink;
  /** `human` for a terminal: `20:15:00 upkeep: text`; `json`: one object per line, by pino; `runit`: as its programs do. */
  readonly form: "human" | "json" | "runit";
  /** Only for `runit`: `runsvdir DIR`, before each line. */
  readonly speaker?: string;
  /** Only for `human`. */
  readonly colour: boolean;
  readonly level: VoiceLevel;
  readonly now?: () => Date;
  readonly load?: LoadPino;
}

interface Said {
  readonly level: VoiceLevel;
  readonly time: Date;
  readonly text: string;
  readonly fields: VoiceFields;
}

/** Writes one line, without fail. */
type Speak = (said: Said) => void;

const KEPT_MAX = 1000;
const COLOURS: Readonly<Record<VoiceLevel, number>> = { debug: 2, info: 0, warn: 33, error: 31 };

/** A voice on `sink`; texts and fields cannot inject lines or terminal sequences. */
export function createVoice(options: VoiceOptions): Voice {
  const { sink, form, now = () => new Date() } = options;
  let level = options.level;
  const put = createLossyPut(sink, (count) => {
    say("warn", `${count} ${count === 1 ? "line" : "lines"} of this log were dropped: nobody read it`, {
      dropped: count,
    });
  });
  const forms: Readonly<Record<VoiceOptions["form"], () => Speak>> = {
    human: () => (said) => put(humanLine(said, options.colour)),
    json: keepUntilLoaded,
    runit: () => (said) => put(runitLine(said, options.speaker ?? "upkeep")),
  };
  let speak = forms[form]();
  let loading: Promise<void> | null = null;

  function keepUntilLoaded(): Speak {
    const kept: Said[] = [];
    let dropped = 0;
    const release = (loaded: Speak) => {
      speak = loaded;
      kept.forEach(loaded);
      if (dropped > 0) say("warn", `${dropped} lines of this log were dropped at the start`, { dropped });
    };
    return (said) => {
      if (kept.length < KEPT_MAX) kept.push(said);
      else dropped++;
      // Without pino the lines look the same; only the order of keys is then ours.
      loading ??= loadPino(put, options.load).then(release, () => release((one) => put(plainJson(one))));
    };
  }
  function say(at: VoiceLevel, text: string, fields: VoiceFields = {}) {
    if (voiceLevels.indexOf(at) < voiceLevels.indexOf(level)) return;
    speak({ level: at, time: now(), text: printable(text), fields: printableFields(fields) });
  }

  return {
    debug: (text, fields) => say("debug", text, fields),
    info: (text, fields) => say("info", text, fields),
    warn: (text, fields) => say("warn", text, fields),
    error: (text, fields) => say("error", text, fields),
    get level() {
      return level;
    },
    set level(value) {
      level = value;
    },
    settled: async () => {
      await loading;
    },
    async written() {
      await loading;
      await new Promise<void>((resolve) => sink.onEmpty(resolve));
    },
  };
}

function createLossyPut(sink: Sink, tell: (dropped: number) => void): (line: string) => void {
  let dropped = 0;
  return (line) => {
    if (sink.tryWrite(Buffer.from(line))) return;
    dropped++;
    if (dropped > 1) return;
    sink.onRoom(() => {
      const count = dropped;
      dropped = 0;
      tell(count);
    });
  };
}

async function loadPino(put: (line: string) => void, load: LoadPino = () => import("pino")): Promise<Speak> {
  const { pino } = await load();
  let stamp = "";
  const logger: Logger = pino(
    {
      base: null,
      level: "debug",
      timestamp: () => `,"time":"${stamp}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: put },
  );
  return ({ level, time, text, fields }) => {
    stamp = time.toISOString();
    logger[level](fields, text);
  };
}

function plainJson({ level, time, text, fields }: Said): string {
  return `${JSON.stringify({ level, time: time.toISOString(), ...fields, msg: text })}\n`;
}

const SEVERITIES: Readonly<Record<VoiceLevel, string>> = {
  debug: "debug",
  info: "info",
  warn: "warning",
  error: "warning",
};

const runitLine = ({ level, text }: Said, speaker: string): string =>
  `${printable(speaker)}: ${SEVERITIES[level]}: ${text}\n`;

function humanLine({ level, time, text }: Said, colour: boolean): string {
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, "0"));
  const line = `${clock.join(":")} upkeep: ${text}`;
  const sgr = COLOURS[level];
  return colour && sgr !== 0 ? `\x1b[${sgr}m${line}\x1b[0m\n` : `${line}\n`;
}

// C0, DEL and C1, and the Unicode characters that end a line or turn the direction of writing.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The text with its control characters written out: a newline as `\n`, an escape as `\x1b`. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (character) => {
    const code = character.charCodeAt(0);
    if (code === 10) return "\\n";
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`;
  });
}

function printableFields(fields: VoiceFields): VoiceFields {
  const entries = Object.entries(fields);
  return Object.fromEntries(entries.map(([key, value]) => [key, typeof value === "string" ? printable(value) : value]));
}
