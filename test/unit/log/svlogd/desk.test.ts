import { expect, test } from "vitest";
import { createDesk } from "../../../../src/log/svlogd/desk.ts";

/** A clock whose alarms ring by hand. */
const handClock = () => {
  const alarms = new Set<() => void>();
  return {
    now: () => 0,
    at(_: number, wake: () => void) {
      alarms.add(wake);
      return () => void alarms.delete(wake);
    },
    ring() {
      for (const wake of alarms) wake();
    },
  };
};

test("a directory has one writer at a time, in the order of their coming", async () => {
  const desk = createDesk();
  const order: string[] = [];
  const come = (name: string) => desk.enter("1:2").then(() => order.push(name));
  await come("first");
  const others = [come("second"), come("third")];
  await desk.enter("1:3");
  expect(order).toEqual(["first"]);
  desk.leave("1:2");
  await others[0];
  expect(order).toEqual(["first", "second"]);
  desk.leave("1:2");
  await others[1];
  desk.leave("1:2");
  await come("fourth");
  expect(order).toEqual(["first", "second", "third", "fourth"]);
});

test("the begin of a line waits for the next one on its pipe, and is told of if nobody comes", () => {
  const clock = handClock();
  const desk = createDesk(clock);
  let lost = 0;
  desk.keep("0:1", Buffer.from("half"), () => lost++);
  expect(desk.take("0:2").length).toBe(0);
  expect(desk.take("0:1").toString()).toBe("half");
  expect(desk.take("0:1").length).toBe(0);
  clock.ring();
  expect(lost).toBe(0);
  desk.keep("0:1", Buffer.from("other"), () => lost++);
  clock.ring();
  expect([lost, desk.take("0:1").length]).toEqual([1, 0]);
});
