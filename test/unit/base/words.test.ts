import { describe, expect, test } from "vitest";
import { escapedBytes, lexWords, quoted, splitWords } from "../../../src/base/words.ts";

const split = (text: string) => {
  const words = splitWords(text);
  return words.ok ? words.value : words.why;
};

describe("words", () => {
  test.each([
    ["", []],
    ["  a\t b\n c ", ["a", "b", "c"]],
    ["'a b' \"c d\"", ["a b", "c d"]],
    ["a'b'\"c\"d", ["abcd"]],
    ["'' \"\"", ["", ""]],
    [String.raw`a\ b \'c\' \\`, ["a b", "'c'", "\\"]],
    [String.raw`'a\b' "a\b" "\"\\\$"`, ["a\\b", "a\\b", '"\\$']],
    ["nginx -g 'daemon off;'", ["nginx", "-g", "daemon off;"]],
    ["$HOME `x` *.c ~", ["$HOME", "`x`", "*.c", "~"]],
    ["é\u{1f600} ß", ["é\u{1f600}", "ß"]],
  ])("%j splits as a shell would, expanding nothing", (text, words) => expect(split(text)).toEqual(words));

  test.each([
    ["'a", "a ' is not closed"],
    ['a "b', 'a " is not closed'],
    ["\"it's", 'a " is not closed'],
    ["a\\", "it ends in a backslash"],
    ['"a\\', "it ends in a backslash"],
  ])("%j is refused", (text, why) => expect(split(text)).toBe(why));

  test("a word knows whether anything in it was quoted", () => {
    const words = lexWords(String.raw`; ';' \; a';'`);
    expect(words.ok && words.value.map((word) => word.bare)).toEqual([true, false, false, false]);
  });
});

test("quoted text is one line, without control characters, and not endless", () => {
  const text = quoted(`a"\u001b[31m\n\u0085\u2028${"x".repeat(1000)}`);
  expect(text).toMatch(/^"a\\"\\u001b\[31m\\n\\u0085\\u2028x+…"$/);
  expect(text.length).toBeLessThan(100);
});

test("bytes that are no text can be printed", () => {
  expect(escapedBytes(Buffer.from([0x61, 0xff, 0x20, 0x1b, 0x5c]))).toBe("a\\xff\\x20\\x1b\\x5c");
});
