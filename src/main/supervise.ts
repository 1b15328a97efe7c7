// The supervisor, put together: the channel, the configuration, the manager, the scan, the faces, the stop.
import { monotonic } from "../base/clock.ts";
import { errorCode, type Problem } from "../base/errors.ts";
import { once } from "../base/once.ts";
import { type Channel, connectCore } from "../channel/channel.ts";
import type { Hello, Listener } from "../channel/core.ts";
import { createTransport } from "../channel/transport.ts";
import { loadSettings } from "../config/settings.ts";
import type { Face } from "../control/face.ts";
import { createSink } from "../log/sink.ts";
import type { Say } from "../log/voice.ts";
import { createAdmission } from "../manager/admission.ts";
import { createLetters } from "../manager/letters.ts";
import { createManager, type Manager } from "../manager/manager.ts";
import { createOrders } from "../manager/orders.ts";
import { createOutputs } from "../manager/outputs.ts";
import { createDisks } from "../manager/reach.ts";
import { decodeHouse } from "../manager/remembered.ts";
import { createScan } from "../manager/scan.ts";
import { createStrays } from "../manager/strays.ts";
import { bootServices } from "./boot-services.ts";
import { createControlSocket } from "./control-socket.ts";
import { loadFaces } from "./faces.ts";
import { createFallback } from "./fallback.ts";
import { checkProc, growSlowly, makeThreads, staySmall, tellDropped, tellFault } from "./ground.ts";
import { routeHandles } from "./handles.ts";
import { mainCommand } from "./main-command.ts";
import { codesOf, mannersOf, scanWords, withManners } from "./manners.ts";
import { createMyInit, notNow } from "./my-init.ts";
import { createOnlooker } from "./onlooker.ts";
import { createOwnVoice } from "./own-voice.ts";
import { createRefusals } from "./refusals.ts";
import { type Config, createReread } from "./reread.ts";
import { createOnSignal } from "./signals.ts";
import { createStopping, stopSignalsWith } from "./stopping.ts";
import { waitFor } from "./wait-for.ts";
import { globalFilesOf, readWords, wordsFault } from "./words.ts";
import type { World } from "./world.ts";

const CHANNEL_FD = 3; // as the core has it

