import { expect, test } from "vitest";
import { areAllLocalIn, createMounts, isLocalIn, mountPointIn, mountsIn } from "../../../src/process/mounts.ts";
import { fakeClock } from "../log/fakes.ts";

const table = `22 1 0:21 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/a
23 22 0:22 / /proc rw - proc proc rw
24 22 0:40 / /srv/two\\040words rw master:3 - nfs4 server:/x rw
25 22 0:41 / /etc/service/web/control rw - fuse hung rw
26 22 0:42 / /etc/service/db rw - tmpfs tmpfs rw
27 22 0:43 / /etc/service/db rw - 9p share rw
28 22 0:44 / /etc/service/db/data rw - ext4 /dev/sda rw
`;

test.each([
  ["/etc/service/app/control", true],
  ["/", true],
  ["/etc/service/web", true],
  ["/etc/service/web/control", false],
  ["/etc/service/web/control/t", false],
  ["/etc/service/web/controls", true],
  ["/srv/two words/run", false],
  // The later mount lies over the earlier one.
  ["/etc/service/db/control", false],
  ["/etc/service/db/data/x", true],
  ["relative", false],
])("%s is on a local file system: %s", (path, isLocal) => {
  expect(isLocalIn(mountsIn(table), path)).toBe(isLocal);
});

test("the table is read anew behind who asks; where there is none, or a very long one, nothing is local", () => {
  const clock = fakeClock();
  const tables: (string | null)[] = [table, null, `${table}${table.repeat(200)}`];
  let reads = 0;
  const due: (() => void)[] = [];
  const { isLocal, now } = createMounts(
    clock,
    () => {
      const text = tables[reads++];
      if (text == null) throw new Error("ENOENT");
      return text;
    },
    (work) => void due.push(work),
  );
  expect([isLocal("/a"), isLocal("/b")]).toEqual([true, true]);
  expect([reads, due.length]).toEqual([1, 0]);
  for (const expected of [2, 3]) {
    clock.advance(10);
    isLocal("/a");
    isLocal("/a");
    expect(due.length).toBe(1);
    due.shift()?.();
    expect(reads).toBe(expected);
    expect(isLocal("/a")).toBe(false);
  }
  // A long one is read rarely.
  clock.advance(9_999);
  isLocal("/a");
  expect(due.length).toBe(0);
  clock.advance(1);
  isLocal("/a");
  expect(due.length).toBe(1);
  // Who must know waits for it.
  expect(reads).toBe(3);
  now();
  expect(reads).toBe(4);
});

test("a path is on the mount that is nearest above it", () => {
  const mounts = mountsIn(table);
  const paths = ["/", "/etc/service", "/etc/service/web/control/t", "/srv/two words", "/srv/two", "relative"];
  expect(paths.map((path) => mountPointIn(mounts, path))).toEqual([
    ...["/", "/", "/etc/service/web/control", "/srv/two words", "/"],
    null,
  ]);
  expect(mountPointIn(new Map(), "/etc")).toBe(null);
});

test("all is local where each mount is, and where that is known", () => {
  expect(areAllLocalIn(mountsIn(table))).toBe(false);
  expect(areAllLocalIn(mountsIn(table.split("\n").slice(0, 2).join("\n")))).toBe(true);
  expect(areAllLocalIn(new Map())).toBe(false);
});

test("whoever asks to be sure has the table read anew first, if it may be out of date", () => {
  const clock = fakeClock();
  const tables = [table, table, table.replaceAll("ext4", "nfs4").replaceAll("overlay", "nfs4")];
  let reads = 0;
  const due: (() => void)[] = [];
  const { isLocal } = createMounts(
    clock,
    () => tables[reads++] ?? "",
    (work) => void due.push(work),
  );
  expect([isLocal("/a", true), isLocal("/a", true)]).toEqual([true, true]);
  expect(reads).toBe(1);
  clock.advance(10);
  expect(isLocal("/a")).toBe(true);
  expect(isLocal("/a", true)).toBe(true);
  expect([reads, due.length]).toEqual([2, 1]);
  clock.advance(10);
  expect(isLocal("/a", true)).toBe(false);
});
