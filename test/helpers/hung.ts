// A file system that never answers, as that of a server that has gone: FUSE without anybody behind it; and one whose server
// may be stopped.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { onTestFinished, type TestContext } from "vitest";
import { compile } from "./core.ts";
import { eventually } from "./eventually.ts";
import { need, skip } from "./need.ts";
import type { Namespace } from "./pid-namespace.ts";
import { isStopped } from "./proc.ts";

/** Skips the test where no such file system can be had. */
export function needHanging(context: TestContext): void {
  need(context, "root", "nsenter", "mount");
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
  } catch {
    skip(context, "needs /dev/fuse");
  }
}

// The end of whoever holds the device is the end of the waiting: all that hangs fails then.
const MOUNT = `
for place; do
  exec 3<>/dev/fuse
  mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0,allow_other hung "$place" || exit 1
  sleep 1000000 &
done
echo hangs
wait
`;

/**
 * From now on no call below these directories returns, in this namespace alone. The returned function ends that: all
 * that hangs there, and all that comes later, fails.
 */
export async function hang(space: Pick<Namespace, "init">, ...places: readonly string[]): Promise<() => void> {
  // Not in its namespace of pids: what ends everything there must not end this.
  const words = ["--target", String(space.init), "--mount", "--", "sh", "-c", MOUNT, "sh", ...places];
  const holder = spawn("nsenter", words, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const group = -(holder.pid ?? 0);
  const [said] = await once(holder.stdout, "data");
  if (String(said) !== "hangs\n") throw new Error(`cannot mount: ${said}`);
  let hangs = true;
  const answer = () => {
    if (hangs && group < 0) process.kill(group, "SIGKILL");
    hangs = false;
  };
  onTestFinished(answer);
  return answer;
}

/** The same in the namespace of the tests, where it is taken away at the end of the test. */
export async function hangHere(place: string): Promise<void> {
  onTestFinished(async () => void (await execa("umount", ["-l", place])));
  await hang({ init: process.pid }, place);
}

/** A file system that answers, for as long as it is to. */
export interface Stoppable {
  /** Once it is done no call there returns; whoever is killed in one ends. */
  stop(): Promise<void>;
  /** All that has waited is answered. */
  goOn(): void;
}

/** Mounts an empty one at `place`, in this namespace of mounts or, by default, that of the tests. */
export async function mountStoppable(
  place: string,
  { init }: Pick<Namespace, "init"> = { init: process.pid },
): Promise<Stoppable> {
  const program = await compile(
    "stoppable-fs",
    [join(import.meta.dirname, "../fixtures/stoppable-fs.c")],
    ["-std=gnu11", "-O1"],
  );
  const words = ["--target", String(init), "--mount", "--", program, place];
  const server = spawn("nsenter", words, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(async () => {
    // Stopped or not; all that waits for it fails.
    server.kill("SIGKILL");
    if (init === process.pid) await execa("umount", ["-l", place]);
  });
  const [said] = await once(server.stdout, "data");
  if (String(said) !== "mounted\n") throw new Error(`cannot mount: ${said}`);
  return {
    stop: async () => {
      server.kill("SIGSTOP");
      // What it takes on its way to the stop it has, and the kernel lets nobody go who waits for that.
      await eventually("its server is stopped", () => isStopped(server.pid ?? 0));
    },
    goOn: () => void server.kill("SIGCONT"),
  };
}
