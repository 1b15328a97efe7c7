// Reads ini text so that no byte of it is lost or bent. The package `ini` cuts values at ; and #, turns `true` into a
// boolean, nests sections at dots and takes a continuation line for a key. So the lines are found here, with their
// numbers; what `ini` is given has every name and value as a JSON string behind a mark, which it gives back unchanged.
import { isUtf8 } from "node:buffer";
import ini from "ini";
import type { Problem } from "../base/errors.ts";
import { quoted } from "../base/words.ts";

/** A value as it was written, without the white space around it; continuation lines are joined by newlines. */
export interface IniValue {
  readonly text: string;
  readonly line: number;
  /** `FILE:LINE` of its key. */
  readonly where: string;
}

export type IniSection = ReadonlyMap<string, IniValue>;

export interface IniText {
  /** By name; keys before any section stand in "". */
  readonly sections: ReadonlyMap<string, IniSection>;
  /** `FILE:LINE` of each section's header. */
  readonly headers: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/** Larger configuration is refused: it is no configuration. */
export const INI_MOST = 64 * 1024;

// Garbage that is text has a fault in every line.
const MOST_PROBLEMS = 20;
// Keeps names from meaning something to `ini` (`__proto__`, `k[]`) and values from being its `true` and `null`. Sections have
// another one: `ini` puts them beside the keys that stand before any section, and `env` is both here.
const MARK = "~";
const SECTION_MARK = "@";

interface Entry {
  readonly section: string;
  readonly key: string;
  readonly line: number;
  readonly lines: string[];
}

/** Sections, keys and values of a file's bytes; a section named in `main` is the same as no section at all. */
export function readIni(bytes: Uint8Array, file: string, main: readonly string[] = []): IniText {
  const headers = new Map<string, string>();
  const problems: Problem[] = [];
  const report = (line: number, text: string) => {
    if (problems.length < MOST_PROBLEMS) problems.push({ severity: "error", where: `${file}:${line}`, text });
  };
  const foreign = foreignLine(bytes);
  if (foreign !== null) {
    report(foreign.line, `cannot read the file: ${foreign.why}`);
    return { sections: new Map(), headers, problems };
  }
  const entries = entriesOf(
    Buffer.from(bytes)
      .toString("utf8")
      .replace(/^\ufeff/, ""),
    main,
    (name, line) => headers.set(name, headers.get(name) ?? `${file}:${line}`),
    report,
  );
  const parsed = ini.parse(safeText(entries));
  const sections = new Map<string, Map<string, IniValue>>([...headers.keys()].map((name) => [name, new Map()]));
  for (const { section, key, line } of entries) {
    const text = lookUp(parsed, section, key);
    if (text === null) report(line, `cannot read ${quoted(key)}: its value was lost on the way; write it differently`);
    else sectionOf(sections, section).set(key, { text, line, where: `${file}:${line}` });
  }
  return { sections, headers, problems };
}

function sectionOf(sections: Map<string, Map<string, IniValue>>, name: string): Map<string, IniValue> {
  const known = sections.get(name) ?? new Map<string, IniValue>();
  sections.set(name, known);
  return known;
}

/** The first line that is not text, and why; null for a file that is text throughout. */
function foreignLine(bytes: Uint8Array): { readonly line: number; readonly why: string } | null {
  const nul = bytes.indexOf(0);
  if (nul === -1 && isUtf8(bytes)) return null;
  let line = 1;
  for (let start = 0; start <= bytes.length; line++) {
    const newline = bytes.indexOf(10, start);
    const end = newline === -1 ? bytes.length : newline;
    const part = bytes.subarray(start, end);
    if (part.includes(0)) return { line, why: "there is a NUL in it, so it is not text" };
    if (!isUtf8(part)) return { line, why: "there are bytes in it that are not UTF-8; save it as UTF-8" };
    start = end + 1;
  }
  return { line: 1, why: "it is not UTF-8" };
}

type Report = (line: number, text: string) => void;

/** The keys of a text with all their lines. A duplicate is reported and not returned. */
function entriesOf(
  text: string,
  main: readonly string[],
  header: (name: string, line: number) => void,
  report: Report,
) {
  const entries: Entry[] = [];
  const firstLines = new Map<string, number>();
  let section = "";
  let current: Entry | null = null;
  let currentIndent = 0;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = index + 1;
    const full = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    const content = full.trim();
    if (content === "") current = null;
    if (content === "" || content.startsWith("#") || content.startsWith(";")) continue;
    const indent = full.length - full.trimStart().length;
    if (current !== null && indent > currentIndent) {
      current.lines.push(content);
      continue;
    }
    current = null;
    if (content.startsWith("[")) {
      const name = /^\[([^[\]]+)\]$/.exec(content)?.[1]?.trim();
      if (name === undefined) {
        report(line, `cannot read the section ${quoted(content)}: it is not [NAME] alone on its line`);
        section = `\0${line}`; // what follows belongs to no section that anybody knows
        continue;
      }
      section = main.includes(name) ? "" : name;
      if (section !== "") header(section, line);
      continue;
    }
    const at = content.indexOf("=");
    const key = content.slice(0, Math.max(at, 0)).trim();
    if (key === "") {
      report(line, `cannot read ${quoted(content)}: not KEY = VALUE, [SECTION] or a comment`);
      continue;
    }
    current = { section, key, line, lines: [content.slice(at + 1).trim()] };
    currentIndent = indent;
    const id = `${section}\0${key}`;
    const first = firstLines.get(id);
    if (first !== undefined) report(line, `cannot use ${quoted(key)} twice: line ${first} says it already`);
    else if (!section.startsWith("\0")) entries.push(current);
    firstLines.set(id, first ?? line);
  }
  return entries;
}

// A dot in a pattern of `ini` stops at the two separators that JSON leaves as they are.
const string = (text: string): string =>
  JSON.stringify(text).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
const safeSection = (section: string): string => string(SECTION_MARK + section.replaceAll(".", "\\."));

/** The text that `ini` reads without harm. */
function safeText(entries: readonly Entry[]): string {
  const lines: string[] = [];
  let section = "";
  for (const entry of entries) {
    if (entry.section !== section) lines.push(`[${safeSection(entry.section)}]`);
    section = entry.section;
    lines.push(`${string(MARK + entry.key + MARK)}=${string(MARK + entry.lines.join("\n").trim())}`);
  }
  return lines.join("\n");
}

function lookUp(parsed: Record<string, unknown>, section: string, key: string): string | null {
  const holder = section === "" ? parsed : parsed[SECTION_MARK + section];
  if (typeof holder !== "object" || holder === null) return null;
  const value = (holder as Record<string, unknown>)[MARK + key + MARK];
  return typeof value === "string" && value.startsWith(MARK) ? value.slice(MARK.length) : null;
}
