import { describe, expect, test } from "vitest";
import { colourOf, jsonFormat, prefixFormat } from "../../../src/log/format.ts";
import { createSplitter } from "../../../src/log/lines.ts";

const TIME = Date.UTC(2026, 10, 21, 8, 9, 10, 11);
const split = (text: string | Buffer, max = 100) => createSplitter(max).push(Buffer.from(text as string));
const plain = { timestamps: false, terminal: null };

describe("the prefix form", () => {
  test("puts the name before each line and leaves the bytes alone", () => {
    const bytes = Buffer.concat([Buffer.from("a\n\n\x1b[1mb\r\n"), Buffer.from([0xff, 0x00, 10])]);
    const out = prefixFormat("web", plain)(split(bytes), TIME);
    expect(out.toString("latin1")).toBe("[web] a\n[web] \n[web] \x1b[1mb\r\n[web] \xff\x00\n");
  });

  test("puts lines together that came in two chunks", () => {
    const splitter = createSplitter(100);
    const format = prefixFormat("web", plain);
    expect(format(splitter.push(Buffer.from("a\nb")), TIME).toString()).toBe("[web] a\n");
    expect(format(splitter.push(Buffer.from("c\nd\ne")), TIME).toString()).toBe("[web] bc\n[web] d\n");
    const last = splitter.flush();
    expect(last && format([last], TIME).toString()).toBe("[web] e\n");
  });

  test("stamps each line on demand with the time of its reading", () => {
    const format = prefixFormat("web", { timestamps: true, terminal: null });
    expect(format(split("a\nb\n"), TIME).toString()).toBe(
      "2026-11-21T08:09:10.011Z [web] a\n2026-11-21T08:09:10.011Z [web] b\n",
    );
    expect(format(split("c\n"), TIME + 1).toString()).toBe("2026-11-21T08:09:10.012Z [web] c\n");
  });

  test("marks pieces so that the line can be put together again", () => {
    const line = `${"abcdefgh\\".repeat(5)}end`;
    const out = prefixFormat("web", plain)(split(`x\\\n${line}\n`, 10), TIME).toString();
    expect(out.split("\n").slice(0, 3)).toEqual(["[web] x\\", "[web] abcdefgh\\a\\", "[web]+bcdefgh\\ab\\"]);
    expect(out.replaceAll("\\\n[web]+", "")).toBe(`[web] x\\\n[web] ${line}\n`);
  });

  test("marks a piece that resumes in a later chunk", () => {
    const splitter = createSplitter(4);
    const format = prefixFormat("web", plain);
    expect(format(splitter.push(Buffer.from("abcdef")), TIME).toString()).toBe("[web] abcd\\\n");
    expect(format(splitter.push(Buffer.from("\ng\n")), TIME).toString()).toBe("[web]+ef\n[web] g\n");
  });

  test("aligns names on a terminal, and colours them only if that is allowed", () => {
    let width = 3;
    const terminal = { colour: false, width: () => width };
    const format = prefixFormat("web", { timestamps: false, terminal });
    expect(format(split("a\n"), TIME).toString()).toBe("web │ a\n");
    width = 6;
    expect(format(split("abcdef\n", 5), TIME).toString()).toBe("web    │ abcde\\\nweb    ┊ f\n");
    const coloured = prefixFormat("web", { timestamps: false, terminal: { ...terminal, colour: true } });
    expect(coloured(split("a\n"), TIME).toString()).toBe(`\x1b[${colourOf("web")}mweb    │\x1b[0m a\n`);
  });

  test("gives a name the same colour in every run, and different names different ones", () => {
    expect([colourOf("web"), colourOf("db")]).toEqual([92, 35]);
    expect(new Set(Array.from({ length: 50 }, (_, index) => colourOf(`service-${index}`))).size).toBeGreaterThan(5);
  });
});

describe("the json form", () => {
  const parse = (out: Buffer) =>
    out
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test("is one object per line", () => {
    expect(parse(jsonFormat("web")(split("a\n\n€\n"), TIME))).toEqual([
      { time: "2026-11-21T08:09:10.011Z", service: "web", line: "a" },
      { time: "2026-11-21T08:09:10.011Z", service: "web", line: "" },
      { time: "2026-11-21T08:09:10.011Z", service: "web", line: "€" },
    ]);
    expect(parse(jsonFormat("web", "stderr")(split("a\n"), TIME))[0]).toMatchObject({ stream: "stderr", line: "a" });
  });

  test("says where bytes were not UTF-8", () => {
    const bytes = Buffer.concat([Buffer.from("ok\n"), Buffer.from([0x61, 0xff, 10]), Buffer.from("€\n")]);
    const out = parse(jsonFormat("web")(split(bytes), TIME));
    expect(out.map(({ line, utf8 }) => [line, utf8])).toEqual([
      ["ok", undefined],
      ["a\ufffd", false],
      ["€", undefined],
    ]);
  });

  test("lets no control character through", () => {
    const line = `${Array.from({ length: 0xa0 }, (_, code) => (code === 10 ? "" : String.fromCharCode(code))).join("")}"\\\u2028`;
    const out = jsonFormat('na"\x9bme')(split(`${line}\n`, 1000), TIME);
    expect(out.toString()).toMatch(/^[^\p{Cc}\u2028]*\n$/u);
    expect(parse(out)[0]).toMatchObject({ line, service: 'na"\x9bme' });
  });

  test("marks pieces that go on", () => {
    const out = parse(jsonFormat("web")(split("abcdefghi\nj\n", 4), TIME));
    expect(out.map(({ line, continues }) => [line, continues])).toEqual([
      ["abcd", true],
      ["efgh", true],
      ["i", undefined],
      ["j", undefined],
    ]);
  });
});
