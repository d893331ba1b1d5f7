import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { type Digest, digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { readBounded } from "../../src/stream/bounded.ts";
import { openPlaces, type PlaceName, type Places, placeNames } from "../support/every-place.ts";
import { writeImageFolder } from "../support/image-folder.ts";
import { layerEntry, layerOf } from "../support/layers.ts";
import { imageOfTars } from "../support/odd-layers.ts";
import { skipUnprivileged } from "../support/podman.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";

type Form = "oci" | "docker";
/** Layers by the digests of the source image, by their DiffIDs, or compressed anew. */
type Layers = "packed" | "plain" | "anew";

interface Place {
  /** The only form that it holds. */
  readonly form?: Form;
  /** What its manifest tells of layers that it holds compressed, or not; containers-storage's tells how they came. */
  readonly shows: (given: "packed" | "plain") => Layers;
  /** Whether compressed layers come out as they came. */
  readonly gives: "packed" | "plain";
}

const asGiven = (given: "packed" | "plain") => given;
const compresses = (given: "packed" | "plain") => (given === "packed" ? given : "anew");
const tarred: Place = { form: "docker", shows: () => "plain", gives: "plain" };

const facts: Readonly<Record<PlaceName, Place>> = {
  docker: { shows: compresses, gives: "packed" },
  oci: { form: "oci", shows: compresses, gives: "packed" },
  dir: { shows: asGiven, gives: "packed" },
  "containers-storage": { shows: asGiven, gives: "plain" },
  "docker-archive": tarred,
  "oci-archive": { form: "oci", shows: compresses, gives: "packed" },
  "docker-daemon": tarred,
};

const folderEntry = (name: string) => layerEntry({ name, type: "5" });
/** With whiteouts of a file and of all that is in a folder. */
const tars = [
  layerOf(
    folderEntry("etc/"),
    layerEntry({ name: "etc/gone" }, "gone"),
    layerEntry({ name: "etc/kept", mode: 0o4755 }, "kept"),
    folderEntry("var/"),
    layerEntry({ name: "var/old" }, "old"),
  ),
  layerOf(
    folderEntry("etc/"),
    layerEntry({ name: "etc/.wh.gone" }),
    layerEntry({ name: "link", type: "2", linkName: "etc/kept" }),
    folderEntry("var/"),
    layerEntry({ name: "var/.wh..wh..opq" }),
    layerEntry({ name: "var/new" }, "new"),
  ),
];
const diffIds = tars.map((tar) => digestOf(tar));

for (const form of ["oci", "docker"] as const) {
  const image = imageOfTars(tars, form);
  const packed = image.layers.map(({ digest }) => digest);

  suite(`an image in the form of ${form} keeps its digests`, () => {
    let places: Places;
    let folder: TempFolder;
    const filled = new Map<PlaceName, Promise<string>>();

    before(async () => {
      places = await openPlaces();
      folder = await tempFolder();
      await writeImageFolder(folder.in("image"), image);
    });

    after(async () => {
      await places[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });

    /** A reference to the image in that place, which it was copied to once. */
    function imageIn(place: PlaceName): Promise<string> {
      const made = filled.get(place) ?? copyTo(place, `dir:${folder.in("image")}`);
      filled.set(place, made);
      return made;
    }

    async function copyTo(place: PlaceName, from: string): Promise<string> {
      const reference = await places.reference(place);
      await places.engine.copy(from, reference);
      return reference;
    }

    for (const from of placeNames) {
      for (const to of placeNames) {
        const skip = [from, to].includes("containers-storage") && skipUnprivileged();
        test(`from ${from} to ${to}`, { skip, timeout: 300_000 }, async () => {
          const source = await imageIn(from);
          const before = await look(places, source);
          const now = await look(places, await copyTo(to, source));
          assert.equal(now.config, image.config?.digest, "the image's ID");
          assert.deepEqual(now.diffIds, diffIds, "DiffIDs");
          assert.deepEqual(now.contents, diffIds, "what the layers are, unpacked");
          assert.equal(now.form, facts[to].form ?? before.form);
          const layers = facts[to].shows(facts[from].gives);
          assert.deepEqual(now.layers, { packed, plain: diffIds, anew: now.layers }[layers]);
          const keeps = now.form === before.form && `${now.layers}` === `${before.layers}`;
          assert.equal(now.digest === before.digest, keeps, "the manifest's digest");
        });
      }
    }
  });
}

const { signal } = new AbortController();
const most = 1024 * 1024;

/** Reads an image to its end: what its manifest and config tell, and the DiffIDs that its layers really have. */
async function look({ engine }: Places, text: string) {
  const { transport, reference } = await engine.end(text, "source");
  await using source = await transport.openSource(reference, { signal });
  const top = await source.readManifest("top", { signal });
  const manifest = JSON.parse(Buffer.from(top.bytes).toString());
  const read = async (blob: Parameters<typeof source.openBlob>[0]) => {
    await using stream = await source.openBlob(blob, { signal });
    return await readBounded(stream, most, "a blob");
  };
  const contents: Digest[] = [];
  for (const layer of (await source.heldLayers(top, { signal })) ?? manifest.layers) {
    const bytes = await read(layer);
    contents.push(digestOf(bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes));
  }
  const { rootfs } = JSON.parse(Buffer.from(await read(manifest.config)).toString());
  return {
    digest: top.digest,
    form: top.mediaType === mediaTypes.ociManifest ? "oci" : "docker",
    config: manifest.config.digest,
    layers: manifest.layers.map(({ digest }: { digest: Digest }) => digest),
    diffIds: rootfs.diff_ids,
    contents,
  };
}
