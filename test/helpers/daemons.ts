// Real daemons as services: definitions that touch nothing of the machine but a port of 127.0.0.1 each.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { find, freePort } from "./need.ts";
import type { Result } from "./pid-namespace.ts";
import type { ServiceFiles } from "./service-dir.ts";
import { temporaryDirectory, writeFiles } from "./service-dir.ts";

export interface Sshd {
  readonly files: ServiceFiles;
  /** Runs a command over ssh, as root with a key. */
  login(command: string): Login;
}

export interface Login {
  /** How the command ended; never throws for an exit code. */
  readonly result: Promise<Result>;
  /** What it has written so far. */
  heard(): string;
  /** Its last input. */
  say(text: string): void;
}

/** sshd on a free port with a host key of its own, made by start-pre; `pam` is its UsePAM. */
export async function sshd(pam: boolean): Promise<Sshd> {
  const port = await freePort();
  const directory = temporaryDirectory();
  const key = join(directory, "key");
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  writeFiles(directory, {
    sshd_config: `
ListenAddress 127.0.0.1
Port ${port}
HostKey ${directory}/host_key
AuthorizedKeysFile ${directory}/authorized_keys
PidFile none
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM ${pam ? "yes" : "no"}
`,
    authorized_keys: readFileSync(`${key}.pub`, "utf8"),
  });
  const words = [
    ...["-F", "/dev/null", "-p", String(port), "-i", key, "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"],
    // Whoever runs may not listen yet; it is tried once a second.
    ...["-o", "ConnectionAttempts=10"],
    ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "root@127.0.0.1"],
  ];
  return {
    files: {
      run: `#!/bin/sh\nexec ${find("sshd")} -D -e -f ${directory}/sshd_config\n`,
      "start-pre": `#!/bin/sh
mkdir -p /run/sshd && chmod 755 /run/sshd || exit 1
[ -e ${directory}/host_key ] || exec ssh-keygen -q -t ed25519 -N '' -f ${directory}/host_key
`,
      "service.ini": "start-pre = ./start-pre\nstop-scope = process\n",
    },
    login: (command) => startLogin([...words, command]),
  };
}

function startLogin(words: readonly string[]): Login {
  const client = execa("ssh", words, { reject: false, timeout: 60_000 });
  let heard = "";
  client.stdout.on("data", (data: Buffer) => {
    heard += data.toString();
  });
  const ended = async (): Promise<Result> => {
    const { exitCode, stdout, stderr } = await client;
    return { code: exitCode ?? -1, stdout, stderr };
  };
  return { result: ended(), heard: () => heard, say: (text) => client.stdin.end(text) };
}

export interface Cron {
  readonly files: ServiceFiles;
  /** A private /etc/cron.d with the one job, an empty /etc/crontab and no users' crontabs. */
  readonly setup: string;
}

/** Debian's cron with one job that runs each minute, as root; the machine's own jobs are out of its sight. */
export function cron(job: string): Cron {
  const empty = join(temporaryDirectory(), "crontab");
  writeFiles(join(empty, ".."), { crontab: "" });
  return {
    files: { run: `#!/bin/sh\nexec ${find("cron")} -f\n`, "service.ini": "stop-scope = process\n" },
    setup: `
mount -t tmpfs -o mode=755 tmpfs /etc/cron.d
mount -t tmpfs -o mode=755 tmpfs /var/spool/cron
mkdir -m 1730 /var/spool/cron/crontabs
mount --bind ${empty} /etc/crontab
printf '%s\\n' '* * * * * root ${job}' >/etc/cron.d/test
`,
  };
}

export interface Nginx {
  readonly files: ServiceFiles;
  readonly url: string;
}

/** nginx with a worker of another user, and both logs by the names of the standard streams. */
export async function nginx(): Promise<Nginx> {
  const port = await freePort();
  const directory = temporaryDirectory();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  writeFiles(directory, {
    "nginx.conf": `
user www-data;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log /dev/stderr notice;
events {}
http {
  access_log /dev/stdout;
  ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    location / { return 200 "nginx is here\\n"; }
  }
}
`,
  });
  return {
    files: {
      run: `#!/bin/sh\nexec ${find("nginx")} -e /dev/stderr -c ${directory}/nginx.conf -g 'daemon off;'\n`,
      "service.ini": "stop-signal = QUIT\n",
    },
    url: `http://127.0.0.1:${port}`,
  };
}
