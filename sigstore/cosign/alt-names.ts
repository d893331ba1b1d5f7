import { DerError, derTags, readDer } from "./der.ts";

/** The names of a certificate's holder — RFC 5280 § 4.2.1.6, those kinds that a policy can ask for. */
export interface AltNames {
  readonly emails: readonly string[];
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  /** Of 4 or 16 bytes. */
  readonly addresses: readonly Uint8Array[];
}

/** Of a certificate that names nobody. */
export const noNames: AltNames = { emails: [], dnsNames: [], uris: [], addresses: [] };

const kinds = { email: 0x81, dns: 0x82, uri: 0x86, address: 0x87 } as const;

/** @throws {DerError} where a name of these kinds is malformed; other kinds are passed over */
export function parseAltNames(value: Uint8Array): AltNames {
  const list = readDer(value, derTags.sequence);
  const found: Record<number, Uint8Array[]> = {};
  while (!list.atEnd) {
    const { tag, content } = list.read();
    found[tag] = [...(found[tag] ?? []), content];
  }
  const addresses = found[kinds.address] ?? [];
  if (addresses.some(({ length }) => length !== 4 && length !== 16)) {
    throw new DerError("cannot parse IP address in subject alternative name");
  }
  return {
    emails: (found[kinds.email] ?? []).map(asciiOf),
    dnsNames: (found[kinds.dns] ?? []).map(asciiOf),
    uris: (found[kinds.uri] ?? []).map(asciiOf),
    addresses,
  };
}

function asciiOf(content: Uint8Array): string {
  if (content.some((byte) => byte > 0x7f)) throw new DerError("name is not ASCII");
  return Buffer.from(content).toString("latin1");
}
