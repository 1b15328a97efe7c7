import { signalName } from "../base/signals.ts";
import type { Order, Supervisor } from "./supervisor.ts";

/** Who is at the other end, as the kernel says (SO_PEERCRED). */
export interface Peer {
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
}

/** Takes one sentence and its facts for our own log, at info. */
export type Note = (text: string, facts: Readonly<Record<string, unknown>>) => void;

const orderText = (order: Order): string => (order.do === "signal" ? signalName(order.signal) : order.do);

/** The same supervisor, with every order, apply and shutdown noted together with who asked for it. */
export function audited(supervisor: Supervisor, peer: Peer, note: Note): Supervisor {
  const by = `by uid ${peer.uid} (pid ${peer.pid})`;
  return {
    services: () => supervisor.services(),
    service: (name) => supervisor.service(name),
    watch: (listener) => supervisor.watch(listener),
    logs: (names, count) => supervisor.logs(names, count),
    follow: (names, listener, skipped) => supervisor.follow(names, listener, skipped),
    health: (names) => supervisor.health(names),
    get about() {
      return supervisor.about;
    },
    order(name, order, done) {
      supervisor.order(name, order, (refused) => {
        const outcome = refused === null ? "" : `: refused: ${refused}`;
        note(`${orderText(order)} of ${name} ordered ${by}${outcome}`, { service: name, uid: peer.uid, pid: peer.pid });
        done(refused);
      });
    },
    apply(dryRun) {
      if (!dryRun) note(`apply ordered ${by}`, { uid: peer.uid, pid: peer.pid });
      return supervisor.apply(dryRun);
    },
    get switching() {
      const { switching } = supervisor;
      return {
        ...switching,
        go(name: string) {
          note(`switch to ${name} ordered ${by}`, { uid: peer.uid, pid: peer.pid });
          return switching.go(name);
        },
      };
    },
    shutdown(code, why) {
      note(`shutdown ordered ${by}`, { uid: peer.uid, pid: peer.pid });
      supervisor.shutdown(code, why);
    },
  };
}
