import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { type OfflineWorld, offline } from "../../../src/main/offline.ts";
import { createPrinter } from "../../../src/main/printer.ts";

const { EAGAIN, EBADF, EINTR, ENOSPC, EPIPE } = constants.errno;

/** Answers each write as the list says: so many bytes of it, or an errno; from its end on, with all of it. */
function system(...answers: readonly (number | { readonly errno: number })[]) {
  const left = [...answers];
  let text = "";
  let naps = 0;
  return {
    write(_: number, bytes: Uint8Array) {
      const answer = left.shift() ?? bytes.length;
      if (typeof answer !== "number") throw Object.assign(new Error(), { errno: -answer.errno });
      text += Buffer.from(bytes.subarray(0, answer)).toString();
      return answer;
    },
    nap: () => void naps++,
    text: () => text,
    naps: () => naps,
  };
}

describe("what is printed", () => {
  test("is written whole, by pieces where a pipe has room for no more", () => {
    const pipe = system(3, { errno: EAGAIN }, { errno: EINTR }, 2);
    const printer = createPrinter(1, pipe);
    printer.print("one two\n");
    printer.print(Buffer.from("three\n"));
    expect(pipe.text()).toBe("one two\nthree\n");
    expect(pipe.naps()).toBe(1);
    expect(printer.fault()).toBeNull();
  });

  test("ends with the first write that fails", () => {
    const disk = system(3, { errno: ENOSPC });
    const printer = createPrinter(1, disk);
    printer.print("one two\n");
    printer.print("three\n");
    expect(disk.text()).toBe("one");
    expect(printer.fault()).toBe(ENOSPC);
  });
});

describe("a command whose output cannot be written", () => {
  const world: OfflineWorld = {
    words: ["help"],
    version: "1",
    env: {},
    own: { uid: 0, gid: 0, groups: [] },
    node: "v20",
    globalFile: "/none",
  };
  // biome-ignore format: a table
  const cases = {
    "says why, and fails": [ENOSPC, 1, "upkeep: cannot write the output: ENOSPC: no space left on device\n"],
    "says that it is closed": [EBADF, 1, "upkeep: cannot write the output: EBADF: bad file descriptor\n"],
    "ends quietly where its reader has gone": [EPIPE, 141, ""],
  } as const;
  for (const [title, [errno, code, said]] of Object.entries(cases))
    test(title, async () => {
      const err = system();
      expect(await offline(world, createPrinter(1, system({ errno })), createPrinter(2, err))).toBe(code);
      expect(err.text()).toBe(said);
    });
});
