import { digestOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { makeImage, makeIndex } from "../../support/images.ts";
import {
  flipByte,
  longBody,
  refuse,
  setHeaders,
  shortBody,
} from "../../support/registry/faults.ts";
import { textReply } from "../../support/registry/reply.ts";
import type { Rule } from "../../support/registry/rules.ts";
import type { Registry } from "../../support/registry.ts";

const image = makeImage({ seed: 30 });
const orphans = makeIndex([makeImage({ seed: 31 })]);
const huge = padded(image.bytes, 4 * 1024 * 1024 + 1);
const wrong = `sha256:${"1".repeat(64)}`;

/** Manifests that no honest registry would hold, by repository. */
const manifests: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  "no-json": { type: mediaTypes.dockerManifest, text: "<html>gone</html>" },
  "empty-body": { type: mediaTypes.dockerManifest, text: "" },
  "json-null": { type: mediaTypes.dockerManifest, text: "null" },
  "json-list": { type: mediaTypes.ociManifest, text: "[]" },
  "no-layers": {
    type: mediaTypes.ociManifest,
    text: JSON.stringify({ schemaVersion: 2, config: image.config }),
  },
  "two-kinds": {
    type: mediaTypes.ociManifest,
    text: JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: image.config,
      layers: [],
      manifests: [],
    }),
  },
  "bad-digest": {
    type: mediaTypes.dockerManifest,
    text: Buffer.from(image.bytes).toString().replaceAll("sha256:", "md5:"),
  },
  "path-digest": {
    type: mediaTypes.dockerManifest,
    text: Buffer.from(image.bytes)
      .toString()
      .replace(/"sha256:[0-9a-f]{64}"/, '"sha256:../../../../etc/passwd"'),
  },
  "unknown-type": {
    type: "application/vnd.unheard.of+json",
    text: JSON.stringify({ schemaVersion: 2, mediaType: "application/vnd.unheard.of+json" }),
  },
  "negative-size": {
    type: mediaTypes.dockerManifest,
    text: Buffer.from(image.bytes)
      .toString()
      .replace(/"size": \d+/, '"size": -1'),
  },
};

/** Rules for repositories whose server misbehaves, for good. */
const misbehaving: Readonly<Record<string, readonly Omit<Rule, "times">[]>> = {
  "wrong-digest-header": [
    { on: "GET manifest", fault: setHeaders({ "docker-content-digest": wrong }) },
  ],
  "no-digest-header": [
    { on: "GET manifest", fault: setHeaders({ "docker-content-digest": undefined }) },
  ],
  "flipped-manifest": [{ on: "GET manifest", fault: flipByte(20) }],
  "flipped-blob": [{ on: "GET blob", fault: flipByte(100) }],
  "long-blob": [{ on: "GET blob", fault: longBody(100) }],
  "short-blob": [{ on: "GET blob", fault: shortBody(10) }],
  "html-error": [{ on: "GET manifest", fault: { arrive: () => htmlReply(404) } }],
  forbidden: [{ on: "GET manifest", fault: refuse(403, { code: "DENIED", message: "go away" }) }],
  "bad-gateway": [{ on: "GET manifest", fault: { arrive: () => htmlReply(502) } }],
  "no-error-body": [{ on: "GET manifest", fault: refuse(400, { message: "", code: "" }) }],
  "html-tags": [{ on: "GET tags", fault: { arrive: () => htmlReply(200) } }],
  "no-tags": [{ on: "GET tags", fault: { arrive: () => textReply(200, '{"name":"x"}') } }],
  "bad-tags": [
    {
      on: "GET tags",
      fault: { arrive: () => textReply(200, '{"name":"x","tags":["ok","no/t"]}') },
    },
  ],
  "denied-tags": [{ on: "GET tags", fault: refuse(403, { code: "DENIED", message: "no" }) }],
};

function htmlReply(status: number) {
  return textReply(
    status,
    "<html><body>An error page, and a long one at that</body></html>",
    "text/html",
  );
}

/** Puts all of them into the registry, under `bad/NAME:v1`. */
export function plantHostile(registry: Registry): void {
  for (const [name, { type, text }] of Object.entries(manifests)) {
    const bytes = Buffer.from(text);
    const repository = registry.store.open(`bad/${name}`);
    repository.manifests.set(digestOf(bytes), { mediaType: type, bytes });
    repository.tags.set("v1", digestOf(bytes));
    registry.seed(`bad/${name}`, undefined, { blobs: image.blobs, manifests: [] });
  }
  for (const [name, rules] of Object.entries(misbehaving)) {
    registry.seed(`bad/${name}`, "v1", image);
    for (const { on, fault } of rules) {
      registry.behave({
        on: (operation) => operation.repository === `bad/${name}` && operation.template === on,
        times: Number.POSITIVE_INFINITY,
        fault,
      });
    }
  }
  registry.seed("bad/missing-blob", "v1", { blobs: new Map(), manifests: image.manifests });
  registry.seed("bad/missing-child", "v1", { blobs: new Map(), manifests: [orphans] });
  registry.seed("bad/huge", "v1", {
    blobs: image.blobs,
    manifests: [{ mediaType: image.mediaType, bytes: huge }],
  });
}

/** The same JSON with blanks in front of its last brace. */
function padded(bytes: Uint8Array, size: number): Buffer {
  return Buffer.concat([
    bytes.subarray(0, -1),
    Buffer.alloc(size - bytes.byteLength, " "),
    Buffer.from("}"),
  ]);
}
