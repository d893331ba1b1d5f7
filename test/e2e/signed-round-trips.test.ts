import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Gate } from "../../policy/gate.ts";
import { openLookaside } from "../../sigstore/lookaside/open-lookaside.ts";
import type { CopyOptions } from "../../src/copy/options.ts";
import type { FindSignaturePlaces } from "../../src/transport/docker/signatures.ts";
import { createToyKey, type ToyKey, toySignature } from "../policy/toy-signatures.ts";
import { contextOf, gateOf } from "../policy/world.ts";
import { testClient } from "../sigstore/lookaside/support.ts";
import { Engine } from "../support/engine.ts";
import { makeImage, makeMultiArch } from "../support/images.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";
import { Waves } from "../support/waves.ts";
import { WebFolder } from "../support/web-folder.ts";

const image = makeImage({ seed: 90, layerBytes: 2000 });
const index = makeMultiArch({ seed: 91, layerBytes: 2000 });

/** The look-aside's first two, which every image with one signature takes. */
const signatures = ["GET signature-1", "GET signature-2"];
const heads = ["source HEAD manifest", "destination HEAD manifest"];
const manifest = "source GET manifest";
const ping = "source GET ping";
/** It tells where the signatures are to go that are carried along. */
const destinationPing = "destination GET ping";

interface Trip {
  readonly name: string;
  readonly from: ":tag" | "@digest";
  readonly to: "a registry" | "the same image in a registry" | "a folder";
  readonly tellLayers?: boolean;
  readonly index?: boolean;
  /** Round trips before the first blob, under `signedBy`; under accept, without signatures, one less at most. */
  readonly signed: readonly (readonly string[])[];
  readonly accepted: readonly (readonly string[])[];
}

const trips: readonly Trip[] = [
  {
    name: "by tag to a registry: the HEAD tells the digest",
    from: ":tag",
    to: "a registry",
    signed: [heads, [manifest, ping, destinationPing, ...signatures]],
    accepted: [heads, [manifest]],
  },
  {
    name: "by tag to a registry that has the image",
    from: ":tag",
    to: "the same image in a registry",
    signed: [heads, [manifest, ping, destinationPing, ...signatures]],
    accepted: [heads],
  },
  {
    name: "by tag to a registry, with lines that name the layers",
    from: ":tag",
    to: "a registry",
    tellLayers: true,
    signed: [["destination HEAD manifest", manifest, ping, destinationPing], signatures],
    accepted: [["destination HEAD manifest", manifest]],
  },
  {
    name: "by digest to a folder",
    from: "@digest",
    to: "a folder",
    signed: [[manifest, ping, ...signatures]],
    accepted: [[manifest]],
  },
  {
    name: "by tag to a folder",
    from: ":tag",
    to: "a folder",
    signed: [[manifest, ping], signatures],
    accepted: [[manifest]],
  },
  {
    name: "one image of an index: its digest is known before its manifest",
    from: ":tag",
    to: "a folder",
    index: true,
    signed: [
      [manifest, ping],
      ["source GET instance", ...signatures],
    ],
    accepted: [[manifest], ["source GET instance"]],
  },
];

suite("a copy under signedBy makes one round trip more than under accept, at most,", () => {
  for (const trip of trips) {
    test(trip.name, async () => {
      assert.ok(trip.signed.length <= trip.accepted.length + 1);
      await copyInWaves(trip, trip.accepted, undefined);
      await copyInWaves(trip, trip.signed, createToyKey("ann"));
    });
  }
});

test("a copy that changes nothing is judged all the same, and asks each host once what it is able to", async () => {
  const held = { name: "", from: ":tag", to: "the same image in a registry" } as const;
  const waves = new Waves([]);
  const ann = createToyKey("ann");
  await using world = await makeWorld({ ...held, signed: [], accepted: [] }, waves, ann);
  const { source, engine, to } = world;
  const copy = (gate: Gate) => engine.copy(`docker://${source.host}/made/app:v1`, to, { gate });
  const refused = { code: "policy.refused" };
  const reject = gateOf({ default: [{ type: "reject" }] }, contextOf({}));
  await assert.rejects(copy(reject), refused);
  assert.ok(!waves.others.includes(signatures[0] ?? ""), "reject needs no signatures");
  await assert.rejects(copy(signedByGate({ ...createToyKey("eve"), name: "ann" })), refused);
  await copy(signedByGate(ann));
  const moved = waves.others.filter(movesTheImage);
  assert.deepEqual(moved, [], "only the signatures are brought");
  for (const asked of [ping, destinationPing])
    assert.equal(waves.others.filter((name) => name === asked).length, 1, asked);
});

