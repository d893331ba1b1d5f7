import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import type { StorageDriver, StorePlace } from "../../src/config/store-place.ts";
import { digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { openStore } from "../../src/storage/open-store.ts";
import type { NewImage, Store } from "../../src/storage/store.ts";
import { type HandLayer, handLayer } from "./hand-layer.ts";
import { requirePeer } from "./peers.ts";
import { skipUnprivileged } from "./podman.ts";
import { type RunResult, run } from "./run.ts";
import { tempFolder } from "./temp.ts";

/** A place for a store that is gone when its scope ends, and the tools of others upon it. */
export interface TempStore extends AsyncDisposable {
  readonly place: StorePlace;
  open(changes?: Partial<StorePlace>): Promise<Store>;
  /** A path in the graph root. */
  in(...names: readonly string[]): string;
  /** A path beside the store. */
  beside(...names: readonly string[]): string;
  podman(...args: readonly string[]): Promise<RunResult>;
  skopeo(...args: readonly string[]): Promise<RunResult>;
  /** The store's name for skopeo: `containers-storage:[overlay@…+…]name`. */
  reference(name: string): string;
}

/** A test that needs to be root, as whoever gives files to others does. */
export function storeTest(name: string, body: () => Promise<void>): void {
  test(name, { skip: skipUnprivileged() }, body);
}

/** `await using store = await tempStore("overlay")`. */
export async function tempStore(driver: StorageDriver): Promise<TempStore> {
  const folder = await tempFolder();
  const [graphroot, runroot] = [folder.in("root"), folder.in("run")];
  const place: StorePlace = {
    driver,
    graphroot,
    runroot,
    options: [],
    additional: [],
    userNamespace: false,
    mountProgram: false,
  };
  const env = { HOME: folder.in("home"), XDG_RUNTIME_DIR: folder.path, TMPDIR: folder.path };
  const global = ["--root", graphroot, "--runroot", runroot, "--storage-driver", driver];
  const apart = ["--tmpdir", folder.in("libpod"), "--events-backend", "none"];
  return {
    place,
    open: (changes = {}) =>
      openStore({ ...place, ...changes }, { signal: new AbortController().signal }),
    in: (...names) => folder.in("root", ...names),
    beside: (...names) => folder.in(...names),
    podman: (...args) => run(requirePeer("podman"), [...global, ...apart, ...args], { env }),
    skopeo: (...args) => run(requirePeer("skopeo"), ["--insecure-policy", ...args], { env }),
    reference: (name) => `containers-storage:[${driver}@${graphroot}+${runroot}]${name}`,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Puts layers upon each other into a store. Gives the ID of the topmost. */
export async function putLayers(store: Store, layers: readonly HandLayer[]): Promise<string> {
  let parent: string | undefined;
  for (const layer of layers) {
    await using staged = await store.stageLayer();
    layer.fill(staged);
    if (parent) await store.layBase(staged, { parent });
    const recorded = layer.over(parent);
    await store.commitLayer(staged, recorded);
    parent = recorded.id;
  }
  return parent ?? "";
}

/** An image of these layers, as it is put into a store. `config`: more members of its config. */
export function handImage(
  layers: readonly HandLayer[],
  topLayer: string,
  names: readonly string[],
  config: Readonly<Record<string, unknown>> = {},
): NewImage {
  const created = String(config["created"] ?? "2020-01-02T03:04:05Z");
  return imageOf(layers, topLayer, { names, created }, configOf(layers, config));
}

function configOf(layers: readonly HandLayer[], more: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
      ...more,
    }),
  );
}

function imageOf(
  layers: readonly HandLayer[],
  topLayer: string,
  { names, created }: Pick<NewImage, "names"> & { readonly created: string },
  config: Buffer,
): NewImage {
  const described = layers.map(({ tar, diffId }) => ({
    mediaType: mediaTypes.ociLayer,
    size: tar.length,
    digest: diffId,
  }));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociConfig, size: config.length, digest: digestOf(config) },
      layers: described,
    }),
  );
  const digest = digestOf(manifest);
  return {
    id: digestOf(config).slice("sha256:".length),
    topLayer,
    names,
    data: new Map([
      [digestOf(config), config],
      [`manifest-${digest}`, manifest],
      ["manifest", manifest],
    ]),
    digest,
    metadata: "{}",
    created,
  };
}

/** Puts a whole image of these files, a layer each, into a store. */
export async function putHandImage(
  store: Store,
  files: readonly Readonly<Record<string, string>>[],
  names: readonly string[],
): Promise<NewImage> {
  const layers = files.map(handLayer);
  const image = handImage(layers, await putLayers(store, layers), names);
  await store.putImage(image);
  return image;
}

/** Reads, changes and writes a JSON file of a store, as a tool that knows more than we do. */
export function editJson(path: string, edit: (records: JsonRecord[]) => void): void {
  const records = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : [];
  edit(records);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(records));
}

/** A record of a database, as it is in the file. */
export type JsonRecord = Record<string, unknown>;
