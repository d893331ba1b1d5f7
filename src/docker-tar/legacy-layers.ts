import { type Digest, digestOf, hexOf } from "../core/digest.ts";
import { goCompact, goMap, goString } from "../core/go-json.ts";
import { JsonObject, parseJsonText } from "../core/json-text.ts";
import { decodeUtf8 } from "../core/utf8.ts";
import { invalid } from "./errors.ts";

/** A layer as Docker before 1.10 knows it: a folder named by `id`, with its own config in `json`. */
export interface LegacyLayer {
  /** 64 hex digits. */
  readonly id: string;
  readonly digest: Digest;
  readonly json: string;
}

/** What of an image's config the top layer repeats. */
const repeated = [
  "architecture",
  "config",
  "container",
  "container_config",
  "created",
  "docker_version",
  "os",
];

/**
 * The layers of an image in the legacy form, base first, with the ids that containers/image gives them.
 *
 * @throws {DockerTarError} `docker-tar.invalid` for a config that is no JSON object
 */
export function legacyLayers(digests: readonly Digest[], config: Uint8Array): LegacyLayer[] {
  const layers: LegacyLayer[] = [];
  let chain: string | undefined;
  for (const [position, digest] of digests.entries()) {
    chain = chain === undefined ? digest : digestOf(Buffer.from(`${chain} ${digest}`));
    const members = new Map<string, string>();
    const parent = layers.at(-1)?.id;
    if (parent !== undefined) members.set("parent", goString(parent));
    if (position === digests.length - 1) repeatConfig(config, members);
    const id = hexOf(digestOf(Buffer.from(goMap([...members, ["layer_id", goString(chain)]]))));
    layers.push({ id, digest, json: goMap([...members, ["id", goString(id)]]) });
  }
  return layers;
}

/** As Go's map of raw values: the last of equal members counts, and one that is missing is null. */
function repeatConfig(config: Uint8Array, members: Map<string, string>): void {
  const root = parseJsonText(decodeUtf8(config), { maxDepth: 1000 });
  if (!(root instanceof JsonObject)) throw invalid("unmarshaling config: not a JSON object");
  const values = new Map(root.members.map(({ name, raw }) => [name, raw]));
  for (const name of repeated) members.set(name, goCompact(values.get(name) ?? "null"));
}
