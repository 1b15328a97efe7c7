// The composition root: reads the words and the environment of this process, and hands them to what is asked for.
// Nobody imports it.
import { isatty } from "node:tty";
import { hideStreams } from "./main/streams.ts";

declare const UPKEEP_VERSION: string;

const words = process.argv.slice(2);
const { env, pid, version: node } = process;
const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, groups: process.getgroups?.() ?? [] };
const version = UPKEEP_VERSION;
const globalFile = "/etc/upkeep.ini";

// Node has taken NODE_CHANNEL_FD away by now; the channel that it made of it is the sign that the core has started us.
if (process.channel === undefined) {
  void import("./main/offline.ts").then(async ({ offline }) => {
    process.exitCode = await offline({ words, version, env, own, node, globalFile });
  });
} else {
  hideStreams();
  void import("./main/supervise.ts").then(({ supervise }) => {
    supervise({
      words,
      version,
      env,
      cwd: process.cwd(),
      pid,
      own,
      node,
      globalFile,
      isTerminal: (fd) => isatty(fd),
      onHandle: (listener) => void process.on("message", listener),
      onFault: (listener) => void process.on("uncaughtException", listener).on("unhandledRejection", listener),
      end: (code) => process.exit(code),
    });
  });
}
