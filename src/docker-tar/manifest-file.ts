import { ContentError } from "../core/errors.ts";
import { goText, namedText } from "../core/go-scalars.ts";
import { always, type GoValue, goList, goMapOf, goStruct, omitEmpty } from "../core/go-struct.ts";
import { readAs } from "../core/go-type.ts";
import { parseJsonText } from "../core/json-text.ts";
import { dockerDescriptor } from "../core/manifest-structs.ts";
import { decodeUtf8 } from "../core/utf8.ts";
import { invalid } from "./errors.ts";

/** The file that tells of the images of an archive, and that makes a tar one. */
export const manifestFileName = "manifest.json";

/** The most that is read of it, bytes — `specs/registry.md` 6.2. */
export const maxManifestFileBytes = 1024 * 1024;

/** One image of an archive: where its config and layers are, and by what names it goes. Docker's `docker save`. */
export interface ManifestItem {
  readonly config: string;
  /** As they are written: `name:tag`. */
  readonly repoTags: readonly string[];
  /** Files of the archive, base first; one for each layer of the config. */
  readonly layers: readonly string[];
}

const texts = goList(goText);

/** containers/image tarfile.ManifestItem. */
const manifestItem = goStruct("tarfile.ManifestItem", {
  Config: always(goText),
  RepoTags: always(texts),
  Layers: always(texts),
  Parent: omitEmpty(namedText("tarfile.imageID")),
  LayerSources: omitEmpty(goMapOf(dockerDescriptor)),
});

const manifestItems = goList(manifestItem);

/** @throws {DockerTarError} `docker-tar.invalid`, with Go's text */
export function parseManifestFile(bytes: Uint8Array): readonly ManifestItem[] {
  const items = (reading(() => {
    const node = parseJsonText(decodeUtf8(bytes), { maxDepth: 1000 });
    return readAs(manifestItems, node, "content.bad-manifest");
  }) ?? []) as readonly GoValue<typeof manifestItem>[];
  return items.map(({ Config, RepoTags, Layers }) => ({
    config: Config,
    repoTags: RepoTags ?? [],
    layers: Layers ?? [],
  }));
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw invalid(`decoding tar ${manifestFileName}: ${error.message}`, error);
  }
}

/** Byte for byte what containers/image writes. */
export function formatManifestFile(items: readonly ManifestItem[]): Uint8Array {
  const structs = items.map(({ config, repoTags, layers }) => ({
    Config: config,
    RepoTags: repoTags,
    Layers: layers,
    Parent: "",
    LayerSources: null,
  }));
  return Buffer.from(manifestItems.write(structs));
}
