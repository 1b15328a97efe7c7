import { describe, expect, test } from "vitest";
import { createVoice, printable, type VoiceOptions } from "../../../src/log/voice.ts";
import { fakeSink } from "./fakes.ts";

const now = () => new Date(2026, 10, 21, 8, 9, 10, 11);

function start(options: Partial<VoiceOptions> = {}) {
  const out = fakeSink();
  const voice = createVoice({ sink: out.sink, form: "human", colour: false, level: "info", now, ...options });
  const objects = () =>
    out
      .accept()
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown);
  return { out, voice, objects };
}

describe("the voice", () => {
  test("speaks to a person", () => {
    const { out, voice } = start();
    voice.info("web crashed: exit 1 after 3.2 s; restarting at once", { service: "web" });
    expect(out.accept()).toBe("08:09:10 upkeep: web crashed: exit 1 after 3.2 s; restarting at once\n");
  });

  test("has colours only where they are allowed", () => {
    const { out, voice } = start({ colour: true });
    voice.info("a");
    voice.warn("b");
    voice.error("c");
    expect(out.accept()).toBe(
      "08:09:10 upkeep: a\n\x1b[33m08:09:10 upkeep: b\x1b[0m\n\x1b[31m08:09:10 upkeep: c\x1b[0m\n",
    );
  });

  test("says its own level and what is worse, and the level may change", () => {
    const { out, voice } = start({ level: "warn" });
    voice.info("no");
    voice.warn("yes");
    voice.level = "debug";
    voice.debug("also");
    expect(voice.level).toBe("debug");
    expect(out.accept()).toBe("08:09:10 upkeep: yes\n08:09:10 upkeep: also\n");
  });

  test("lets nobody inject lines or terminal sequences", async () => {
    const evil = "a\nb\x1b[2J\x9b\u2028\u202e\x7f\x07";
    const { out, voice } = start();
    voice.error(evil);
    expect(out.accept()).toBe("08:09:10 upkeep: a\\nb\\x1b[2J\\x9b\\u2028\\u202e\\x7f\\x07\n");
    const json = start({ form: "json" });
    json.voice.error(evil, { path: evil });
    await json.voice.settled();
    expect(json.out.accept()).not.toMatch(/[\p{Cc}\u2028\u202e](?!$)/u);
    expect(printable("héllo €😀")).toBe("héllo €😀");
  });

  test("speaks to machines in one object per line, what was said before pino came in order and with its time", async () => {
    let minute = 0;
    const { out, voice, objects } = start({ form: "json", now: () => new Date(Date.UTC(2026, 0, 1, 0, minute++)) });
    voice.info("one", { service: "web", pid: 7 });
    voice.error("two");
    expect(out.accept()).toBe("");
    await voice.settled();
    voice.warn("three");
    expect(objects()).toEqual([
      { level: "info", time: "2026-01-01T00:00:00.000Z", msg: "one", service: "web", pid: 7 },
      { level: "error", time: "2026-01-01T00:01:00.000Z", msg: "two" },
      { level: "warn", time: "2026-01-01T00:02:00.000Z", msg: "three" },
    ]);
  });

  test("speaks the same without pino", async () => {
    const { voice, objects } = start({ form: "json", load: () => Promise.reject(new Error("no pino")) });
    voice.info("one", { service: "web" });
    await voice.settled();
    voice.info("two");
    expect(objects()).toMatchObject([
      { level: "info", time: now().toISOString(), msg: "one", service: "web" },
      { msg: "two" },
    ]);
  });

  test("keeps no more than a thousand lines before pino comes, and says how many it dropped", async () => {
    const { voice, objects } = start({ form: "json" });
    for (let count = 0; count < 1005; count++) voice.info(`${count}`);
    await voice.settled();
    const lines = objects();
    expect(lines).toHaveLength(1001);
    expect(lines.at(-1)).toMatchObject({ level: "warn", dropped: 5 });
  });

  test("drops what nobody reads, and says how much once somebody does", () => {
    const { out, voice } = start();
    out.setRoom(false);
    for (let count = 0; count < 3; count++) voice.info("lost");
    out.setRoom(true);
    voice.info("heard");
    const text = out.accept();
    expect(text.split("\n")).toHaveLength(3);
    expect(text).toMatch(/ 3 lines .*\n.* heard\n$/);
  });
});