/** Runs the supervisor; returns at once and goes on until the core ends it. */
export function supervise(world: World): void {
  const err = createSink(2);
  const words = readWords(world.words);
  const manners = mannersOf(words);
  const { voice, isColoured } = createOwnVoice(world, manners, err);
  const out = createSink(1, { onDropped: tellDropped(voice) });
  // Beyond this line nothing ends us but the core: a mistake of ours is told, counted and survived.
  world.onFault(tellFault(voice));
  makeThreads();
  // Without a core there is nobody to serve.
  const transport = createTransport(CHANNEL_FD, () => world.end(111));

  /** Before anything runs, what is wrong ends the program; the core is told the code. */
  const refuse = (code: number, text: string): null => {
    voice.error(text);
    void voice.settled().then(() => err.onEmpty(() => core.exit(code)));
    return null;
  };

  const moveIn = (hello: Hello): Listener | null => {
    const isFirst = hello.blobs.size === 0;
    const { scanDir, files, command, compat } = words;
    const fault = wordsFault(words);
    if (fault !== null) return refuse(64, fault);
    const globalFiles = globalFilesOf(world.globalFile, files);
    const stop = (code: number, why: string) => stopping.begin(code, why);
    const layout = compat && createMyInit({ core, hello, world, options: compat, manager: () => manager, voice, stop });
    const readSettings = () => {
      const read = withManners(loadSettings(globalFiles, world.env, world.own), manners);
      return layout === null ? read : layout.settle(read);
    };
    let config: Config = readSettings();
    const tell = ({ severity, where, text }: Problem) =>
      voice[severity === "error" ? "error" : "warn"](`${where}: ${text}`);
    for (const problem of config.problems) tell(problem);
    if (isFirst && config.problems.some(({ severity }) => severity === "error"))
      return refuse(78, "the global configuration is wrong, and nothing runs yet: mend it and start again");
    const takeUp = () => {
      voice.level = config.settings.logLevel;
      core.budget(config.settings.stopBudget);
      core.stopOn([...stopSignalsWith([...config.settings.stopOn, ...codesOf(manners)])]);
    };
    const { settings } = config;
    takeUp();
    if (isFirst) checkProc(voice, world.pid, hello.corePid);

    const remembered = decodeHouse(hello.blobs);
    const terminal = world.isTerminal(1) ? { colour: isColoured(1), width: () => manager.roster.nameWidth() } : null;
    const disks = createDisks(monotonic);
    const outputs = createOutputs({ ...disks, core, out, voice, terminal, hello, world, manners });
    const control = createControlSocket(core, voice, settings, world, manners.hasSocket);
    let face: Face | null = null;

    const say: Say = (level, text, fields) => voice[level](text, fields);
    const manager: Manager = createManager({
      ...disks,
      core,
      clock: monotonic,
      hello,
      house: remembered,
      pid: world.pid,
      outputs,
      say,
      happened(happening) {
        face?.publish(happening);
        layout?.changed(happening.runner);
        refusals.happened(happening);
        onlooker.happened(happening);
        // Another directory by the same name may have waited for the end of this one.
        const { event, runner } = happening;
        if (event === "removed" && scans() && !refusals.refused.has(runner.name)) scan.look();
      },
      signalled: (serial, signal, what) => onSignal(serial, signal, what),
      fatal: stop,
      progress: (runner) => stopping.progress(runner),
      listening: (path, errno) => control.listening(path, errno),
      letter: (...letter) => letters(...letter),
      refused(...refused) {
        refusals.take(...refused);
        onlooker.refused();
      },
      fallback: createFallback(settings, world),
    });
    const onlooker = createOnlooker({ words, manners, corePid: hello.corePid, manager, scan: () => scan, stop });
    const refusals = createRefusals({ voice, manager: () => manager, scanDir, corePid: hello.corePid });
    const scan = createScan({
      ...disks,
      clock: monotonic,
      scanDir,
      defaults: () => config.defaults,
      present: () => new Map(manager.roster.fromDirectories().map(({ name, spec }) => [name, spec.home])),
      appeared: (spec) => void (refusals.admits(spec) && admission.appeared(spec)),
      disappeared: (name) => admission.disappeared(name),
      problem: tell,
      only: words.only,
      ...scanWords(manners, words.dir, voice),
    });
    const admission = createAdmission({
      manager,
      scan: () => scan,
      stopBudget: () => config.settings.stopBudget,
      tell,
    });
    const stopping = createStopping({
      core,
      voice,
      sinks: [out, err],
      outputs,
      manager,
      budget: () => config.settings.stopBudget,
      strays: createStrays(core, hello, world.pid, manager.leftovers, layout !== null),
      layout,
      begun: remembered.stop,
      onBegin: () => scan.close(),
      onEnd: () => control.close(),
    });
    const orders = createOrders({ manager, refresh: admission.refresh, say });
    const letters = createLetters({ manager, orders, isStopping: stopping.isStopping, say });
    const apply = createReread({
      manager,
      scan,
      voice,
      atStart: settings,
      now: () => config,
      read: readSettings,
      takeUp(read) {
        config = read;
        takeUp();
      },
      tell,
      refusal: () => (scans() ? null : notNow),
    });
    const onSignal = createOnSignal({
      core,
      voice,
      err,
      isColoured: isColoured(2),
      settings: () => config.settings,
      manager,
      stopping,
      face: () => face,
      apply: () => void apply(false),
      reopen: control.open,
      stopCodes: manners.stopCodes,
      more: onlooker.signals,
    });

    const openFaces = once(async () => {
      face = await loadFaces(
        {
          manager,
          clock: monotonic,
          outputs,
          unready: () => new Map([...scan.unready, ...admission.refused, ...refusals.refused, ...manager.letGoes()]),
          about: { version: world.version, node: world.node, corePid: hello.corePid, scanDir },
          orders,
          recall: admission.recall,
          apply,
          isStopping: stopping.isStopping,
          shutdown: stop,
        },
        { ...disks, scan, config: () => config },
        control,
        voice,
      );
    });
    const scans = () => layout?.scans() ?? true;
    // Late: output waits in its pipe until all services are started, and nobody the worse for it.
    const receive = once(() => world.onHandle(routeHandles(outputs, control)));
    core.ready();
    manager.resume();
    if (stopping.isStopping()) {
      receive();
      void openFaces();
      stopping.resume();
    } else {
      onlooker.begin();
      const boot = bootServices({
        isFirst,
        layout,
        reread() {
          config = readSettings();
        },
        main: () => (command === null ? null : mainCommand(command, world.cwd, layout?.forMain())),
        scans,
        refusals,
        leave: (why) => void (manners.repeats ? voice.warn(why) : refuse(111, why)),
        manager,
        scan,
        admission,
        control,
        receive,
        openFaces,
        isStopping: stopping.isStopping,
      });
      boot.then(growSlowly, (fault: unknown) => voice.error(`cannot read ${scanDir}: ${errorCode(fault)}`));
    }
    return manager;
  };

  const { core, begin, listen }: Channel = connectCore(transport, waitFor(moveIn));
  begin();
  // Once the first services are asked for.
  setImmediate(() => {
    listen();
    staySmall();
  });
}
