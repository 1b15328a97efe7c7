import { readFileSync } from "node:fs";
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

/** Mounts over these tables, of which null is one that cannot be read; `end` ends the callback of the loop. */
function mountsOver(...tables: readonly (string | null)[]) {
  const clock = fakeClock();
  const due: (() => void)[] = [];
  const reads = { count: 0 };
  const mounts = createMounts(
    clock,
    () => {
      const text = tables[reads.count++];
      if (text == null) throw new Error("ENOENT");
      return text;
    },
    (work) => void due.push(work),
  );
  const end = () => {
    for (const work of due.splice(0)) work();
  };
  return { ...mounts, clock, reads, end };
}

test("the table is read once for all that one callback of the loop asks, and anew for the next one", () => {
  const { isLocal, pointOf, now, reads, end } = mountsOver(table, table, table.replaceAll("overlay", "nfs4"), null);
  expect([isLocal("/a"), isLocal("/b"), pointOf("/etc/service/db"), reads.count]).toEqual([
    ...[true, true, "/etc/service/db"],
    1,
  ]);
  const first = now();
  end();
  // Nothing has changed: who keeps something for this table may go on with it.
  expect(now()).toBe(first);
  expect(reads.count).toBe(2);
  end();
  expect([isLocal("/a"), reads.count]).toEqual([false, 3]);
  expect(now()).not.toBe(first);
  end();
  expect([isLocal("/etc/service/db/data"), pointOf("/etc"), now().size]).toEqual([false, "/etc", 0]);
});

test("a very long table is read once a second, and nothing in it counts as local", () => {
  const { isLocal, clock, reads, end } = mountsOver(`${table}${table.repeat(200)}`, table);
  for (const wait of [0, 999]) {
    clock.advance(wait);
    expect([isLocal("/a"), reads.count]).toEqual([false, 1]);
    end();
  }
  clock.advance(1);
  expect([isLocal("/a"), reads.count]).toEqual([true, 2]);
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

test("the kernel's own table is read whole, and anew", () => {
  let end = () => {};
  const { now } = createMounts(fakeClock(), undefined, (work) => {
    end = work;
  });
  const own = mountsIn(readFileSync("/proc/self/mountinfo", "latin1"));
  for (const _ of [1, 2]) {
    expect(now()).toEqual(own);
    end();
  }
});