/** Ends only where the requests come as told, and fails where there are others. */
async function copyInWaves(
  trip: Trip,
  expected: readonly (readonly string[])[],
  key: ToyKey | undefined,
): Promise<void> {
  const waves = new Waves(expected);
  await using world = await makeWorld(trip, waves, key);
  const { source, digest, engine } = world;
  const from = `docker://${source.host}/made/app${trip.from === ":tag" ? ":v1" : `@${digest}`}`;
  await engine.copy(from, world.to, {
    tellLayers: trip.tellLayers ?? false,
    ...(key
      ? { gate: signedByGate(key) }
      : ({ removeSignatures: true } satisfies Partial<CopyOptions>)),
  });
  assert.deepEqual(waves.missing, []);
  assert.deepEqual(
    waves.others.filter((name) => !movesTheImage(name)),
    [],
  );
}

function movesTheImage(name: string): boolean {
  return / GET blob$| POST uploads| PUT /.test(name) || name === "destination HEAD blob";
}

function signedByGate(key: ToyKey): Gate {
  const signedBy = { type: "signedBy", keyType: "GPGKeys", keyPath: "/ann.pub" };
  return gateOf({ default: [signedBy] }, contextOf({ "/ann.pub": key.file }));
}

/** A source whose image `key` has signed in a look-aside, and a destination, which answer in waves. */
async function makeWorld(trip: Trip, waves: Waves, key: ToyKey | undefined) {
  const parts = new AsyncDisposableStack();
  const source = parts.use(await startRegistry());
  const destination = parts.use(await startRegistry());
  const folder = parts.use(await tempFolder());
  const web = parts.use(await WebFolder.start());
  const client = parts.use(testClient());
  const digest = source.seed("made/app", "v1", trip.index ? index : image);
  if (trip.to === "the same image in a registry") destination.seed("to/app", "v1", image);
  if (key) sign(key, source, trip.index ? instanceDigest() : digest, web);
  const none = openLookaside(`file://${folder.in("none")}`, client, true);
  const places: FindSignaturePlaces = async ({ reference }) => ({
    where: web.origin,
    read: reference.domain === source.host ? openLookaside(web.origin, client, false) : none,
    write: none,
    more: [],
    attachments: false,
    open: () => none,
  });
  const engine = parts.use(new Engine({ signaturePlaces: places }));
  await makeContact(engine, source, destination);
  answerInWaves(source, destination, web, waves, trip.index ? digest : undefined);
  return {
    source,
    digest,
    engine,
    to: trip.to === "a folder" ? `dir:${folder.in("d")}` : `docker://${destination.host}/to/app:v1`,
    [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
  };
}

/** Whether they speak TLS is found out beforehand: it takes one request alone, whatever is copied. */
async function makeContact(engine: Engine, ...registries: readonly Registry[]): Promise<void> {
  const { signal } = new AbortController();
  for (const { host } of registries) {
    const { transport, reference } = await engine.end(`docker://${host}/to/app`, "source");
    await transport.listTags?.(reference, { signal }).catch(() => {});
  }
}

function sign(key: ToyKey, source: Registry, digest: string, web: WebFolder): void {
  const reference = `${source.host}/made/app:v1`;
  const signature = toySignature(key, { digest, reference });
  if (signature.format !== "simple-signing") return;
  const file = Buffer.concat([Buffer.from("\0simple-signing\n"), signature.bytes]);
  web.files.set(`/made/app@${digest.replace(":", "=")}/signature-1`, file);
}

/** That of the index's image for the engine's platform, which is the first. */
function instanceDigest(): string {
  const top = index.manifests.at(-1);
  const { manifests } = JSON.parse(Buffer.from(top?.bytes ?? "").toString()) as {
    manifests: { digest: string; platform: { architecture: string } }[];
  };
  return manifests.find(({ platform }) => platform.architecture === "amd64")?.digest ?? "";
}

function answerInWaves(
  source: Registry,
  destination: Registry,
  web: WebFolder,
  waves: Waves,
  indexDigest: string | undefined,
): void {
  for (const [side, registry] of Object.entries({ source, destination })) {
    registry.behave({
      times: Number.POSITIVE_INFINITY,
      fault: {
        async arrive({ operation: { template, reference } }) {
          const isInstance = indexDigest && reference.startsWith("sha256:");
          const name = template === "GET manifest" && isInstance ? "GET instance" : template;
          await waves.arrive(`${side} ${name}`);
          return undefined;
        },
      },
    });
  }
  web.options = {
    async answer({ method, url }) {
      await waves.arrive(`${method} ${url?.split("/").at(-1)}`);
      return undefined;
    },
  };
}
