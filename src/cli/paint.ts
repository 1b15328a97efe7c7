/** Puts the colours of a terminal round a text, or leaves it as it is. */
export type Paint = (color: Color, text: string) => string;

const codes = { red: 31, green: 32, yellow: 33, blue: 34, dim: 2, bold: 1 } as const;
export type Color = keyof typeof codes;

/** With colours, or without. */
export function painter(color: boolean): Paint {
  return color ? (name, text) => (text === "" ? "" : `\u001b[${codes[name]}m${text}\u001b[0m`) : (_, text) => text;
}
