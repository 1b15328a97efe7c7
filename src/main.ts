// The composition root: reads the words and the environment of this process, and hands them to what is asked for.
// Nobody imports it.
import { fstatSync } from "node:fs";
import { hideStreams } from "./main/streams.ts";

/** Most of the time there is a pipe, and node:tty, which takes milliseconds to load, is not needed to know. */
const isCharacterDevice = (fd: number): boolean => {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false; // EBADF: nothing is there at all
  }
};
const isTerminal = (fd: number): boolean => process.getBuiltinModule("node:tty").isatty(fd);

declare const UPKEEP_VERSION: string;

const words = process.argv.slice(2);
const { env, pid, version: node } = process;
const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, groups: process.getgroups?.() ?? [] };
const version = UPKEEP_VERSION;
const globalFile = "/etc/upkeep.ini";

// Where the core puts the socket that brings descriptors; that it is said is the sign that the core has started us.
const handles = env["UPKEEP_HANDLES_FD"];

/**
 * Makes of that socket Node's own channel between processes, as Node does at its start where NODE_CHANNEL_FD is set.
 * Done here, and late, it costs the first service nothing.
 */
const receiveHandles = (fd: number, listener: (message: unknown, handle: unknown) => void): void => {
  const { _forkChild } = process.getBuiltinModule("node:child_process") as unknown as {
    _forkChild(fd: number, serialization: "json"): void;
  };
  _forkChild(fd, "json");
  process.on("message", listener);
};

// For files, made at the first use of one. Looks keep 4 of them at most where file systems do not answer, logs 3.
const THREADS = "8";

if (words[0] === "svlogd" && handles === undefined) {
  hideStreams();
  env["UV_THREADPOOL_SIZE"] = THREADS;
  void import("./main/log-process.ts").then(({ logProcess }) =>
    logProcess({
      words,
      uid: process.geteuid?.() ?? 0,
      onSignal: (name, listener) => void process.on(name, listener),
      onFault: (listener) => void process.on("uncaughtException", listener).on("unhandledRejection", listener),
      end: (code) => process.exit(code),
    }),
  );
} else if (handles === undefined) {
  void import("./main/offline.ts").then(async ({ offline }) => {
    process.exitCode = await offline({ words, version, env, own, node, globalFile });
  });
} else {
  hideStreams();
  env["UV_THREADPOOL_SIZE"] = THREADS;
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
      isTerminal: (fd) => isCharacterDevice(fd) && isTerminal(fd),
      onHandle: (listener) => receiveHandles(Number(handles), listener),
      onFault: (listener) => void process.on("uncaughtException", listener).on("unhandledRejection", listener),
      end: (code) => process.exit(code),
    });
  });
}
