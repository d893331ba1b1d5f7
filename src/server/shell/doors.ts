import { existsSync } from "node:fs";
import { lstat, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import {
  createServer as createTlsServer,
  type ServerOptions as HttpsServerOptions,
} from "node:https";
import type { ListenOptions } from "node:net";
import { connect } from "node:net";
import { dirname } from "node:path";
import { type SecureContextOptions, Server as TlsServer } from "node:tls";
import { fileErrorText, systemCode } from "../../config/load-file.ts";
import type { ListenAddress } from "../../config/setting-values.ts";
import { ServerError } from "../errors.ts";
import { limitServer, v2ServerOptions } from "../v2/server-options.ts";
import { answerPlainHttp } from "./answer-plain-http.ts";
import type { LimitSettings } from "./settings.ts";

/** Where to listen: an address, or a socket that was handed to us open. */
export type DoorPlace =
  | ListenAddress
  | { readonly type: "descriptor"; readonly descriptor: number };

/** One listening socket. */
export interface Door {
  readonly server: Server;
  /** `http://127.0.0.1:5000`, `unix:/run/x.sock`. */
  readonly url: string;
}

/** What all doors have in common. */
export interface DoorOptions {
  readonly limits: LimitSettings;
  /** Absent: plain HTTP. */
  readonly tls?: SecureContextOptions & { readonly requireClientCert: boolean };
  /** Others may listen on the same address: the next of us, while this one ends. */
  readonly reusePort?: boolean;
}

/**
 * Listens. `handle` is also given requests that wait for `100 Continue`.
 *
 * @throws {ServerError} `server.cannot-listen`
 */
export async function openDoor(
  place: DoorPlace,
  handle: RequestListener,
  options: DoorOptions,
): Promise<Door> {
  // Over plain sockets only a user of this machine comes in: no certificate is needed there.
  const tls = place.type === "unix" ? undefined : options.tls;
  const server = makeServer(handle, options.limits, tls);
  await listen(server, place, options);
  return { server, url: urlOf(server, place, tls !== undefined) };
}

/** Gives doors with TLS another certificate; connections that are there keep theirs. */
export function changeTls(doors: readonly Door[], tls: SecureContextOptions): void {
  for (const { server } of doors) if (server instanceof TlsServer) server.setSecureContext(tls);
}

function makeServer(
  handle: RequestListener,
  limits: LimitSettings,
  tls: DoorOptions["tls"],
): Server {
  const common = {
    ...v2ServerOptions,
    keepAliveTimeout: limits.keepAliveFor,
    headersTimeout: limits.headersWithin,
  };
  const server = tls
    ? makeTlsServer(handle, tls, { ...common, handshakeTimeout: limits.headersWithin || 120_000 })
    : createServer(common, handle);
  server.maxConnections = limits.connections;
  limitServer(server, handle, limits.idleFor);
  return server;
}

function makeTlsServer(
  handle: RequestListener,
  tls: NonNullable<DoorOptions["tls"]>,
  common: HttpsServerOptions,
): Server {
  const server = createTlsServer(
    {
      ...common,
      ...tls,
      requestCert: tls.ca !== undefined,
      rejectUnauthorized: tls.requireClientCert,
    },
    handle,
  );
  answerPlainHttp(server);
  return server;
}

async function listen(server: Server, place: DoorPlace, options: DoorOptions): Promise<void> {
  if (place.type === "unix") await removeDeadSocket(place.path);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(listenOptions(place, options), () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    const text = listenTexts[codeOf(error, place)] ?? fileErrorText(error, "listen", "");
    throw new ServerError("server.cannot-listen", `Cannot listen on ${nameOf(place)}: ${text}`, {
      hint: "Name another address with --listen HOST:PORT",
      cause: error,
    });
  }
}

/** libuv says EACCES of a unix socket whose folder is not there. */
function codeOf(error: unknown, place: DoorPlace): string {
  const isNowhere = place.type === "unix" && !existsSync(dirname(place.path));
  return isNowhere ? "ENOENT" : (systemCode(error) ?? "");
}

const listenTexts: Readonly<Record<string, string>> = {
  EADDRINUSE: "the address is in use",
  EACCES: "permission denied",
  EADDRNOTAVAIL: "no such address here",
  ENOTFOUND: "no such host",
  ENOENT: "no such folder",
};

function listenOptions(place: DoorPlace, { reusePort = false }: DoorOptions): ListenOptions {
  switch (place.type) {
    case "tcp":
      return { host: place.host, port: place.port, backlog: 1024, reusePort };
    case "unix":
      return { path: place.path };
    case "descriptor":
      return { fd: place.descriptor } as ListenOptions;
  }
}

/** One that nobody listens on was left by a run that was killed. Whatever is no socket refuses connections, too, and stays. */
async function removeDeadSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isSocket()) return;
  const code = await new Promise<string | undefined>((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(undefined);
    }).on("error", (error) => resolve(systemCode(error)));
  });
  if (code === "ECONNREFUSED") await rm(path, { force: true });
}

function nameOf(place: DoorPlace): string {
  if (place.type === "tcp") return `${bracketed(place.host)}:${place.port}`;
  return place.type === "unix" ? `unix:${place.path}` : `descriptor ${place.descriptor}`;
}

function urlOf(server: Server, place: DoorPlace, isTls: boolean): string {
  const address = server.address();
  if (address === null || typeof address === "string")
    return place.type === "unix" ? `unix:${place.path}` : `unix:${address ?? "?"}`;
  return `${isTls ? "https" : "http"}://${bracketed(address.address)}:${address.port}`;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
