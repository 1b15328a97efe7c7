// What `npm start` runs, in a place and on a port of its own.
import { cpSync, existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { freePort, need } from "../helpers/need.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { isAlive, send } from "../helpers/proc.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";
import { allUp, statuses } from "../helpers/status.ts";

const example = join(import.meta.dirname, "../../services.example");

/** The example, copied, so that the machine's own daemons are not what `start sshd` starts. */
async function start(): Promise<{ readonly space: Namespace; readonly url: string; readonly directory: string }> {
  const directory = temporaryDirectory();
  const services = join(directory, "services");
  // Whoever ran `npm start` here before has fifos there.
  cpSync(example, services, { recursive: true, filter: (path) => basename(path) !== "supervise" });
  const port = await freePort();
  const env = { UPKEEP_EXAMPLE_DIR: directory, PORT: String(port), TICK_SECONDS: "1" };
  return { space: await launch([services], { env }), url: `http://127.0.0.1:${port}`, directory };
}

describe("services.example", () => {
  let space: Namespace;
  let url: string;
  let directory: string;
  let pids: ReadonlyMap<string, number>;
  const log = () => (existsSync(join(directory, "app.log")) ? readFileSync(join(directory, "app.log"), "utf8") : "");

  beforeAll(async () => {
    ({ space, url, directory } = await start());
    pids = await allUp(space, "app", "db");
  });

  test("the app answers over HTTP with what the database has counted", async () => {
    // It is up once it has lived for a while, and may not listen yet.
    const first = await eventually("it answers", async () => (await fetch(url)).text());
    expect(first).toBe("hello, you are visit 1\n");
    expect(await (await fetch(url)).text()).toBe("hello, you are visit 2\n");
  });

  test("the app's lines go to its logger, which keeps them", async () => {
    await eventually("the request is in app.log", () => log().includes("GET / 200"));
  });

  test("the periodic job comes round", async () => {
    await eventually("it ticks twice", () => space.output().split("tick at ").length > 2);
  });

  test("the daemons that are marked down are known, and left down", async () => {
    for (const status of await statuses(space, "sshd", "cron")) {
      expect(status).toMatchObject({ state: "down", normallyDown: true, pid: null });
    }
  });

  test("a database that crashes takes the app down with it, and both come back", async () => {
    send(pids.get("db"), "SIGKILL");
    await eventually("the count begins anew", async () => (await (await fetch(url)).text()).endsWith("visit 1\n"));
    const again = await allUp(space, "app", "db");
    expect(again.get("db")).not.toBe(pids.get("db"));
    expect(again.get("app")).not.toBe(pids.get("app"));
    expect(isAlive(pids.get("app") ?? 0)).toBe(false);
  });

  test("TERM stops the app first, its logger gets the last line, and the end is 0", async () => {
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 0 });
    expect(log().trimEnd().split("\n").at(-1)).toBe("finishing the last requests");
    const said = space.output();
    expect(said).toMatch(/finishing the last requests[\s\S]*closing after \d+ visits/);
  });
});

test("sshd of the example starts once it is asked for, where it is installed", async (context) => {
  need(context, "root", "sshd", "ssh-keygen");
  const { space } = await start();
  await allUp(space, "app");
  // Its own configuration, as the image would have it; a port of the machine's is not taken.
  const port = await freePort();
  const mounted = await space.inside([
    "sh",
    "-c",
    `cp -r /etc/ssh /run/ssh && printf 'Port %s\\nListenAddress 127.0.0.1\\nPidFile none\\n' ${port} >/run/ssh/sshd_config && mount --bind /run/ssh /etc/ssh`,
  ]);
  expect(mounted).toMatchObject({ code: 0 });
  expect(await space.upkeep("start", "sshd")).toMatchObject({ code: 0 });
  await allUp(space, "sshd");
});
