// The supervisor, put together: the channel, the configuration, the manager, the scan, the faces, the stop.
import { Socket } from "node:net";
import { join } from "node:path";
import { monotonic } from "./base/clock.ts";
import { errorCode, type Problem } from "./base/errors.ts";
import { signalName } from "./base/signals.ts";
import { connectCore } from "./channel/channel.ts";
import type { Core, Hello, Listener } from "./channel/core.ts";
import { checkSet } from "./config/check-set.ts";
import { loadSettings, type Own } from "./config/settings.ts";
import type { Face } from "./control/face.ts";
import type { Control } from "./control/server.ts";
import { createSink } from "./log/sink.ts";
import { createVoice } from "./log/voice.ts";
import { applyAll } from "./manager/apply.ts";
import { createManager, type Happening, type Manager } from "./manager/manager.ts";
import { createOutputs } from "./manager/outputs.ts";
import { decodeHouse } from "./manager/remembered.ts";
import type { Runner } from "./manager/runner.ts";
import { claimRuntimeDir, runtimeDirs } from "./manager/runtime-dir.ts";
import { createScan } from "./manager/scan.ts";
import { beginShutdown, reportLines, type Shutdown } from "./manager/shutdown.ts";
import { createStrays } from "./manager/strays.ts";
import { errnoText } from "./process/spawn.ts";
import { reactionOf } from "./process/proc.ts";
import { durationText } from "./service/duration.ts";
import { startOrder } from "./spec/order.ts";
import type { ServiceSpec } from "./spec/spec.ts";

/** The process that we are, as main.ts hands it down. */
export interface World {
  readonly words: readonly string[];
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  readonly pid: number;
  readonly own: Own;
  readonly node: string;
  readonly globalFile: string;
  isTerminal(fd: number): boolean;
  /** Descriptors that come up from the core, as Node's handles. */
  onHandle(listener: (message: unknown, handle: unknown) => void): void;
  /** What nobody caught. */
  onFault(listener: (fault: unknown) => void): void;
  end(code: number): void;
}

/** The stop signals that need no `stop-on`: TERM, INT, QUIT, PWR and RTMIN+3. */
const STOP_SIGNALS = [15, 2, 3, 30, 37] as const;
/** A second stop signal within this time is the same one twice: npm and terminals send it to a whole group. */
const SECOND_SIGNAL = 500;
/** For the last lines to be taken by whoever reads our output. */
const LAST_WORDS = 400;
const CHANNEL_FD = 3;

/** Words before the directory: `-c FILE`. */
function readWords(words: readonly string[]): { scanDir: string | null; files: string[]; unknown: string | null } {
  const files: string[] = [];
  let scanDir: string | null = null;
  let unknown: string | null = null;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "-c" || word === "--config") files.push(words[++i] ?? "");
    else if (word.startsWith("-") || scanDir !== null) unknown ??= word;
    else scanDir = word;
  }
  return { scanDir, files, unknown };
}

