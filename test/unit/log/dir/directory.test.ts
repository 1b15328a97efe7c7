import { expect, test } from "vitest";
import { openLogDirectory } from "../../../../src/log/dir/directory.ts";
import type { LogDirectory } from "../../../../src/log/dir/model.ts";
import { fakeClock } from "../fakes.ts";
import { failure, fakeDisk, fakeTold, quiet } from "./fakes.ts";

async function open(files: Parameters<typeof fakeDisk>[0] = {}, options = {}) {
  const disk = fakeDisk(files);
  const clock = fakeClock();
  const { said, told } = fakeTold();
  let time = 1e15;
  const ran: string[] = [];
  const exits: boolean[] = [];
  const run = async (command: string) => {
    ran.push(command);
    return exits.shift() ?? true;
  };
  const parts = { calls: disk.calls, clock, micros: () => ++time, run };
  const directory = await openLogDirectory("/log", told, options, parts);
  return { disk, clock, said, directory: directory as LogDirectory, ran, exits };
}
const config = (text: string) => ({ config: { text, mode: 0o644 } });
const write = (directory: LogDirectory, text: string, copied?: () => void) =>
  new Promise<void>((done) => directory.write(Buffer.from(text), done, copied));

test("a write is answered when all of it is in the file, however few bytes the disk takes at a time", async () => {
  const { disk, directory } = await open();
  disk.limit(3);
  await write(directory, "one\ntwo\n");
  expect(disk.text("current")).toBe("one\ntwo\n");
});

test("files are cut at ends of lines within one write", async () => {
  const { disk, directory } = await open(config("s10\n"), { lineMax: 5 });
  await write(directory, "aaaa\nbbbb\ncccc\ndd\n");
  expect(disk.old().map(disk.text)).toEqual(["aaaa\n", "bbbb\n", "cccc\n"]);
  expect(disk.text("current")).toBe("dd\n");
  expect(disk.entries.get(disk.old()[0] ?? "")?.mode).toBe(0o744);
  expect(disk.entries.get("current")?.mode).toBe(0o644);
});

test("what comes while it is busy waits, in the order of asking", async () => {
  const { disk, directory } = await open();
  disk.hold();
  const order: string[] = [];
  void write(directory, "one\n").then(() => order.push("one"));
  void directory.rotate().then(() => order.push("rotated"));
  void write(directory, "two\n").then(() => order.push("two"));
  await quiet();
  expect(disk.waiting()).toBe(1);
  disk.answer();
  await quiet();
  disk.answer();
  await quiet();
  expect(order).toEqual(["one", "rotated", "two"]);
  expect([disk.old().map(disk.text), disk.text("current")]).toEqual([["one\n"], "two\n"]);
});

test("on a full disk it pauses, lets go of the bytes that it was given, and loses none", async () => {
  const { disk, clock, said, directory } = await open();
  disk.limit(2);
  await write(directory, "one\n");
  const bytes = Buffer.from("two\nthree\n");
  disk.fail("write", failure("ENOSPC"));
  let isDone = false;
  directory.write(
    bytes,
    () => {
      isDone = true;
    },
    () => bytes.fill("x"),
  );
  await quiet();
  expect(said.at(-1)).toBe("pausing: unable to write to current: /log: out of disk space");
  clock.advance(3000);
  await quiet();
  disk.fail("write", null);
  expect(isDone).toBe(false);
  clock.advance(3000);
  await quiet();
  expect(isDone).toBe(true);
  expect(disk.text("current")).toBe("one\ntwo\nthree\n");
});

test("on a full disk the oldest files go where N says so, and a pause comes only after that", async () => {
  const old = Object.fromEntries([1, 2, 3].map((n) => [`@40000000000000${n}a00000000.s`, { text: "x", mode: 0o744 }]));
  const { disk, said, directory } = await open({ ...old, ...config("N1\n") });
  disk.fail("write", failure("ENOSPC"));
  void write(directory, "one\n");
  await quiet();
  expect(disk.old()).toEqual(["@400000000000003a00000000.s"]);
  expect(said.filter((text) => !text.startsWith("read") && !text.startsWith("new"))).toEqual([
    "warning: out of disk space, delete: /log/@400000000000001a00000000.s",
    "warning: out of disk space, delete: /log/@400000000000002a00000000.s",
    "pausing: unable to write to current: /log: out of disk space",
  ]);
});

