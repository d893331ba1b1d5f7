import { parseArgs } from "node:util";

/** What a run of the benchmark is told. */
export interface Arguments {
  /** Fewer runs of smaller work: ends within two minutes. */
  readonly quick: boolean;
  /** Words that go before a peer's name, as `chroot /some/tree`; tried where it is not on PATH. */
  readonly prefix: readonly string[];
  /** Peers given whole: `skopeo=words that start it`. */
  readonly peers: ReadonlyMap<string, readonly string[]>;
  /** Makes an OCI layout tagged `latest` in the folder that is its last argument; our own generator where absent. */
  readonly images: readonly string[] | undefined;
  /** A layout made before. */
  readonly layout: string | undefined;
  /** Only cases whose names contain this. */
  readonly only: string | undefined;
  readonly runs: number;
  /** Where the figures go as JSON. */
  readonly json: string | undefined;
}

export const usage = `node bench/main.ts [--quick] [--runs N] [--only TEXT] [--json FILE]
  [--prefix "WORDS"]        starts a peer that is not on PATH: WORDS skopeo … (or AMPHORA_BENCH_PREFIX)
  [--peer "NAME=WORDS"] …   starts the peer NAME (skopeo, crane, oras, docker-registry)
  [--images "WORDS"]        makes the image: WORDS FOLDER leaves an OCI layout tagged latest (or AMPHORA_BENCH_IMAGES)
  [--layout FOLDER]         takes an image that is there
`;

/** @throws {TypeError} for flags that there are not */
export function parseArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: "boolean", default: false },
      prefix: { type: "string" },
      peer: { type: "string", multiple: true, default: [] },
      images: { type: "string" },
      layout: { type: "string" },
      only: { type: "string" },
      runs: { type: "string" },
      json: { type: "string" },
    },
  });
  const images = values.images ?? env["AMPHORA_BENCH_IMAGES"];
  return {
    quick: values.quick,
    prefix: words(values.prefix ?? env["AMPHORA_BENCH_PREFIX"] ?? ""),
    peers: new Map(values.peer.map(namedPeer)),
    images: images ? words(images) : undefined,
    layout: values.layout,
    only: values.only,
    runs: Number(values.runs ?? (values.quick ? 3 : 5)),
    json: values.json,
  };
}

function namedPeer(text: string): [string, string[]] {
  const equals = text.indexOf("=");
  return [text.slice(0, equals), words(text.slice(equals + 1))];
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
