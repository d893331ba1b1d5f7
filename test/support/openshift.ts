import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** An entry of the cluster's list of signatures. */
export interface ImageSignature {
  readonly metadata: { readonly name: string };
  readonly type: string;
  readonly content: string;
}

/** So much of an OpenShift cluster's API as image streams and their signatures need; images are in some registry. */
export interface OpenShift extends AsyncDisposable {
  readonly origin: string;
  /** `namespace/stream:tag` to the newest image: the name it is pulled by, and its digest. */
  readonly tags: Map<string, { readonly dockerImageReference: string; readonly image: string }>;
  /** By digest. */
  readonly signatures: Map<string, ImageSignature[]>;
}

/** Starts it on a free port of 127.0.0.1; whoever does not send `token` is refused. */
export async function startOpenShift(token: string): Promise<OpenShift> {
  const tags: OpenShift["tags"] = new Map();
  const signatures: OpenShift["signatures"] = new Map();
  const get = (path: string): object | undefined => {
    const stream = /^\/oapi\/v1\/namespaces\/([^/]+)\/imagestreams\/([^/]+)$/.exec(path);
    if (stream) {
      const own = [...tags].filter(([name]) => name.startsWith(`${stream[1]}/${stream[2]}:`));
      const listed = own.map(([name, event]) => ({ tag: name.split(":")[1], items: [event] }));
      return { kind: "ImageStream", status: { tags: listed } };
    }
    const image = /^\/oapi\/v1\/namespaces\/[^/]+\/imagestreamimages\/[^/@]+@(.+)$/.exec(path);
    if (!image) return undefined;
    return { image: { signatures: signatures.get(decodeURIComponent(image[1] ?? "")) ?? [] } };
  };
  const post = async (request: IncomingMessage): Promise<object> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const entry: ImageSignature = JSON.parse(Buffer.concat(chunks).toString());
    const digest = entry.metadata.name.split("@")[0] ?? "";
    signatures.set(digest, [...(signatures.get(digest) ?? []), entry]);
    return entry;
  };
  const server = createServer(async (request, response) => {
    const say = (status: number, document: object) =>
      response
        .writeHead(status, { "content-type": "application/json" })
        .end(JSON.stringify(document));
    if (request.headers.authorization !== `Bearer ${token}`) {
      return say(401, { kind: "Status", status: "Failure", message: "Unauthorized" });
    }
    if (request.method === "POST" && request.url === "/oapi/v1/imagesignatures") {
      return say(201, await post(request));
    }
    const found = request.method === "GET" ? get(request.url ?? "") : undefined;
    if (found) return say(200, found);
    return say(404, { kind: "Status", status: "Failure", message: "not found" });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    tags,
    signatures,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
