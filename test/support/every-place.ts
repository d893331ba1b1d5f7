import { createDockerArchiveTransport } from "../../src/transport/docker-archive/transport.ts";
import { createDockerDaemonTransport } from "../../src/transport/docker-daemon/transport.ts";
import { createOciArchiveTransport } from "../../src/transport/oci-archive/transport.ts";
import { type DockerEngine, startDockerEngine } from "./docker-engine.ts";
import { Engine } from "./engine.ts";
import { imageStore } from "./image-store.ts";
import { startRegistry } from "./registry.ts";
import { tempFolder } from "./temp.ts";

/** Every transport that can be both ends of a copy. */
export const placeNames = [
  "docker",
  "oci",
  "dir",
  "containers-storage",
  "docker-archive",
  "oci-archive",
  "docker-daemon",
] as const;

export type PlaceName = (typeof placeNames)[number];

/** A place of each transport, all gone when the scope ends, and an engine that knows them. */
export interface Places extends AsyncDisposable {
  readonly engine: Engine;
  /** A reference to an image there that nothing else goes by; in a store of images of its own, which takes root. */
  reference(place: PlaceName): Promise<string>;
}

/** `await using places = await openPlaces()`. */
export async function openPlaces(): Promise<Places> {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry());
  const folder = stack.use(await tempFolder());
  const daemon: DockerEngine = stack.use(await startRememberingEngine());
  const moreTransports = [
    createDockerArchiveTransport(),
    createOciArchiveTransport({ clock: () => 0 }),
    createDockerDaemonTransport({
      host: daemon.host,
      tls: () => {
        throw new Error("no TLS");
      },
      onOpen: (client) => stack.use(client),
    }),
  ];
  const engine = stack.use(new Engine({ moreTransports }));
  let count = 0;
  const texts: Record<PlaceName, (name: string) => string | Promise<string>> = {
    docker: (name) => `docker://${registry.host}/${name}:v1`,
    oci: (name) => `oci:${folder.in(name)}:v1`,
    dir: (name) => `dir:${folder.in(name)}`,
    "containers-storage": async (name) =>
      stack.use(await imageStore("overlay")).reference(`${name}:v1`),
    "docker-archive": (name) => `docker-archive:${folder.in(name)}:${name}:v1`,
    "oci-archive": (name) => `oci-archive:${folder.in(name)}:v1`,
    "docker-daemon": (name) => `docker-daemon:${name}:v1`,
  };
  return {
    engine,
    reference: async (place) => texts[place](`image-${count++}`),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A daemon that gives what was loaded last under the name that is asked for. */
async function startRememberingEngine(): Promise<DockerEngine> {
  const daemon: DockerEngine = await startDockerEngine({
    answer(request, response) {
      const name = new URL(request.url ?? "", "http://d").searchParams.get("names");
      if (name === null) return false;
      const loads = daemon.requests.filter(({ url }) => url.includes("/images/load"));
      const loaded = loads.findLast(({ body }) => body?.includes(`${name}"`));
      response.end(loaded?.body);
      return true;
    },
  });
  return daemon;
}
