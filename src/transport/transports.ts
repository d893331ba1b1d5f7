import { UsageError } from "../core/errors.ts";
import { goQuote } from "../core/go-quote.ts";
import type { ImageReference } from "../core/image-reference.ts";
import type { CallOptions } from "./contract/call-options.ts";
import type { Transport } from "./contract/transport.ts";

/** Names that are known to mean a transport, and why it cannot be used. */
const unavailable: Readonly<Record<string, string>> = {
  sif: 'The transport "sif:" is not supported in this build',
  ostree: 'The transport "ostree:" is not supported in this build',
};

/** A transport, or how to get it where its code is loaded only when it is named. */
export type TransportEntry = Transport | (() => Promise<Transport>);

/**
 * Reads `transport:text` with the transports at hand — `specs/skopeo-cli.md` 2.
 *
 * @throws {UsageError} `usage.bad-reference`
 */
export async function resolveImage(
  transports: ReadonlyMap<string, TransportEntry>,
  text: string,
  as: "source" | "destination",
  options: CallOptions,
): Promise<{ readonly transport: Transport; readonly reference: ImageReference }> {
  const colon = text.indexOf(":");
  if (colon < 0) {
    throw bad(`Invalid image name ${goQuote(text)}, expected colon-separated transport:reference`, {
      hint: `Write docker://${text} for an image in a registry`,
    });
  }
  const name = text.slice(0, colon);
  const entry = transports.get(name);
  if (!entry) throw noTransport(text, name);
  const transport = typeof entry === "function" ? await entry() : entry;
  return { transport, reference: await transport.resolve(text.slice(colon + 1), as, options) };
}

function noTransport(text: string, name: string): UsageError {
  const why = Object.hasOwn(unavailable, name) ? unavailable[name] : undefined;
  if (why !== undefined) return bad(why);
  return bad(`Invalid image name ${goQuote(text)}, unknown transport ${goQuote(name)}`);
}

function bad(message: string, options: { readonly hint?: string } = {}): UsageError {
  return new UsageError("usage.bad-reference", message, options);
}
