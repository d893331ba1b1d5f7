import type { Exchange } from "./exchange.ts";
import { errorReply, jsonReply, type Reply, textReply } from "./reply.ts";

/** The X-Registry-Supports-Signatures API of one registry: what it holds, and how it differs. */
export interface SignaturesApi {
  /** The header's value; absent: not announced. */
  readonly announced?: string;
  /** By digest: the entries, which need not be right. */
  readonly lists: Map<string, unknown[]>;
  /** What GET answers instead. */
  readonly get?: { readonly status: number; readonly body: string };
  /** What PUT answers instead of 201. */
  readonly putStatus?: number;
}

export function signaturesHeader(api: SignaturesApi | undefined): Record<string, string> {
  const value = api?.announced;
  return value === undefined ? {} : { "x-registry-supports-signatures": value };
}

/** An entry as it should be. */
export function kept(bytes: Uint8Array, name = "x"): object {
  const content = Buffer.from(bytes).toString("base64");
  return { schemaVersion: 2, name, type: "atomic", content };
}

/** `GET /extensions/v2/<repository>/signatures/<digest>`. */
export function listSignatures({ features, operation }: Exchange): Reply {
  const api = features.signatures;
  if (!api) return textReply(404, "404 page not found\n");
  if (api.get) return { ...textReply(api.get.status, api.get.body) };
  return jsonReply(200, { signatures: api.lists.get(operation.reference) ?? [] });
}

/** `PUT` there: one more. */
export async function addSignature({ features, operation, body }: Exchange): Promise<Reply> {
  const api = features.signatures;
  if (!api) return textReply(404, "404 page not found\n");
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  if (api.putStatus) return errorReply(api.putStatus, "UNKNOWN");
  const entry: unknown = JSON.parse(Buffer.concat(chunks).toString());
  api.lists.set(operation.reference, [...(api.lists.get(operation.reference) ?? []), entry]);
  return jsonReply(201, "");
}
