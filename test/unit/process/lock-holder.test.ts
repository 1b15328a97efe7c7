import { expect, test } from "vitest";
import { holderIn } from "../../../src/process/lock-holder.ts";

const locks = `1: POSIX  ADVISORY  WRITE 11 fe:00:500 0 EOF
2: FLOCK  ADVISORY  WRITE 22 00:1c:500 0 EOF
2: -> FLOCK  ADVISORY  WRITE 99 fe:00:500 0 EOF
3: FLOCK  ADVISORY  WRITE 33 fe:00:500 0 EOF
4: FLOCK  ADVISORY  WRITE 0 fe:00:600 0 EOF
5: FLOCK  ADVISORY  WRITE -1 fe:00:700 0 EOF
6: FLOCK  ADVISORY  WRITE 66 00:2a:800 0 EOF
`;
const DEVICE = 0xfe00;

test("the holder of a lock is found by inode, on the same device where there are several", () => {
  expect(holderIn(locks, 500, DEVICE)).toBe(33);
  // A file system of layers names another device than stat does.
  expect(holderIn(locks, 800, DEVICE)).toBe(66);
});

test("one that is not to be seen from here, or that nobody holds, is nobody", () => {
  expect([600, 700, 900, 50].map((inode) => holderIn(locks, inode, DEVICE))).toEqual([null, null, null, null]);
});
