// Who is measured, and how each is told to run the same services. One entry per subject; what is not installed is skipped.
import { accessSync, constants, existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { linkRun } from "./compile.mjs";

const root = join(import.meta.dirname, "../..");
const upkeep = join(root, "dist/upkeep");

/**
 * Every subject:
 * - `needs`: the programs without which it is skipped
 * - `rows`: the letters of the rows it takes part in
 * - `lay(dir, names)`: what it needs beside `dir/NAME/run` (those are always there)
 * - `argv(dir, paths)`: the command, as PID 1
 * - `log(dir, name, where)`: what gives a service a log file in the directory `where`
 * - `status(dir, name)`: the command that asks for one service
 * - `sv`: its sv, which finds the services in SVDIR
 * - `stop`: the signal that asks for the ordered stop (default TERM)
 * - `notes`: what must be said beside a figure, by measure
 * - `endsAtOnce`: starts nothing; what is timed is its own end
 * - `isInit`: runs one command and no directory
 * - `init`: the words before that command
 */
export const subjects = {
  bare: { rows: "abcdeghi", needs: [], argv: (dir, paths) => [paths.bare, dir] },
  upkeep: {
    rows: "abcdefgkl",
    needs: [upkeep, join(root, "dist/manager.cjs")],
    log: (dir, name, where) => writeFileSync(join(dir, name, "service.ini"), `log = file:${where}\n`),
    argv: (dir) => [upkeep, dir],
    status: (_dir, name) => [upkeep, "status", name],
    sv: [upkeep, "sv"],
  },
  "naive node": {
    rows: "abcdeg",
    needs: [],
    argv: (dir, paths) => [paths.node, join(import.meta.dirname, "naive.mjs"), dir],
  },
  "node -e 0": {
    rows: "a",
    needs: [],
    argv: (_dir, paths) => [paths.node, "-e", "0"],
    endsAtOnce: true,
    notes: { a: "to its own end" },
  },
  dinit: {
    rows: "abcdefg",
    needs: ["dinit", "dinitctl"],
    lay: layDinit,
    argv: (dir) => ["dinit", "--container", "-q", "-p", "/run/dinit.sock", "-d", join(dir, ".dinit")],
    status: (_dir, name) => ["dinitctl", "-p", "/run/dinit.sock", "status", name],
  },
  runit: {
    rows: "abcdefgkl",
    needs: ["runsvdir", "runsv", "sv", "svlogd"],
    log: logRunit,
    argv: (dir) => ["runsvdir", "-P", dir],
    status: (dir, name) => ["sv", "status", join(dir, name)],
    sv: ["sv"],
    stop: "SIGHUP", // on TERM runsvdir leaves its services running
    notes: { d: "by HUP; it waits for nobody, the kernel kills what is left" },
  },
  s6: {
    rows: "abcdefg",
    needs: ["s6-svscan", "s6-supervise", "s6-svstat"],
    argv: (dir) => ["s6-svscan", "-c", "2000", dir],
    status: (dir, name) => ["s6-svstat", join(dir, name)],
  },
  supervisord: {
    rows: "abcdefg",
    needs: ["supervisord", "supervisorctl"],
    lay: laySupervisord,
    argv: (dir) => ["supervisord", "-n", "-c", join(dir, ".supervisord.conf")],
    status: (dir, name) => ["supervisorctl", "-c", join(dir, ".supervisord.conf"), "status", name],
  },
  "upkeep --": initSubject(upkeep, "--"),
  "upkeep tini": initSubject(upkeep, "tini", "-s", "--"),
  tini: initSubject("tini", "-s", "--"),
  "tini-static": initSubject("tini-static", "-s", "--"),
  "dumb-init": initSubject("dumb-init", "--"),
  "upkeep chpst": loaderSubject(upkeep, "chpst"),
  chpst: loaderSubject("chpst"),
};

/** What changes its own process and runs a program in it: its start is all there is to measure. */
function loaderSubject(...words) {
  return { ...initSubject(...words), rows: "h" };
}

function initSubject(...words) {
  return {
    rows: "aeghij",
    needs: [words[0]],
    argv: (dir, _paths, name) => [...words, join(dir, name, "run")],
    init: words,
    isInit: true,
  };
}

const longAgo = new Date("2020-01-01");

/**
 * Makes a fresh directory of `count` service directories whose `run` is `program`; returns their names. `logs`: each has
 * a log file in a directory below this one.
 */
export function lay(subject, dir, count, program, logs) {
  const names = Array.from({ length: count }, (_, index) => `s${String(index + 1).padStart(4, "0")}`);
  for (const name of names) {
    mkdirSync(join(dir, name), { recursive: true });
    linkRun(program, join(dir, name));
    if (!logs) continue;
    mkdirSync(join(logs, name), { recursive: true });
    subject.log(dir, name, join(logs, name));
  }
  subject.lay?.(dir, names);
  // As old as in an image: runsvdir puts off by a second what changed within the second.
  for (const each of [...names, ""]) utimesSync(join(dir, each), longAgo, longAgo);
  return names;
}

/** The first program a subject needs and this machine lacks, or undefined. */
export const missing = (subject) => subject.needs.find((program) => programFile(program) === undefined);

/** The file that runs when `program` is called; undefined if there is none. */
export function programFile(program) {
  if (program.includes("/")) return existsSync(program) ? program : undefined;
  const folders = (process.env.PATH ?? "").split(":");
  return folders
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false; // ENOENT or EACCES: not in this folder
      }
    });
}

function logRunit(dir, name, where) {
  mkdirSync(join(dir, name, "log"));
  writeFileSync(join(dir, name, "log/run"), `#!/bin/sh\nexec svlogd ${where}\n`, { mode: 0o755 });
}

function layDinit(dir, names) {
  const services = join(dir, ".dinit");
  mkdirSync(services);
  writeFileSync(join(services, "boot"), `type = internal\n${names.map((name) => `waits-for = ${name}\n`).join("")}`);
  for (const name of names) {
    const home = join(dir, name);
    const text = `type = process\ncommand = ${join(home, "run")}\nworking-dir = ${home}\nrestart = true\n`;
    writeFileSync(join(services, name), text);
  }
}

function laySupervisord(dir, names) {
  const head = [
    "[unix_http_server]\nfile = /run/supervisor.sock",
    `[supervisord]\nlogfile = /dev/null\nlogfile_maxbytes = 0\npidfile = /run/supervisord.pid\nminfds = ${1024 + 8 * names.length}`,
    "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    "[supervisorctl]\nserverurl = unix:///run/supervisor.sock",
  ];
  const programs = names.map((name) => {
    const home = join(dir, name);
    const command = `command = ${join(home, "run")}\ndirectory = ${home}\nautorestart = true`;
    return `[program:${name}]\n${command}\nstdout_logfile = NONE\nstderr_logfile = NONE`;
  });
  writeFileSync(join(dir, ".supervisord.conf"), `${[...head, ...programs].join("\n\n")}\n`);
}
