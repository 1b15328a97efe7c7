// Images of baseimage-docker that are not as they should be.
import { join } from "node:path";
import { expect, test } from "vitest";
import { baseimage } from "../helpers/baseimage.ts";
import { need } from "../helpers/need.ts";
import { launch } from "../helpers/pid-namespace.ts";
import { linesOf } from "../helpers/scripts.ts";

const image = () =>
  baseimage((shared) => ({
    "my_init.d/10_first": `#!/bin/sh\necho "first $MINE" >>${shared}/notes\nrm -f /etc/container_environment/GONE\n`,
    "my_init.d/20_second": `#!/bin/sh\necho "second $MINE$GONE" >>${shared}/notes\n`,
  }));

test("a pipe or a directory in place of a variable's file is told once, and keeps nothing waiting", async () => {
  const { setup, shared } = image();
  const space = await launch(["my_init", "--", "true"], {
    setup: `${setup}\nmkfifo /etc/container_environment/FIFO\nmkdir /etc/container_environment/DIR`,
    env: { DIR: "1", FIFO: "2", GONE: "3", MINE: "4" },
  });
  expect(await space.exit()).toEqual({ code: 0 });
  expect(linesOf(join(shared, "notes"))).toEqual(["first 4", "second 4"]);
  for (const [name, why] of [
    ["FIFO", "it is a socket or a pipe"],
    ["DIR", "it is a directory"],
  ]) {
    expect(space.stderr()).toContain(`container_environment/${name}\\": ${why}`);
    expect(space.stderr().split(`container_environment/${name}\\" as a variable`)).toHaveLength(2);
  }
});

test("where it cannot be written the container's own variables stay", async (context) => {
  need(context, "root");
  const { setup, shared } = image();
  const space = await launch(["my_init", "--", "sh", "-c", `echo "main $MINE" >>${shared}/notes`], {
    setup: `${setup}\nmount -o remount,ro,bind /etc`,
    env: { MINE: "4" },
  });
  expect(await space.exit()).toEqual({ code: 0 });
  expect(linesOf(join(shared, "notes"))).toEqual(["first 4", "second 4", "main 4"]);
  expect(space.stderr()).toContain("cannot write /etc/container_environment: the file system is read-only");
});

test("an enable_insecure_key that is not there ends it in words that fit, and a command alone is no service", async () => {
  const { setup } = image();
  const space = await launch(["my_init", "--enable-insecure-key", "--", "true"], { setup });
  expect(await space.exit()).toEqual({ code: 126 });
  expect(space.stderr()).toContain("cannot execute /usr/sbin/enable_insecure_key: ENOENT");
  expect(space.stderr()).not.toContain("link");
  const other = await launch(["my_init", "--", "true"], { setup });
  expect(await other.exit()).toEqual({ code: 0 });
  expect(other.stderr()).toContain("supervising 0 services");
});
