import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AttachedDocuments,
  type AttachmentDocuments,
  annotationKeys,
  attachmentManifest,
  attachmentTag,
  parseAttachmentManifest,
  type SigstoreSignature,
  signatureMediaType,
  signatureOf,
} from "../../../sigstore/cosign/attachment.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";

function signature(text: string, annotation = text): SigstoreSignature {
  return {
    format: "sigstore",
    mediaType: signatureMediaType,
    payload: Buffer.from(text),
    annotations: { [annotationKeys.signature]: annotation },
  };
}

function made(documents: AttachmentDocuments | undefined): AttachmentDocuments & WithAttached {
  assert.ok(documents);
  return {
    ...documents,
    attached: { manifest: documents.manifest.bytes, config: documents.config.bytes },
  };
}

interface WithAttached {
  readonly attached: AttachedDocuments;
}

function readBack(documents: AttachmentDocuments, blobs: readonly Uint8Array[]) {
  const { layers } = parseAttachmentManifest(
    documents.manifest.bytes,
    mediaTypes.ociManifest,
    "there",
  );
  return layers.map((layer) => {
    const blob = blobs.find((bytes) => digestOf(bytes) === layer.digest);
    assert.ok(blob);
    return signatureOf(layer, blob);
  });
}

test("signatures are kept as cosign keeps them", () => {
  assert.equal(signatureMediaType, "application/vnd.dev.cosign.simplesigning.v1+json");
  assert.deepEqual(annotationKeys, {
    signature: "dev.cosignproject.cosign/signature",
    set: "dev.sigstore.cosign/bundle",
    certificate: "dev.sigstore.cosign/certificate",
    chain: "dev.sigstore.cosign/chain",
  });
});

test("signatures are found under a tag made of the digest", () => {
  const digest = digestOf(Buffer.from("x"));
  assert.equal(attachmentTag(digest), `sha256-${digest.slice(7)}.sig`);
});

test("what is attached is read back, and added to", () => {
  const [one, two] = [signature("one"), signature("two")];
  const first = made(attachmentManifest(undefined, [one]));
  assert.deepEqual(readBack(first, [one.payload]), [one]);
  const second = made(attachmentManifest(first.attached, [one, two]));
  assert.deepEqual(
    second.payloads.map(({ bytes }) => bytes),
    [two.payload],
  );
  assert.deepEqual(readBack(second, [one.payload, two.payload]), [one, two]);
  assert.equal(attachmentManifest(second.attached, [two, one]), undefined);
  const config = JSON.parse(Buffer.from(second.config.bytes).toString());
  assert.deepEqual(config, {
    architecture: "",
    os: "",
    config: {},
    rootfs: { type: "layers", diff_ids: [digestOf(one.payload), digestOf(two.payload)] },
  });
  assert.equal(second.config.descriptor.mediaType, mediaTypes.ociConfig);
  const manifest = JSON.parse(Buffer.from(second.manifest.bytes).toString());
  assert.deepEqual([manifest.schemaVersion, manifest.mediaType], [2, mediaTypes.ociManifest]);
});

test("the same payload signed twice is two signatures", () => {
  const [one, again] = [signature("one", "AAAA"), signature("one", "BBBB")];
  const first = made(attachmentManifest(undefined, [one]));
  const second = made(attachmentManifest(first.attached, [again]));
  assert.deepEqual(readBack(second, [one.payload]), [one, again]);
});

test("what others keep in manifest and config stays", () => {
  const config = Buffer.from(JSON.stringify({ author: "ann", rootfs: { diff_ids: ["sha256:1"] } }));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      annotations: { of: "theirs" },
      config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: "text/plain", digest: digestOf(config), size: config.length }],
    }),
  );
  const { manifest: written, config: newConfig } = made(
    attachmentManifest({ manifest, config }, [signature("one")]),
  );
  const document = JSON.parse(Buffer.from(written.bytes).toString());
  assert.deepEqual(document.annotations, { of: "theirs" });
  assert.equal(document.layers.length, 2);
  assert.equal(document.config.digest, newConfig.descriptor.digest);
  const { author, rootfs } = JSON.parse(Buffer.from(newConfig.bytes).toString());
  assert.deepEqual([author, rootfs.diff_ids.length], ["ann", 2]);
});

test("anything but an OCI manifest is refused", () => {
  const failed = { code: "signature.store-failed" };
  const parse = (text: string, type: string) => () =>
    parseAttachmentManifest(Buffer.from(text), type, "r/x:t");
  assert.throws(parse("{}", mediaTypes.dockerManifest), {
    ...failed,
    message: `unexpected MIME type for sigstore attachment manifest r/x:t: "${mediaTypes.dockerManifest}"`,
  });
  for (const text of ["", "[]", "{", '{"layers":[{"digest":"md5:1"}]}', '{"layers":3}']) {
    assert.throws(parse(text, mediaTypes.ociManifest), failed);
  }
  const manifest = Buffer.from(
    made(attachmentManifest(undefined, [signature("a")])).manifest.bytes,
  );
  for (const member of ["manifests", "fsLayers", "history"]) {
    const mixed = manifest.toString().replace(/^{/, `{"${member}":[],`);
    assert.throws(parse(mixed, mediaTypes.ociManifest), {
      ...failed,
      message: `parsing manifest r/x:t: rejecting ambiguous manifest, unexpected fields []string{"${member}"} in supposedly ${mediaTypes.ociManifest}`,
    });
  }
  for (const config of ["", "[]", "null", "3"]) {
    const attached = { manifest, config: Buffer.from(config) };
    assert.throws(() => attachmentManifest(attached, [signature("b")]), failed);
  }
});
