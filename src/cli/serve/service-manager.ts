import type { HandedSockets } from "../../server/shell/start-server.ts";

/** systemd, or whatever speaks as it does: told how we are, by sd_notify(3). */
export interface ServiceManager extends Disposable {
  /** Also begins the signs of life that a watchdog waits for. */
  ready(status: string): void;
  reloading(): void;
  stopping(): void;
}

/**
 * The one of this environment, which is cleaned of what is meant for us alone. Without one, nobody is told anything.
 *
 * @param warn is told where it cannot be reached
 */
export async function serviceManager(
  variables: Record<string, string | undefined>,
  warn: (text: string) => void,
): Promise<ServiceManager> {
  const { NOTIFY_SOCKET: path = "", WATCHDOG_USEC: limit = "", WATCHDOG_PID: watched } = variables;
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete variables[name];
  if (!/^[/@]./.test(path)) return silent;
  const { sendDatagram } = await import("../../libc/send-datagram.ts");
  let isTold = false;
  const send = (...lines: readonly string[]) => {
    try {
      sendDatagram(path, lines.join("\n"));
    } catch (error) {
      if (isTold) return;
      isTold = true;
      warn(`the service manager is not there: ${error instanceof Error ? error.message : error}`);
    }
  };
  const isWatched = watched === undefined || watched === String(process.pid);
  const everyMs = isWatched && /^\d{1,12}$/.test(limit) ? Number(limit) / 2000 : 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    ready(status) {
      send("READY=1", `MAINPID=${process.pid}`, `STATUS=${status}`);
      if (everyMs > 0) timer ??= setInterval(() => send("WATCHDOG=1"), everyMs);
      timer?.unref();
    },
    reloading: () => send("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => send("STOPPING=1", "STATUS=ending"),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

const silent: ServiceManager = {
  ready() {},
  reloading() {},
  stopping() {},
  [Symbol.dispose]() {},
};

const firstDescriptor = 3;

/**
 * Sockets that were opened for this process — sd_listen_fds(3). One of the name `metrics` is for figures alone. The
 * environment is cleaned of them.
 */
export function handedSockets(variables: Record<string, string | undefined>): HandedSockets {
  const { LISTEN_PID: pid, LISTEN_FDS: number = "", LISTEN_FDNAMES: names = "" } = variables;
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete variables[name];
  if (pid !== String(process.pid) || !/^\d{1,3}$/.test(number)) return { main: [], metrics: [] };
  const named = names.split(":");
  const all = Array.from({ length: Number(number) }, (_, index) => ({
    descriptor: firstDescriptor + index,
    isForMetrics: named[index] === "metrics",
  }));
  const those = (isForMetrics: boolean) =>
    all.filter((each) => each.isForMetrics === isForMetrics).map(({ descriptor }) => descriptor);
  return { main: those(false), metrics: those(true) };
}