/** Runs the supervisor; returns at once and goes on until the core ends it. */
export function supervise(world: World): void {
  const out = createSink(1);
  const err = createSink(2);
  const isColoured = (fd: number) => world.isTerminal(fd) && world.env["NO_COLOR"] === undefined && world.env["TERM"] !== "dumb";
  const voice = createVoice({ sink: err, form: world.isTerminal(2) ? "human" : "json", colour: isColoured(2), level: "info" });
  let faults = 0;
  world.onFault((fault) => {
    faults++;
    voice.error(`internal error ${faults}: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}`);
  });
  const socket = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
  // Without a core there is nobody to serve.
  socket.on("close", () => world.end(111));
  socket.on("error", () => world.end(111));
  let house: Listener | null = null;
  const listener: Listener = {
    hello(hello) {
      house = moveIn(hello);
    },
    spawned: (...told) => house?.spawned(...told),
    failed: (...told) => house?.failed(...told),
    exited: (...told) => house?.exited(...told),
    orphans: (...told) => house?.orphans(...told),
    signal: (...told) => house?.signal(...told),
    notified: (...told) => house?.notified(...told),
    readable: (...told) => house?.readable(...told),
    piped: (...told) => house?.piped(...told),
    listening: (...told) => house?.listening(...told),
    turn: () => house?.turn(),
  };
  const core: Core = connectCore(socket, listener);

  const refuse = (code: number, text: string) => {
    voice.error(text);
    void voice.settled().then(() => err.onEmpty(() => core.exit(code)));
  };

  const moveIn = (hello: Hello): Listener | null => {
    const { scanDir: dir, files, unknown } = readWords(world.words);
    const isFirst = hello.blobs.size === 0;
    if (unknown !== null) return refuse(64, `unknown word ${unknown}; upkeep help tells the usage`), null;
    const scanDir = dir ?? "/etc/service";
    const globalFiles = [{ path: world.globalFile, required: false }, ...files.map((path) => ({ path, required: true }))];
    const readSettings = () => loadSettings(globalFiles, world.env, world.own);
    let config = readSettings();
    const tell = ({ severity, where, text }: Problem) => voice[severity === "error" ? "error" : "warn"](`${where}: ${text}`);
    for (const problem of config.problems) tell(problem);
    if (isFirst && config.problems.some(({ severity }) => severity === "error"))
      return refuse(78, "the global configuration is wrong, and nothing runs yet: mend it and start again"), null;
    const { settings } = config;
    voice.level = settings.logLevel;
    core.budget(settings.stopBudget);
    const stopSignals = new Set<number>([...STOP_SIGNALS, ...settings.stopOn]);
    core.stopOn([...stopSignals]);

    let nameWidth = 0;
    const remembered = decodeHouse(hello.blobs);
    const terminal = world.isTerminal(1) ? { colour: isColoured(1), width: () => nameWidth } : null;
    const outputs = createOutputs({ core, sink: out, voice, terminal, hello });
    let face: Face | null = null;
    let control: Control | null = null;
    let shutdown: Shutdown | null = null;
    let stopAsked = Number.NEGATIVE_INFINITY;
    let stop = remembered.stop;

    const manager: Manager = createManager({
      core,
      clock: monotonic,
      hello,
      house: remembered,
      pid: world.pid,
      outputs,
      settings: () => config.settings,
      say: (level, text, fields) => voice[level](text, fields),
      happened: (happening: Happening) => face?.publish(happening),
      signalled: (serial, signal) => onSignal(serial, signal),
      fatal: (_runner, code, why) => stopAll(code, why),
      progress: () => shutdown?.progress(),
      listening: (path, errno) => onListening(path, errno),
    });
    const strays = createStrays(core, hello, world.pid, manager.leftovers);

    // ---- the ordered stop
    const stopAll = (code: number, why: string, serial?: string) => {
      if (stop !== null) {
        if (serial !== undefined) core.ack(serial);
        return;
      }
      stop = { since: monotonic.now(), code, why };
      stopAsked = stop.since;
      manager.remember(stop, serial);
      core.stopping();
      voice.info(`stopping everything: ${why}`);
      scan.close();
      goDown();
    };
    const goDown = () => {
      if (stop === null) return;
      const { since, code } = stop;
      shutdown = beginShutdown(
        {
          clock: monotonic,
          budget: config.settings.stopBudget,
          runners: () => manager.roster.all(),
          strays,
          reactionOf,
          done(endings, { found, killed }, took) {
            const signalOf = (name: string) => manager.roster.get(name)?.spec.stopSignal ?? 15;
            for (const line of reportLines(endings, signalOf)) voice.info(`stop report: ${line}`);
            if (found > 0) voice.info(`stop report: ${found} ${found === 1 ? "process" : "processes"} of no service: ${killed} killed`);
            voice.info(`stopped ${endings.length} ${endings.length === 1 ? "service" : "services"} in ${durationText(took)}`);
            void leave(code);
          },
        },
        since,
      );
    };
    const leave = async (code: number) => {
      // Bounded: a reader that never comes must not keep the container.
      const written = outputs
        .whenWritten()
        .then(() => voice.settled())
        .then(() => Promise.all([out, err].map((sink) => new Promise<void>((resolve) => sink.onEmpty(resolve)))));
      await Promise.race([written, new Promise((resolve) => setTimeout(resolve, LAST_WORDS))]);
      control?.close();
      core.exit(code);
    };

    // ---- signals to the supervisor
    const onSignal = (serial: string, signal: number) => {
      if (stopSignals.has(signal)) {
        if (stop === null) return stopAll(0, `received ${signalName(signal)}`, serial);
        core.ack(serial);
        if (monotonic.now() - stopAsked < SECOND_SIGNAL) return;
        voice.warn(`received ${signalName(signal)} again: killing whatever still runs`);
        shutdown?.hurry();
        return;
      }
      core.ack(serial);
      const target = config.settings.forward[signal];
      if (target !== undefined) {
        const refused = face?.order(target, { do: "signal", signal });
        if (refused != null) voice.warn(refused);
      } else if (signal === 1) void apply(false);
      else if (signal === 10) openControl();
      else if (signal === 12) void dumpStatus();
    };
    const dumpStatus = async () => {
      const { runCommand } = await import("./cli/run-command.ts");
      const io = {
        out: (bytes: Uint8Array | string) => err.tryWrite(Buffer.from(bytes as Uint8Array)),
        err: (text: string) => err.tryWrite(Buffer.from(text)),
        drained: () => Promise.resolve(),
        closed: new AbortController().signal,
      };
      const client = { tty: false, columns: 0, color: isColoured(2), cwd: "/", resumed: false };
      if (face !== null) await runCommand(["status"], client, face, io);
    };

    // ---- the directories
    const unreadySet = new Map<string, { why: string; incomplete: boolean }>();
    const specs = new Map<string, ServiceSpec>();
    let isBooting = true;
    const admit = (spec: ServiceSpec) => {
      nameWidth = Math.max(nameWidth, spec.name.length, ...(spec.logger === null ? [] : [spec.logger.name.length]));
      manager.add(spec);
    };
    const scan = createScan({
      clock: monotonic,
      scanDir,
      defaults: () => config.defaults,
      present: () => [...manager.roster.all()].filter(({ spec }) => spec.loggerOf === null).map(({ name }) => name),
      appeared(spec) {
        if (manager.roster.get(spec.name) !== undefined) return;
        specs.set(spec.name, spec);
        const isFree = spec.after.length + spec.requires.length + spec.wants.length === 0;
        // What waits for nobody need not wait for the others to be read.
        if (isBooting && isFree) admit(spec);
        else if (!isBooting) admitSet();
      },
      disappeared(name) {
        specs.delete(name);
        manager.remove(name);
      },
      problem: tell,
      warn: (text) => voice.warn(text),
      unready: (name, { why }) => voice.info(`${name} waits to be complete: ${why}`),
    });
    /** Adds all that are known and not yet there, in order, but for those that the set as a whole cannot have. */
    const admitSet = () => {
      const all = new Map(specs);
      for (const runner of manager.roster.all()) if (runner.spec.loggerOf === null) all.set(runner.name, runner.spec);
      unreadySet.clear();
      for (const problem of checkSet(all, config.settings.stopBudget, new Set(scan.unready.keys()))) {
        if (problem.service !== undefined && manager.roster.get(problem.service) !== undefined && !isBooting) continue;
        tell(problem);
        if (problem.severity === "error" && problem.service !== undefined)
          unreadySet.set(problem.service, { why: problem.text, incomplete: false });
      }
      const fresh = [...all.values()].filter((spec) => manager.roster.get(spec.name) === undefined && !unreadySet.has(spec.name));
      for (const level of startOrder(fresh).levels)
        for (const name of level) {
          const spec = all.get(name);
          if (spec !== undefined) admit(spec);
        }
    };
    const refresh = (runner: Runner): string | null => {
      const owner = runner.spec.loggerOf ?? runner.name;
      const { spec, incomplete, problems } = scan.load(owner);
      const fresh = runner.spec.loggerOf === null ? spec : (spec?.logger ?? null);
      if (fresh === null) return incomplete ?? problems.find(({ severity }) => severity === "error")?.text ?? `cannot read ${owner}`;
      manager.change(runner, fresh, false);
      return null;
    };
    const apply = async (dryRun: boolean) => {
      const read = readSettings();
      for (const problem of read.problems) tell(problem);
      if (!dryRun && !read.problems.some(({ severity }) => severity === "error")) {
        config = read;
        voice.level = read.settings.logLevel;
        core.budget(read.settings.stopBudget);
      }
      const result = await applyAll(manager, scan, read.settings, dryRun);
      if (!dryRun) {
        scan.rescan();
        for (const problem of result.problems) tell(problem);
        voice.info(result.changes.length === 0 ? "applied: nothing has changed" : `applied: ${result.changes.map((each) => `${each.service} ${each.change}`).join(", ")}`);
      }
      return { changes: result.changes, problems: [...read.problems, ...result.problems] };
    };

    // ---- the control socket
    const runtimeEnv = {
      runtimeDir: settings.runtimeDir,
      xdgRuntimeDir: world.env["XDG_RUNTIME_DIR"],
      uid: world.own.uid,
      isShared: settings.controlGroup !== null,
    };
    let candidates: string[] = [];
    let refusals: string[] = [];
    const tryNext = () => {
      for (let dir = candidates.shift(); dir !== undefined; dir = candidates.shift()) {
        const fault = claimRuntimeDir(dir, runtimeEnv);
        if (fault === null) return core.listen(join(dir, "control"), settings.controlGroup === null ? 0o600 : 0o660, settings.controlGroup);
        refusals.push(`${dir}: ${fault}`);
      }
      voice.warn(`no control socket: ${refusals.join("; ")}; set UPKEEP_RUNTIME_DIR to a directory of our own`);
    };
    const openControl = () => {
      candidates = [...runtimeDirs(runtimeEnv)];
      refusals = [];
      tryNext();
    };
    const onListening = (path: string, errno: number) => {
      if (errno === 0) return voice.debug(`control socket at ${path}`);
      refusals.push(`${path}: ${errnoText(errno)}`);
      tryNext();
    };
    const openFaces = async () => {
      const [{ createFace }, { createControl }, { runCommand }] = await Promise.all([
        import("./control/face.ts"),
        import("./control/server.ts"),
        import("./cli/run-command.ts"),
      ]);
      face = createFace({
        manager,
        core,
        clock: monotonic,
        outputs,
        unready: () => new Map([...scan.unready, ...unreadySet]),
        scanDir,
        about: { version: world.version, node: world.node, corePid: hello.corePid, scanDir },
        refresh,
        apply,
        isStopping: () => stop !== null,
        shutdown: (code, why) => stopAll(code, why),
      });
      control = createControl({
        supervisor: face,
        run: runCommand,
        note: (text) => voice.info(text),
        fault: (text) => voice.error(text),
      });
      for (const { socket: connection, peer } of waiting.splice(0)) control.serve(connection, peer);
    };
    const waiting: { socket: Socket; peer: { pid: number; uid: number; gid: number } }[] = [];
    world.onHandle((message, handle) => {
      const said = message as { pipe?: string; connection?: boolean; pid?: number; uid?: number; gid?: number };
      if (typeof said.pipe === "string") return outputs.handed(said.pipe, handle as { fd: number; close(): void });
      if (said.connection !== true) return;
      const connection = new Socket({ handle, readable: true, writable: true } as never);
      const peer = { pid: said.pid ?? 0, uid: said.uid ?? -1, gid: said.gid ?? -1 };
      if (control === null) waiting.push({ socket: connection, peer });
      else control.serve(connection, peer);
    });

    const boot = async () => {
      if (isFirst) openControl();
      await scan.boot();
      admitSet();
      isBooting = false;
      if (isFirst) {
        const count = [...manager.roster.all()].filter(({ spec }) => spec.loggerOf === null).length;
        voice.info(`supervising ${count} ${count === 1 ? "service" : "services"} in ${scanDir}`);
      } else voice.info(`took over ${hello.children.length} running processes from an earlier manager`);
      await openFaces();
      if (stop === null) await scan.watch();
    };
    if (!isFirst) voice.debug("taking over");
    core.ready();
    manager.resume();
    for (const runner of manager.roster.all()) nameWidth = Math.max(nameWidth, runner.name.length);
    if (stop !== null) {
      void openFaces();
      goDown();
    } else void boot().catch((fault: unknown) => voice.error(`cannot read ${scanDir}: ${errorCode(fault)}`));
    return manager;
  };
}
