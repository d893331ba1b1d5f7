/** What the bytes of a key file look like, before anybody tries to read them. */
export type LooksLike = "openpgp" | "public-key" | "certificates" | "private" | "unknown";

/** Of armour and PEM by the first block, of binary OpenPGP by the tag of its first packet — RFC 9580 § 4.2, 5. */
export function looksLike(bytes: Uint8Array): LooksLike {
  const text = Buffer.from(bytes).toString("latin1");
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----/m.exec(text)?.[1];
  if (label === undefined) return looksLikePacket(bytes[0] ?? 0);
  if (label.includes("PRIVATE KEY")) return "private";
  if (label.startsWith("PGP ")) return "openpgp";
  if (label === "CERTIFICATE") return "certificates";
  return label.endsWith("PUBLIC KEY") ? "public-key" : "unknown";
}

const secretKeyTag = 5;
const publicKeyTag = 6;

function looksLikePacket(first: number): LooksLike {
  if ((first & 0x80) === 0) return "unknown";
  const tag = first & 0x40 ? first & 0x3f : (first & 0x3f) >> 2;
  if (tag === secretKeyTag) return "private";
  return tag === publicKeyTag ? "openpgp" : "unknown";
}
