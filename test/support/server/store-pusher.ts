import { digestOf } from "../../../src/core/digest.ts";
import { randomBytesOf } from "../random.ts";
import { bodyOf, callBy, imageOf, openTestStore, pushBlob, repositoryAt } from "./store-world.ts";

// A process that pushes into a store until it is killed: `store-pusher.ts FOLDER NAME`. For every push that was acknowledged
// it writes a line: the repository's path, the tag, the manifest's digest.

const [, , folder = "", name = ""] = process.argv;
const store = await openTestStore(folder);
const shared = randomBytesOf(1, 50_000);

async function pushInPieces(path: string, bytes: Uint8Array): Promise<void> {
  const repository = repositoryAt(path);
  const begun = await store.beginUpload(repository, { type: "new" }, callBy());
  if (begun.type !== "open") return;
  const { id } = begun.upload;
  const half = bytes.byteLength / 2;
  await store.appendUpload(repository, id, { body: bodyOf(bytes.subarray(0, half)) }, callBy());
  const end = { body: bodyOf(bytes.subarray(half)), digest: digestOf(bytes) };
  await store.finishUpload(repository, id, end, callBy());
}

async function fill(bytes: Uint8Array): Promise<void> {
  const upstream = repositoryAt("library/alpine", "docker.io");
  const begun = await store.cache.beginFill(upstream, digestOf(bytes), bytes.byteLength);
  if (begun === "held") return;
  await using filling = begun;
  await filling.append(bytes.subarray(0, 10_000));
  await filling.append(bytes.subarray(10_000));
  await filling.finish();
}

async function pushForEver(path: string): Promise<never> {
  for (let n = 0; ; n++) {
    const tag = `${name}-${n}`;
    const config = Buffer.from(JSON.stringify({ path, tag }));
    const layer = randomBytesOf(n + path.length * 1000, 40_000);
    await Promise.all([
      pushBlob(store, repositoryAt(path), config),
      pushInPieces(path, layer),
      pushBlob(store, repositoryAt(path), shared),
      fill(layer),
    ]);
    const manifest = imageOf(config, [layer, shared]);
    await store.putManifest(repositoryAt(path), { manifest, tags: [tag, "latest"] }, callBy());
    process.stdout.write(`${path} ${tag} ${manifest.digest}\n`);
    if (n % 3 === 2) await store.collectGarbage();
  }
}

process.stdout.write("ready\n");
await Promise.all(["a", "a/b", "c"].map(pushForEver));
