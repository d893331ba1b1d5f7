import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Descriptor } from "../../src/core/descriptor.ts";
import { digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { makeLayer, type TestImage } from "./images.ts";

/** A Docker schema 1 image, signed with a throw-away key as Docker did; its digest depends on the recipe alone. */
export function makeSchema1(
  name: string,
  tag: string,
  recipe: { readonly seed?: number; readonly layers?: number } = {},
): TestImage {
  const { seed = 1, layers: count = 2 } = recipe;
  const made = Array.from({ length: count }, (_, index) => makeLayer(seed * 1000 + index, 1000));
  const ids = made.map((_, index) => createHash("sha256").update(`${seed}/${index}`).digest("hex"));
  const history = made.map((_, index) => ({
    v1Compatibility: JSON.stringify({
      id: ids[index],
      ...(index > 0 && { parent: ids[index - 1] }),
      created: "2015-01-02T03:04:05Z",
      container_config: { Cmd: [`/bin/sh -c #(nop) ADD file-${index}`] },
      ...(index === count - 1 && { architecture: "amd64", os: "linux", config: { Cmd: ["sh"] } }),
    }),
  }));
  const payload = Buffer.from(
    JSON.stringify(
      {
        schemaVersion: 1,
        name,
        tag,
        architecture: "amd64",
        fsLayers: made.map((layer) => ({ blobSum: layer.descriptor.digest })).reverse(),
        history: history.reverse(),
      },
      null,
      3,
    ),
  );
  const bytes = signed(payload);
  const mediaType = mediaTypes.schema1Signed;
  const digest = digestOf(payload);
  const descriptor: Descriptor = { mediaType, size: bytes.length, digest };
  return {
    mediaType,
    bytes,
    digest,
    descriptor,
    layers: made.map((layer) => layer.descriptor),
    blobs: new Map(made.map((layer) => [layer.descriptor.digest, layer.bytes])),
    manifests: [{ mediaType, bytes }],
  };
}

/** The payload with a "signatures" member before its closing brace — libtrust's pretty signature. */
function signed(payload: Buffer): Buffer {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const formatLength = payload.length - 2;
  const head = base64url(
    JSON.stringify({
      formatLength,
      formatTail: base64url(payload.subarray(formatLength)),
      time: "2015-01-02T03:04:05Z",
    }),
  );
  const signature = sign("sha256", Buffer.from(`${head}.${base64url(payload)}`), {
    key: privateKey,
    dsaEncoding: "ieee-p1363",
  });
  const { crv, kty, x, y } = publicKey.export({ format: "jwk" });
  const signatures = [
    {
      header: { jwk: { crv, kid: keyId(publicKey), kty, x, y }, alg: "ES256" },
      signature: base64url(signature),
      protected: head,
    },
  ];
  const text = JSON.stringify(signatures, null, 3).replaceAll("\n", "\n   ");
  return Buffer.concat([
    payload.subarray(0, formatLength),
    Buffer.from(`,\n   "signatures": ${text}\n}`),
  ]);
}

/** libtrust's name of a key: 240 bits of its SHA-256 in base32, groups of four. */
export function keyId(key: KeyObject): string {
  const hash = createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let bits = "";
  for (const byte of hash.subarray(0, 30)) bits += byte.toString(2).padStart(8, "0");
  const letters = bits.match(/.{5}/g)?.map((five) => alphabet[Number.parseInt(five, 2)]) ?? [];
  return letters.join("").match(/.{4}/g)?.join(":") ?? "";
}

function base64url(data: string | Uint8Array): string {
  return Buffer.from(data).toString("base64url");
}