test("no timer runs for an empty current, and one that has lines is rotated at its age", async () => {
  const { disk, clock, directory } = await open(config("t10\n"));
  expect(clock.count()).toBe(0);
  clock.advance(25_000);
  await write(directory, "one\n");
  expect(clock.count()).toBe(1);
  clock.advance(4_999);
  await quiet();
  expect(disk.old()).toEqual([]);
  clock.advance(1);
  await quiet();
  expect(disk.old().map(disk.text)).toEqual(["one\n"]);
  expect(clock.count()).toBe(0);
});

test("a file that lives long goes to the disk in the background, one that will soon be deleted does not", async () => {
  const { disk, clock, directory } = await open(config("n3\n"));
  const syncs = () => disk.log.filter((call) => call.startsWith("fsync")).length;
  await write(directory, "one\n");
  clock.advance(9_000);
  await directory.rotate();
  expect(syncs()).toBe(0);
  await write(directory, "two\n");
  clock.advance(10_000);
  await directory.rotate();
  await quiet();
  expect(syncs()).toBe(1);
});

test("a current that somebody has deleted does not stop it", async () => {
  const { disk, directory } = await open();
  await write(directory, "one\n");
  disk.entries.delete("current");
  await directory.rotate();
  await write(directory, "two\n");
  expect(disk.text("current")).toBe("two\n");
});

test("what cannot be done is tried again every three seconds, and told each time", async () => {
  const { disk, clock, said, directory } = await open();
  await write(directory, "one\n");
  disk.fail("rename", failure("EROFS"));
  let isRotated = false;
  void directory.rotate().then(() => {
    isRotated = true;
  });
  await quiet();
  clock.advance(3000);
  await quiet();
  const sentence = "pausing: unable to rename current: /log: read-only file system";
  expect(said.slice(-2)).toEqual([sentence, sentence]);
  disk.fail("rename", null);
  clock.advance(3000);
  await quiet();
  expect(isRotated).toBe(true);
});

test("a directory that cannot be opened is told of, and after a reopen that fails it drops what is written", async () => {
  const disk = fakeDisk();
  const { said, told } = fakeTold();
  disk.fail("stat", failure("EACCES"));
  expect(await openLogDirectory("/log", told, { name: "log" }, { calls: disk.calls })).toBe(null);
  expect(said).toEqual(["warning: unable to open log directory: log: access denied"]);
  const second = await open();
  await write(second.directory, "one\n");
  second.disk.fail("stat", failure("EACCES"));
  expect(await second.directory.reopen()).toBe(false);
  await write(second.directory, "two\n");
  await second.directory.rotate();
  await second.directory.close();
  expect(second.disk.text("current")).toBe("one\n");
});

test("a rotation waits for the processor of the last one, and a new config frees it from one that always fails", async () => {
  const { disk, clock, directory, exits, ran, said } = await open(config("!no\n"));
  exits.push(false, false, true);
  await write(directory, "one\n");
  await directory.rotate();
  await write(directory, "two\n");
  let isRotated = false;
  void directory.rotate().then(() => {
    isRotated = true;
  });
  await quiet();
  expect([isRotated, ran]).toEqual([false, ["no"]]);
  expect(said.at(-1)).toBe("warning: processor failed, restart: /log");
  const entry = disk.entries.get("config");
  if (entry !== undefined) entry.text = "!yes\n";
  void directory.reopen();
  await quiet();
  clock.advance(1000);
  await quiet();
  clock.advance(2000);
  await quiet();
  expect([isRotated, ran]).toEqual([true, ["no", "yes", "yes", "yes"]]);
  expect(disk.old().map((name) => name.at(-1))).toEqual(["s", "s"]);
});
