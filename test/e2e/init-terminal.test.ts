// On a terminal the command behaves as under the originals; under a shell with job control as if nothing were between.

import { readdirSync } from "node:fs";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { atPrompt, faces, fixture, onTerminal, type Session } from "../helpers/init.ts";
import { need } from "../helpers/need.ts";
import { upkeep } from "../helpers/pid-namespace.ts";
import { children, comesToRest, descendants, exe, isAlive, send, stat } from "../helpers/proc.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";

let pty: string;
let signals: string;
let links: string;
beforeAll(async () => {
  [pty, signals] = await Promise.all([fixture("pty"), fixture("signals")]);
  links = faces();
});
beforeEach((context) => need(context, "bash", "tini", "dumb-init"));

const ways = {
  none: () => [],
  upkeep: () => [upkeep, "--"],
  "Debian's tini": () => ["/usr/bin/tini", "-s", "--"],
  tini: () => [`${links}/tini`, "-s", "--"],
  "Debian's dumb-init": () => ["/usr/bin/dumb-init", "--"],
  "dumb-init": () => [`${links}/dumb-init`, "--"],
} as const;
type Way = keyof typeof ways;

const sees = (session: Session, text: string | RegExp) =>
  eventually(`the terminal shows ${text}; it shows ${JSON.stringify(session.shown().slice(-200))}`, () =>
    typeof text === "string" ? session.shown().includes(text) : text.test(session.shown()),
  );
/** What the command itself has said. */
const said = (session: Session): string[] => session.shown().match(/<[^>]*>/g) ?? [];
const isCommand = (pid: number) => stat(pid)?.comm === "signals";
/** The program, once its parent is gone: still of the terminal's session. */
const orphan = (session: Session): number | null => {
  const leader = descendants(session.pid)[0];
  // Nothing runs on the terminal yet; session 0 is the one of all whose leader this PID namespace does not know.
  if (leader === undefined) return null;
  const pids = readdirSync("/proc").map(Number).filter(Boolean);
  return pids.find((pid) => exe(pid) === upkeep && stat(pid)?.session === leader) ?? null;
};
const states = (session: Session, mine: (pid: number) => boolean): (string | undefined)[] =>
  descendants(session.pid)
    .filter(mine)
    .map((pid) => stat(pid)?.state);

describe("as the first program of a terminal", () => {
  const direct = async (way: Way): Promise<Session> => {
    const session = onTerminal(pty, [...ways[way](), signals, "terminal"]);
    await sees(session, "<ready 1>");
    return session;
  };

  test.each(Object.keys(ways) as Way[])(
    "Ctrl-C, the window's size and the exit code arrive, once each: %s",
    async (way) => {
      const session = await direct(way);
      session.type("\x03");
      await sees(session, "<int>");
      session.grow();
      await sees(session, "<winch 33x99>");
      session.type("hello\n");
      await sees(session, "<line hello>");
      session.type("q\n");
      expect(await session.ended).toBe(7);
      expect(said(session)).toEqual(["<ready 1>", "<int>", "<winch 33x99>", "<line hello>"]);
    },
  );

  // Nobody could resume it: the kernel lets nothing stop there. Under tini it can, and stays so.
  test.each(["none", "upkeep", "Debian's dumb-init", "dumb-init"] as const)(
    "Ctrl-Z leaves the command running: %s",
    async (way) => {
      const session = await direct(way);
      session.type("\x1a");
      session.type("hello\n");
      await sees(session, "<line hello>");
      session.type("q\n");
      expect(await session.ended).toBe(7);
    },
  );

  test.each(["Debian's tini", "tini"] as const)("Ctrl-Z stops the command alone: %s", async (way) => {
    const session = await direct(way);
    session.type("\x1a");
    await eventually("the command is stopped", () => states(session, isCommand)[0] === "T");
    expect(states(session, (pid) => !isCommand(pid))).not.toContain("T");
    send(descendants(session.pid).find(isCommand), "SIGCONT");
    await sees(session, "<cont>");
    session.type("q\n");
    expect(await session.ended).toBe(7);
  });
});

