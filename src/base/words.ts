import { bad, good, type Parsed } from "./units.ts";

/** A word of a command line; `bare` if no part of it was quoted or escaped. */
export interface Word {
  readonly text: string;
  readonly bare: boolean;
}

// What a backslash takes the meaning from within double quotes, as in a shell.
const ESCAPABLE = '"\\$`\n';

/** Splits as a shell does, quotes and backslashes understood, nothing expanded; an open quote is an error. */
export function lexWords(text: string): Parsed<readonly Word[]> {
  const words: Word[] = [];
  let word = "";
  let inWord = false;
  let bare = true;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (quote === "'" && c !== "'") word += c;
    else if (quote !== "" && c === quote) quote = "";
    else if (c === "\\") {
      const next = text.charAt(i + 1);
      if (next === "") return bad("it ends in a backslash");
      word += quote === '"' && !ESCAPABLE.includes(next) ? c + next : next;
      inWord = true;
      bare = false;
      i++;
    } else if (quote !== "") word += c;
    else if (c === "'" || c === '"') {
      quote = c;
      inWord = true;
      bare = false;
    } else if (/\s/.test(c)) {
      if (inWord) words.push({ text: word, bare });
      word = "";
      inWord = false;
      bare = true;
    } else {
      word += c;
      inWord = true;
    }
  }
  if (quote !== "") return bad(`a ${quote} is not closed`);
  if (inWord) words.push({ text: word, bare });
  return good(words);
}

/** The words of a text, quotes taken away. */
export function splitWords(text: string): Parsed<readonly string[]> {
  const words = lexWords(text);
  return words.ok ? good(words.value.map((word) => word.text)) : words;
}

const LONGEST_QUOTE = 60;

/** A text from outside, fit to be printed in a sentence: in quotes, on one line, control characters escaped, cut. */
export function quoted(text: string): string {
  const shown = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
  // C1 controls and separators reach a terminal too, and JSON leaves them as they are.
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Bytes that may not be text, fit to be printed: printable ASCII as it is, others as `\xNN`. */
export function escapedBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, "0")}`,
  ).join("");
}
