import { type DerReader, derTags, parseOid, readDer } from "./der.ts";

const commonName = "2.5.4.3";
const organization = "2.5.4.10";

/** For messages: the common name in a distinguished name, or else its organization; "" where there is neither. */
export function commonNameOf(name: Uint8Array): string {
  const attributes = new Map<string, string>();
  const sets = readDer(name, derTags.sequence);
  while (!sets.atEnd) {
    const set = sets.enter(derTags.set);
    while (!set.atEnd) {
      const attribute: DerReader = set.enter(derTags.sequence);
      const oid = parseOid(attribute.read(derTags.oid).content);
      attributes.set(oid, Buffer.from(attribute.read().content).toString());
    }
  }
  return attributes.get(commonName) || attributes.get(organization) || "";
}
