// A command beside services: `upkeep run DIR -- CMD`.
import { closeSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { atPrompt, fixture, hasTerminal, onTerminal } from "../helpers/init.ts";
import { need } from "../helpers/need.ts";
import { launch, realPipe, upkeep } from "../helpers/pid-namespace.ts";
import { argv, isAlive, stat } from "../helpers/proc.ts";
import { lines } from "../helpers/scripts.ts";
import { scanDir, temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";
import { allUp, statusOf } from "../helpers/status.ts";

const beside = (...command: readonly string[]) => {
  const services = scanDir({ side: { run: "#!/bin/sh\nexec sleep 1000\n", "service.ini": "settle = 10ms\n" } });
  return launch(["run", services.path, "--", ...command]);
};

describe("a command beside services", () => {
  test.each([
    ["its own code", ["sh", "-c", "exit 7"], 7],
    ["128 + N for a signal", ["sh", "-c", "kill -KILL $$"], 137],
    ["0", ["true"], 0],
    ["127 if it is not there", ["/no/such/program"], 127],
    ["126 if it cannot be executed", ["/etc/passwd"], 126],
  ])("ends everything with %s", async (_what, command, code) => {
    const space = await beside(...command);
    expect(await space.exit()).toEqual({ code });
  });

  test("is not exchanged for a directory by its name when everything is read anew", async () => {
    const run = "#!/bin/sh\nexec sleep 1000\n";
    const space = await launch(["run", scanDir({ main: { run } }).path, "--", "sleep", "1000"]);
    await allUp(space, "main");
    const { pid } = await statusOf(space, "main");
    await space.upkeep("apply");
    expect(await statusOf(space, "main")).toMatchObject({ state: "up", pid });
  });

  test("gives its own code when the container is told to stop, and ends before the services", async () => {
    const directory = temporaryDirectory();
    const [file, hears] = [join(directory, "order"), join(directory, "hears")];
    writeFiles(directory, {
      "services/side/run": {
        text: `#!/bin/sh\ntrap 'echo side >> ${file}; exit 0' TERM\necho >> ${hears}\nwhile :; do sleep 0.02; done\n`,
        mode: 0o755,
      },
    });
    const space = await launch([
      "run",
      join(directory, "services"),
      "--",
      "sh",
      "-c",
      `trap 'echo main >> ${file}; exit 5' TERM; echo >> ${hears}; while :; do sleep 0.02; done`,
    ]);
    await allUp(space, "main", "side");
    await lines(hears, 2);
    space.signal("TERM");
    expect(await space.exit()).toEqual({ code: 5 });
    expect(readFileSync(file, "utf8")).toBe("main\nside\n");
  });

  test("has the supervisor's own standard input, whose end stops nothing", async () => {
    const services = scanDir({ side: { run: "#!/bin/sh\nexec sleep 1000\n" } });
    const input = await realPipe();
    const space = await launch(["run", services.path, "--", "sh", "-c", "cat; echo end; exec sleep 1000"], {
      stdin: input.read,
    });
    await eventually("the command is up", async () => (await statusOf(space, "main")).pid !== null);
    closeSync(input.write);
    await eventually("the command has seen the end", () => space.stdout().includes("end\n"));
    expect(isAlive(space.pid)).toBe(true);
    expect((await statusOf(space, "side")).pid).not.toBeNull();
    closeSync(input.read);
  });

  test("gets the signals that the supervisor has no use for", async () => {
    const space = await beside("sh", "-c", "trap 'echo window' WINCH; echo set; while :; do sleep 0.02; done");
    await eventually("the handler is there", () => space.stdout().includes("set\n"));
    space.signal("WINCH");
    await eventually("the signal has arrived", () => space.stdout().includes("window\n"));
  });

  test("has the terminal: Ctrl-C, Ctrl-Z and fg are between it and its shell, and its end is the end", async (context) => {
    need(context, "bash");
    const pty = await fixture("pty");
    const services = scanDir({ side: { run: "#!/bin/sh\nexec sleep 1000\n" } });
    const environment = `UPKEEP_RUNTIME_DIR=${temporaryDirectory()}`;
    const session = onTerminal(pty, ["env", environment, upkeep, "run", services.path, "--", "bash", "--norc", "-i"]);
    const sees = (text: string | RegExp) =>
      eventually(`the terminal shows ${text}; it shows ${JSON.stringify(session.shown().slice(-300))}`, () =>
        typeof text === "string" ? session.shown().includes(text) : text.test(session.shown()),
      );
    session.type("PS1='ready> '\r");
    await sees("\nready> ");
    const isJob = (pid: number) => argv(pid).join(" ") === "sleep 1001" && stat(pid)?.state === "S";
    session.type("echo begun; sleep 1001\r");
    await sees("\nbegun");
    await hasTerminal(session, isJob);
    session.type("\x1a");
    await sees(/Stopped[\s\S]*ready> /);
    await atPrompt(session);
    session.type("fg\r");
    await sees("fg\r\nsleep 1001");
    await hasTerminal(session, isJob);
    session.type("\x03");
    await sees(/fg\r\nsleep 1001[\s\S]*ready> /);
    await atPrompt(session);
    session.type("echo $((6 * 7))\r");
    await sees("\n42");
    session.type("exit 3\r");
    expect(await session.ended).toBe(3);
    expect(session.shown()).toContain("side stopped");
  });

  test("writes its output untouched, without a prefix", async () => {
    const space = await beside("sh", "-c", "printf 'no newline'; exec sleep 1000");
    await eventually("it has written", () => space.stdout().includes("no newline"));
    expect(space.stdout()).toBe("no newline");
  });
});
