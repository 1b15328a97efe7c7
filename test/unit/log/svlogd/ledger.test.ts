import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { createLedger } from "../../../../src/log/svlogd/ledger.ts";

const directory = mkdtempSync(join(tmpdir(), "upkeep-ledger-"));
let fd = openSync(join(directory, "ledger"), "w+");
beforeEach(() => {
  closeSync(fd);
  fd = openSync(join(directory, "ledger"), "w+");
});
afterAll(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true });
});

/** What the next server finds. */
const left = () => {
  const { lost, skip, carry } = createLedger(fd).left();
  return [lost, skip, carry.toString()];
};

test("nothing is left of a new one, and of a server that had nothing in its hands", () => {
  expect(left()).toEqual([0, false, ""]);
  const ledger = createLedger(fd);
  ledger.taking(100);
  ledger.held(80, 0);
  ledger.drained(0);
  expect(left()).toEqual([0, false, ""]);
});

test("a server that dies has taken what it held, and what a read may have taken", () => {
  const ledger = createLedger(fd);
  ledger.taking(100);
  expect(left()).toEqual([100, true, ""]);
  ledger.held(80, 0);
  expect(left()).toEqual([80, false, ""]);
  ledger.held(80, 7);
  expect(left()).toEqual([80, true, ""]);
  ledger.drained(7);
  expect(left()).toEqual([7, true, ""]);
  ledger.taking(100);
  expect(left()).toEqual([107, true, ""]);
});

test("a server that ends in order hands the begin of a line on", () => {
  const ledger = createLedger(fd);
  ledger.drained(4);
  ledger.handOn(Buffer.from("half"));
  expect(left()).toEqual([0, false, "half"]);
  createLedger(fd).taking(10);
  expect(left()).toEqual([10, true, ""]);
});

test("the nonce stands where the svlogd writes it, beside all else", () => {
  const ledger = createLedger(fd);
  writeSync(fd, "0123456789abcdef", 0);
  ledger.held(3, 1);
  expect(ledger.nonce()).toBe("0123456789abcdef");
});
