// A run file that is almost right: one sentence that names the fix, in our log and in the status.
import { describe, expect, test } from "vitest";
import type { ServiceStatus } from "../../src/service/status.ts";
import { eventually } from "../helpers/eventually.ts";
import { find, need } from "../helpers/need.ts";
import { launch, type Namespace } from "../helpers/pid-namespace.ts";
import { type ServiceFiles, scanDir, temporaryDirectory, writeFiles } from "../helpers/service-dir.ts";
import { allUp, statuses } from "../helpers/status.ts";

const stays = "sleep 1000";
const perl = `perl -e 'sleep 1000'`;

/** Waits until the status says why, and gives it. */
async function why(space: Namespace, name: string): Promise<ServiceStatus & { readonly why: string }> {
  return eventually(`the status of ${name} says what is wrong`, async () => {
    const [one] = await statuses(space, name);
    // The errno of a start or the code of an end comes first; the finding follows it.
    return one?.why != null && /;/.test(one.why) ? { ...one, why: one.why } : null;
  });
}

/** The messages of our log that hold this text. */
function told(space: Namespace, text: string): string[] {
  const messages = space
    .stderr()
    .split("\n")
    .slice(0, -1)
    .filter((line) => line.startsWith("{"))
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
  return messages.filter((message) => message.includes(text));
}

const broken: readonly [what: string, files: ServiceFiles, fix: RegExp][] = [
  [
    "is not executable",
    { run: { text: `#!/bin/sh\nexec ${stays}\n`, mode: 0o644 } },
    /not executable; chmod \+x \S+\/run$/,
  ],
  ["has lines that end in CRLF", { run: `#!/bin/sh\r\nexec ${stays}\r\n` }, /CRLF.*; sed -i 's\/\\r\$\/\/' \S+\/run$/],
  [
    "names an interpreter that is not there",
    { run: "#!/opt/no/python\n" },
    /"\/opt\/no\/python" does not exist; install it/,
  ],
  ["is empty", { run: "" }, /run is empty; \S+\/run must hold a program/],
  ["is a directory", { "run/file": "" }, /it is a directory; \S+\/run must be an executable file/],
  ["is missing", { "service.ini": "" }, /there is no run yet; put an executable file at \S+\/run/],
];

