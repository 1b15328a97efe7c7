import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { engine } from "../../../../src/log/svlogd/engine.ts";
import { createHouse } from "../../../../src/log/svlogd/house.ts";
import { fakeClock } from "../fakes.ts";

test("who comes and does not say what for is let go after ten seconds", () => {
  const clock = fakeClock();
  const house = createHouse(0, () => {}, engine, clock);
  const socket = new PassThrough();
  house.welcome(socket);
  clock.advance(9_999);
  expect(socket.destroyed).toBe(false);
  clock.advance(1);
  expect(socket.destroyed).toBe(true);
  expect(house.count()).toBe(0);
});
