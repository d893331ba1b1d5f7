import type { HttpLookasideOptions } from "../../../sigstore/lookaside/lookaside-client.ts";
import { openLookaside } from "../../../sigstore/lookaside/open-lookaside.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { createHttpClient } from "../../../src/registry/http/client.ts";
import type { HttpClient } from "../../../src/registry/http/contract.ts";
import { WebFolder, type WebFolderOptions } from "../../support/web-folder.ts";

export const signal = new AbortController().signal;

export const subject = {
  repository: "h.example.com/ns/one",
  manifestDigest: digestOf(Buffer.from("a manifest")),
};

/** Where {@link subject}'s signatures stand below the base. */
export const subjectFolder = `ns/one@${subject.manifestDigest.replace(":", "=")}`;

/** Something that passes for an OpenPGP signature. */
export function fakeSignature(text: string): UntrustedSignature {
  return { format: "simple-signing", bytes: fakeBytes(text) };
}

export function fakeBytes(text: string): Uint8Array {
  return Buffer.from(`\x89${text}`, "latin1");
}

/** What fake signatures say, sorted. */
export function textsOf(signatures: readonly UntrustedSignature[]): string[] {
  return signatures.map((signature) =>
    signature.format === "simple-signing"
      ? Buffer.from(signature.bytes).toString("latin1").slice(1)
      : `sigstore ${Buffer.from(signature.payload).toString()}`,
  );
}

export interface TestClient extends HttpLookasideOptions, AsyncDisposable {
  readonly warnings: string[];
}

/** What look-asides over http are opened with. */
export function testClient(): TestClient {
  const http: HttpClient = createHttpClient({
    connections: 8,
    proxyFor: () => undefined,
    tlsFor: () => ({ ca: [], clientCertificates: [], verify: true }),
  });
  const warnings: string[] = [];
  return {
    http,
    warnings,
    userAgent: "test/1",
    onWarning: (text) => warnings.push(text),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

/** A web server that keeps signatures, and the store there. */
export async function world(options: WebFolderOptions = {}) {
  const web = await WebFolder.start(options);
  const client = testClient();
  const path = (number: number) => `/base/${subjectFolder}/signature-${number}`;
  const open = (base = `${web.origin}/base`) => openLookaside(base, client, true);
  return {
    web,
    client,
    path,
    open,
    put: (number: number, bytes: Uint8Array) => web.files.set(path(number), bytes),
    read: async (base?: string) => textsOf(await open(base).read(subject, { signal })),
    held: () => [...web.files.values()].map((bytes) => Buffer.from(bytes).toString("latin1")),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await web[Symbol.asyncDispose]();
    },
  };
}