describe("a run file", () => {
  test("that cannot run is named once in the log with the fix, in the status too, and harms no other service", async () => {
    const services = Object.fromEntries(broken.map(([, files], index) => [`bad${index}`, files]));
    const dir = scanDir({ ...services, good: { run: `#!/bin/sh\nexec ${stays}\n` } });
    const space = await launch([dir.path]);
    await allUp(space, "good");
    for (const [index, [what, , fix]] of broken.entries()) {
      const found = await why(space, `bad${index}`);
      expect({ what, ...found }).toMatchObject({
        what,
        state: "incomplete",
        pid: null,
        why: expect.stringMatching(fix),
      });
      expect(told(space, found.why)).toHaveLength(1);
    }
  });

  test("that is mended runs at once", async () => {
    const dir = scanDir({ web: { run: { text: `#!/bin/sh\nexec ${stays}\n`, mode: 0o644 } } });
    const space = await launch([dir.path]);
    await why(space, "web");
    writeFiles(dir.at("web"), { run: `#!/bin/sh\nexec ${stays}\n` });
    await allUp(space, "web");
  });

  test("without a first line like #!/bin/sh is run by sh, and told to have one", async () => {
    const space = await launch([scanDir({ web: { run: `exec ${stays}\n` } }).path]);
    await allUp(space, "web");
    const found = await why(space, "web");
    expect(found.why).toMatch(/no first line like #!\/bin\/sh.*; add that line to \S+\/run$/);
    expect(told(space, found.why)).toHaveLength(1);
  });
});

describe("a shell that only waits for its last command", () => {
  test("is told to exec it, with its name and the file", async (context) => {
    need(context, "perl");
    const script = `#!/bin/sh\nexport MODE=1\n${perl} \\\n  one two\n\n# the end\n`;
    const dir = scanDir({ app: { run: script }, right: { run: `#!/bin/sh\nexec ${perl}\n` } });
    const space = await launch([dir.path]);
    const found = await why(space, "app");
    expect(found.why).toContain(`(pid ${found.pid}) that only waits for perl; write exec before perl`);
    expect(found.why).toContain(dir.at("app", "run"));
    expect(told(space, found.why)).toHaveLength(1);
    const [right] = await statuses(space, "right");
    expect(right?.why).toBeNull();
  });

  test("is told so of another script that it calls", async () => {
    const program = `${temporaryDirectory()}/entrypoint`;
    writeFiles(`${program}.d`, { work: "#!/bin/sh\nwhile :; do sleep 1; done\n" });
    const space = await launch([scanDir({ app: { run: `#!/bin/sh -e\nMODE=1 ${program}.d/work start\n` } }).path]);
    expect((await why(space, "app")).why).toContain(`write exec before ${program}.d/work`);
  });
});

test("a script that supervises, traps, pipes or loops is left in peace", async (context) => {
  need(context, "perl");
  const scripts: Readonly<Record<string, string>> = {
    loop: "while :; do sleep 1000; done",
    work: `while :; do\n  ${perl}\ndone`,
    trap: `trap 'kill $!' TERM\n${perl} &\nwait $!`,
    cleanup: `trap 'rm -f /run/lock' EXIT\n${perl}`,
    pipe: `${perl} | cat`,
    list: `${perl} || exit 3`,
    function: `main() {\n  ${perl}\n}\nmain`,
    exec: `exec ${perl}`,
  };
  const files = Object.entries(scripts).map(([name, script]): [string, ServiceFiles] => [
    name,
    { run: `#!/bin/sh\n${script}\n` },
  ]);
  // Started with them and looked at after them: once it is told of, they have been looked at.
  const last = { zz: { run: `#!/bin/sh\n${perl}\n`, "service.ini": `after = ${Object.keys(scripts).join(", ")}\n` } };
  const space = await launch([scanDir({ ...Object.fromEntries(files), ...last }).path]);
  await why(space, "zz");
  for (const { name, state, why: found } of await statuses(space, ...Object.keys(scripts)))
    expect({ name, state, found }).toEqual({ name, state: "up", found: null });
});

describe("a program that puts itself in the background", () => {
  test("is named once, however often it is tried, with the flag that keeps it in the foreground: nginx", async (context) => {
    need(context, "nginx");
    const directory = temporaryDirectory();
    writeFiles(directory, { "nginx.conf": `pid ${directory}/pid;\nerror_log stderr;\nevents {}\n` });
    const run = `#!/bin/sh\nexec ${find("nginx")} -e /dev/stderr -c ${directory}/nginx.conf\n`;
    await showsFlag({ run }, "nginx", "use nginx -g 'daemon off;'");
  });

  test("is named, with the flag that keeps it in the foreground: cron", async (context) => {
    need(context, "root", "cron");
    // A private /run and /etc/cron.d: it must not run the machine's own jobs.
    const setup =
      "mount -t tmpfs tmpfs /etc/cron.d\nmount -t tmpfs tmpfs /var/spool/cron\nmount --bind /dev/null /etc/crontab\n";
    await showsFlag({ run: `#!/bin/sh\nexec ${find("cron")}\n` }, "cron", "use cron -f", setup);
  });

  test("is told to stay where nobody knows its flag", async (context) => {
    need(context, "perl");
    const daemon = "use POSIX; exit 0 if fork; POSIX::setsid(); exit 0 if fork; sleep 1000";
    const space = await launch([scanDir({ app: { run: `#!/bin/sh\nexec perl -e '${daemon}'\n` } }).path]);
    const found = await why(space, "app");
    expect(found.why).toMatch(
      /ended with exit 0 and left perl \(pid \d+\) in the background; keep it in the foreground/,
    );
  });

  test("is not blamed where the service is a oneshot", async (context) => {
    need(context, "perl");
    const leaves = `perl -e 'use POSIX; POSIX::setsid(); sleep 1000' >/dev/null 2>&1 &`;
    const once: ServiceFiles = { run: `#!/bin/sh\n${leaves}\nexit 0\n`, "service.ini": "type = oneshot\n" };
    const space = await launch([scanDir({ once }).path]);
    await eventually("the oneshot is done", async () => (await statuses(space, "once"))[0]?.state === "done");
    expect(told(space, "in the background")).toEqual([]);
  });
});

async function showsFlag(files: ServiceFiles, name: string, flag: string, setup = ""): Promise<void> {
  const space = await launch([scanDir({ daemon: files }).path], { setup });
  const found = await why(space, "daemon");
  expect(found.why).toMatch(new RegExp(`left ${name} \\(pid \\d+\\) in the background; `));
  expect(found.why).toContain(flag);
  await eventually(
    "it has been tried again",
    async () => ((await statuses(space, "daemon"))[0]?.restarts ?? 0) >= 3,
    30_000,
  );
  expect(told(space, flag)).toHaveLength(1);
}
