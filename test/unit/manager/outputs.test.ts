import { expect, test } from "vitest";
import type { Core, Hello } from "../../../src/channel/core.ts";
import type { Sink } from "../../../src/log/sink.ts";
import type { Voice } from "../../../src/log/voice.ts";
import { createOutputs } from "../../../src/manager/outputs.ts";
import { service } from "../service/support.ts";

function outputs(tags: readonly string[]) {
  const asked: string[] = [];
  const core = {
    pipe: (tag: string) => asked.push(`pipe ${tag}`),
    drop: (tag: string) => asked.push(`drop ${tag}`),
  } as unknown as Core;
  const pipes = tags.map((tag) => ({ tag, read: true, skip: false, lost: 0, atMost: false }));
  const hello = { pipes, directories: [], blobs: new Map<string, string>() } as unknown as Hello;
  const sink = { onLong: () => {}, room: () => true } as unknown as Sink;
  return {
    asked,
    of: createOutputs({
      core,
      out: sink,
      voice: {} as Voice,
      terminal: null,
      hello,
      manners: { inherits: false },
      mounts: { isLocal: () => true },
      world: { own: { uid: 0 } },
    }),
  };
}

const handle = () => {
  const it = {
    fd: -1,
    isClosed: false,
    close() {
      it.isClosed = true;
    },
  };
  return it;
};

test("the pipes of services that are gone are dropped at a takeover, the others kept", () => {
  const { asked, of } = outputs(["o1", "l2", "o3", "l4"]);
  of.takeOver([[{ spec: service(), number: 1 }, null]]);
  expect(asked).toEqual(["drop l2", "drop o3", "drop l4"]);
});

test("a pipe that a process still writes to is kept, whatever the definition says by now", () => {
  const { asked, of } = outputs(["o1"]);
  of.takeOver([[{ spec: service({ log: "inherit" }), number: 1 }, null]]);
  expect(asked).toEqual([]);
});

test("a descriptor that comes when its service is gone is closed", async () => {
  const { asked, of } = outputs([]);
  const speaker = { spec: service(), number: 1 };
  of.streams(speaker, null);
  of.removed(speaker);
  const late = handle();
  of.handed("o1", late);
  expect(late.isClosed).toBe(true);
  await Promise.resolve();
  expect(asked[0]).toBe("pipe o1");
});
