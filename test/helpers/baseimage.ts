// An image laid out as baseimage-docker has it, for one namespace alone.
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type ServiceFiles, temporaryDirectory, writeFiles } from "./service-dir.ts";

export interface Baseimage {
  /** Shell lines for `launch`: from then on /etc is a copy with the layout in it. */
  readonly setup: string;
  /** A directory that is the same on both sides. */
  readonly shared: string;
}

const DIRECTORIES = [
  "my_init.d",
  "my_init.pre_shutdown.d",
  "my_init.post_shutdown.d",
  "container_environment",
  "service",
];

/** The layout with these files below /etc; `files` is given a directory that both sides see. */
export function baseimage(files: (shared: string) => ServiceFiles): Baseimage {
  const shared = temporaryDirectory();
  chmodSync(shared, 0o777);
  const etc = join(shared, "etc");
  for (const directory of DIRECTORIES) mkdirSync(join(etc, directory), { recursive: true });
  // No test here is about how long a service has to live to be ready.
  writeFiles(etc, { "upkeep.ini": "settle = 10ms\n", ...files(shared) });
  const setup = [
    "mkdir /run/etc",
    // What is root's alone is of no use here, and an ordinary user cannot read it.
    "cp -a /etc/. /run/etc/ 2>/dev/null || :",
    "rm -rf /run/etc/service /run/etc/rc.local /run/etc/my_init* /run/etc/container_environment*",
    `cp -a ${etc}/. /run/etc/`,
    "mount --bind /run/etc /etc",
  ].join("\n");
  return { setup, shared };
}
