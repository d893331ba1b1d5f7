import { type ForgedKey, type SignatureShape, signatureBody } from "./forge.ts";
import { packet, subpacket, uint32 } from "./packets.ts";

/** Flags of a key. */
export const certifies = 0x01;
export const signs = 0x02;
export const encrypts = 0x0c;

export const keyFlags = (flags: number) => subpacket(27, Buffer.from([flags]));
export const keyLifetime = (seconds: number) => subpacket(9, uint32(seconds));
export const lifetime = (seconds: number) => subpacket(3, uint32(seconds));
/** Names a key that may revoke. */
export const revoker = (key: ForgedKey) =>
  subpacket(
    12,
    Buffer.concat([Buffer.from([0x80, key.algorithm]), Buffer.from(key.fingerprint, "hex")]),
  );
export const embedded = (body: Uint8Array) => subpacket(32, body);

export const primaryPacket = (key: ForgedKey) => packet(6, key.body);
export const subkeyPacket = (key: ForgedKey) => packet(14, key.body);

/** A user ID and a signature over it, by `by` where it is not the key's own. */
export function userId(key: ForgedKey, name: string, shape: SignatureShape, by = key): Buffer {
  const id = Buffer.from(name);
  const content = [key.hashed, Buffer.from([0xb4]), uint32(id.length), id];
  return Buffer.concat([
    packet(13, id),
    packet(2, signatureBody(by, { type: 0x13, ...shape }, ...content)),
  ]);
}

/** A signature over the key itself: 0x1f says something of it, 0x20 revokes it. */
export function onKey(key: ForgedKey, shape: SignatureShape, by = key): Buffer {
  return packet(2, signatureBody(by, shape, key.hashed));
}

/** The subkey's word that it belongs to `key`. */
export function backSignature(key: ForgedKey, subkey: ForgedKey, shape: SignatureShape): Buffer {
  return signatureBody(subkey, { type: 0x19, ...shape }, key.hashed, subkey.hashed);
}

/** A signature of `key` over its subkey: 0x18 binds it, 0x28 revokes it. */
export function onSubkey(key: ForgedKey, subkey: ForgedKey, shape: SignatureShape): Buffer {
  return packet(2, signatureBody(key, { type: 0x18, ...shape }, key.hashed, subkey.hashed));
}

/** A key with one name, as GnuPG makes it. */
export function certificate(key: ForgedKey, shape: SignatureShape): Buffer {
  const flags = shape.hashed ?? [keyFlags(certifies | signs)];
  return Buffer.concat([primaryPacket(key), userId(key, "a <a@b>", { ...shape, hashed: flags })]);
}
