import { describe, expect, test } from "vitest";
import { monotonic } from "../../src/base/clock.ts";
import { eventually, timed } from "../helpers/eventually.ts";
import { managerOf, nextManager } from "../helpers/manager.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { send, status, waits } from "../helpers/proc.ts";
import { type ServiceFiles, scanDir } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";
import { fullPipe, readPipe } from "../helpers/stream.ts";

/** How long nobody reads; an hour would be no other. */
const UNREAD = 4000;

/** Services that write to it without end, by the pipe of ours and by themselves. */
const floods = {
  stdout: {
    flood: { run: "#!/bin/sh\nexec yes 'a line of a service that says too much'\n" },
    direct: { run: "#!/bin/sh\nexec yes 'a line that goes there by itself'\n", "service.ini": "log = inherit\n" },
  },
  stderr: { errors: { run: "#!/bin/sh\nexec yes 'an error' >&2\n", "service.ini": "log = inherit\n" } },
} as const;

const mortal = {
  run: "#!/bin/sh\necho started\nexec sleep 1000\n",
  "service.ini": "restart-delay = 10ms\nrestart-delay-max = 10ms\n",
};

const restarted = async (space: Namespace) => {
  const { pid } = await statusOf(space, "mortal");
  send(space.outer(pid ?? 0), "SIGKILL");
  await eventually("mortal runs again", async () => {
    const { pid: next, state } = await statusOf(space, "mortal");
    return state === "up" && next !== pid;
  });
};

describe("a container log that nobody reads", () => {
  const streams = { stdout: ["stdout"], stderr: ["stderr"], both: ["stdout", "stderr"] } as const;
  for (const [name, unread] of Object.entries(streams)) {
    test(`${name}: restarts and control go on, a manager is replaced, and TERM ends all in time`, async () => {
      const options: { stdout?: number; stderr?: number } = {};
      let services: Readonly<Record<string, ServiceFiles>> = { mortal };
      for (const stream of unread) {
        options[stream] = (await fullPipe()).write;
        services = { ...services, ...floods[stream] };
      }
      const space = await launch([scanDir(services).path], options);
      await allUp(space, ...Object.keys(services));
      const end = monotonic.now() + UNREAD;
      while (monotonic.now() < end) {
        await restarted(space);
        // What waits for the reader would wait for ever.
        await statusOf(space, "mortal");
      }
      const manager = managerOf(space) ?? 0;
      send(manager, "SIGKILL");
      await nextManager(space, manager);
      await eventually("it answers", async () => (await statusOf(space, "mortal")).state === "up");
      await restarted(space);
      const { result, active } = await timed(() => {
        space.signal("TERM");
        return space.exit();
      });
      expect(result).toEqual({ code: 0 });
      // Not by the end of the budget.
      expect(active).toBeLessThan(9000);
    });
  }

  test("what is not read waits in the services' pipes, and comes whole once somebody reads", async () => {
    const count = 1_000_000;
    const directory = scanDir({
      flood: { run: `#!/bin/sh\nexec seq -f 'flood %.0f.' 1 ${count}\n`, "service.ini": "type = oneshot\n" },
    });
    const out = await readPipe();
    out.pause();
    const space = await launch([directory.path], { stdout: out.write });
    const pid = await eventually("it runs", async () => space.outer((await statusOf(space, "flood")).pid ?? 0));
    await eventually("it waits for room", () => waits(pid));
    const before = memory(space);
    out.resume();
    const lines = Array.from({ length: count }, (_, index) => `[flood] flood ${index + 1}.\n`).join("");
    await eventually("all has come", () => out.size() >= lines.length, 30_000);
    expect(out.text() === lines).toBe(true);
    expect(memory(space) - before).toBeLessThan(20_000);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
  });
});

/** The most memory the manager has had, in KB. */
const memory = (space: Namespace): number => Number.parseInt(status(managerOf(space) ?? 0, "VmHWM") ?? "", 10);