describe("under a shell with job control", () => {
  const inShell = async (way: Way, rest = ""): Promise<Session> => {
    const session = onTerminal(pty, ["bash", "--norc", "--noprofile", "-i"]);
    await sees(session, "$ ");
    session.type(`${[...ways[way](), signals, "terminal"].join(" ")}${rest}\n`);
    return session;
  };
  const leave = async (session: Session): Promise<void> => {
    await atPrompt(session);
    session.type("echo code=$?\n");
    await sees(session, /code=\d+\r\n/);
    session.type("exit\n");
    await session.ended;
  };

  test.each(["none", "upkeep", "Debian's dumb-init", "dumb-init"] as const)(
    "Ctrl-Z suspends the job, fg resumes it, Ctrl-C and the window's size arrive as before: %s",
    async (way) => {
      const session = await inShell(way);
      await sees(session, /<ready \d>/);
      session.type("\x1a");
      await sees(session, "Stopped");
      await eventually("all of the job is stopped", () =>
        states(session, (pid) => stat(pid)?.comm !== "bash").every((state) => state === "T"),
      );
      await atPrompt(session);
      session.type("fg\n");
      await sees(session, "<cont>");
      session.type("\x03");
      await sees(session, "<int>");
      session.grow();
      await sees(session, "<winch 33x99>");
      session.type("hello\n");
      await sees(session, "<line hello>");
      session.type("q\n");
      await leave(session);
      expect(session.shown()).toContain("code=7");
      expect(said(session).slice(1)).toEqual(["<cont>", "<int>", "<winch 33x99>", "<line hello>"]);
    },
  );

  test.each(["none", "upkeep"] as const)(
    "what is started in the background gets the terminal by fg: %s",
    async (way) => {
      const session = await inShell(way, " &");
      await sees(session, "<ready 0>");
      // It reads, and the kernel stops it for that.
      await eventually("the command is stopped", () => states(session, isCommand)[0] === "T");
      await atPrompt(session);
      session.type("fg\n");
      await sees(session, "<cont>");
      session.type("hello\n");
      await sees(session, "<line hello>");
      session.type("q\n");
      await leave(session);
      expect(session.shown()).toContain("code=7");
    },
  );

  test("what reads in the background where nobody could resume it stays stopped, and costs nothing", async () => {
    // The subshell that started it is gone before it reads: its group is an orphaned one.
    const command = `${upkeep} -- sh -c 'while ! [ -e gone ]; do sleep 0.05; done; read x; sleep 1000'`;
    const session = onTerminal(pty, [
      "bash",
      "-c",
      `cd ${temporaryDirectory()}; (set -m; ${command} </dev/tty &); touch gone; sleep 1000`,
    ]);
    const init = await eventually("it runs", () => orphan(session));
    await eventually("the command is stopped", () => children(init).some((pid) => stat(pid)?.state === "T"));
    // It is told of the stop, and once that is dealt with there is nothing more to do.
    await comesToRest(init);
    for (const pid of children(init)) send(pid, "SIGKILL");
    await eventually("it has left", () => !isAlive(init));
    // The terminal goes, and what leads its session with it.
    send(session.pid, "SIGKILL");
    await session.ended;
  });

  test.each(["none", "upkeep"] as const)("the terminal is the caller's again afterwards: %s", async (way) => {
    const words = [...ways[way](), signals, "terminal"].join(" ");
    const session = onTerminal(pty, ["sh", "-c", `${words}; read -r line; echo "after: $line"; exit 3`]);
    await sees(session, "<ready 1>");
    session.type("q\n");
    session.type("mine\n");
    await sees(session, "after: mine");
    expect(await session.ended).toBe(3);
  });
});
