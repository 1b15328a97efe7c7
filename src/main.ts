// The composition root: reads the words and the environment, builds the parts, and draws the line after which nothing
// but the ordered stop ends the program. Nobody imports it.
import { isatty } from "node:tty";

declare const UPKEEP_VERSION: string;

const words = process.argv.slice(2);
const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, groups: process.getgroups?.() ?? [] };
const globalFile = "/etc/upkeep.ini";
// Node has taken the variable away by now; that it made a channel of it is the sign.
if (process.channel === undefined) {
  const { offline } = await import("./main/offline.ts");
  process.exitCode = await offline({
    words,
    version: UPKEEP_VERSION,
    env: process.env,
    own,
    node: process.version,
    globalFile,
  });
} else {
  const { supervise } = await import("./main/supervise.ts");
  supervise({
    words,
    version: UPKEEP_VERSION,
    env: process.env,
    pid: process.pid,
    own,
    globalFile,
    node: process.version,
    isTerminal: (fd) => isatty(fd),
    onHandle: (listener) => void process.on("message", listener),
    onFault: (listener) => void process.on("uncaughtException", listener).on("unhandledRejection", listener),
    end: (code) => process.exit(code),
  });
}
