import type { KeyObject } from "node:crypto";
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { EncryptionError } from "./errors.ts";
import { opened, sealedFor } from "./jwe.ts";
import { readPrivateKey, readRecipient } from "./key-files.ts";
import {
  checkLayerKey,
  decryptedBytes,
  encryptedBytes,
  type LayerKey,
  newLayerKey,
} from "./layer-cipher.ts";

const cipherName = "AES_256_CTR_HMAC_SHA256";
const annotationPrefix = "org.opencontainers.image.enc";
const jweAnnotation = `${annotationPrefix}.keys.jwe`;
const publicAnnotation = `${annotationPrefix}.pubopts`;

/** Whether an annotation of a layer tells how it is encrypted. */
export function tellsEncryption(annotation: string): boolean {
  return annotation.startsWith(annotationPrefix);
}

/** A layer being encrypted while it is read. */
export interface EncryptedLayer {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** What its descriptor must say, so that it can be decrypted; once all was read. */
  annotations(): Promise<Readonly<Record<string, string>>>;
}

/** Encrypts layers for those who hold the keys. */
export class LayerEncrypter {
  readonly #recipients: readonly [KeyObject, ...KeyObject[]];

  constructor(recipients: readonly [KeyObject, ...KeyObject[]]) {
    this.#recipients = recipients;
  }

  /**
   * @param recipients as `--encryption-key` names them, at least one
   * @throws {EncryptionError} `encryption.bad-key`, `encryption.unsupported`
   */
  static async reading(recipients: readonly string[]): Promise<LayerEncrypter> {
    const keys: KeyObject[] = [];
    for (const recipient of recipients) keys.push(await readRecipient(recipient));
    const [first, ...others] = keys;
    if (!first) throw new Error("a layer is encrypted for somebody");
    return new LayerEncrypter([first, ...others]);
  }

  /** @param source of the layer before it was changed in any way: it goes along, sealed */
  encrypt(plain: AsyncIterable<Uint8Array>, source: Digest): EncryptedLayer {
    const key = newLayerKey();
    let hmac: Buffer | undefined;
    const bytes = encryptedBytes(plain, key, (made) => {
      hmac = made;
    });
    return {
      bytes,
      annotations: async () => {
        if (!hmac) throw new Error("a layer was not encrypted to its end");
        return {
          [jweAnnotation]: base64(await sealedFor(this.#recipients, secretOf(key, source))),
          [publicAnnotation]: base64(publicOf(hmac)),
        };
      },
    };
  }
}

/** Decrypts layers by private keys. */
export class LayerDecrypter {
  readonly #keys: readonly KeyObject[];
  /** Files that hold none of the keys that open layers. */
  readonly #others: readonly string[];

  constructor(keys: readonly KeyObject[], others: readonly string[] = []) {
    this.#keys = keys;
    this.#others = others;
  }

  /**
   * @param files as `--decryption-key` names them
   * @throws {EncryptionError} `encryption.bad-key`
   */
  static async reading(files: readonly string[]): Promise<LayerDecrypter> {
    const keys: KeyObject[] = [];
    const others: string[] = [];
    for (const file of files) {
      const key = await readPrivateKey(file);
      if (key) keys.push(key);
      else others.push(file.split(":", 1)[0] ?? "");
    }
    return new LayerDecrypter(keys, others);
  }

  /**
   * @param layer as its manifest describes it
   * @throws {EncryptionError} `encryption.no-key`, `encryption.bad-layer`
   */
  async decrypt(
    encrypted: AsyncIterable<Uint8Array>,
    { annotations = {} }: Descriptor,
  ): Promise<AsyncIterable<Uint8Array>> {
    const key = readSecret(await this.#open(annotations[jweAnnotation]));
    checkLayerKey(key);
    return decryptedBytes(encrypted, key, readHmac(annotations[publicAnnotation]));
  }

  async #open(sealed: string | undefined): Promise<Uint8Array> {
    if (!sealed)
      throw missing(
        "Its key is given to others than holders of a JWE key, which is not supported yet",
      );
    if (this.#keys.length === 0)
      throw missing(
        `No private key in ${this.#others.join(", ")}: keys for pgp and pkcs7, and what PKCS #11 or a provider keeps, are not supported yet`,
      );
    const failures: string[] = [];
    for (const each of sealed.split(",")) {
      try {
        return await opened(Buffer.from(each, "base64"), this.#keys);
      } catch (error) {
        if (!(error instanceof EncryptionError)) throw error;
        failures.push(`- ${error.message}\n`);
      }
    }
    throw new EncryptionError(
      "encryption.no-key",
      `no suitable key unwrapper found or none of the private keys could be used for decryption:\nno suitable key found for decrypting layer key:\n${failures.join("")}\n`,
    );
  }
}

/** What is sealed: ocicrypt's PrivateLayerBlockCipherOptions. */
function secretOf({ key, nonce }: LayerKey, digest: Digest): Buffer {
  const cipheroptions = { nonce: base64(nonce) };
  return Buffer.from(JSON.stringify({ symkey: base64(key), digest, cipheroptions }));
}

function readSecret(bytes: Uint8Array): LayerKey {
  const { symkey, cipheroptions } = asObject(bytes, "privOptsData");
  return { key: asBytes(symkey), nonce: asBytes(asMembers(cipheroptions)["nonce"]) };
}

/** What everybody may see: ocicrypt's PublicLayerBlockCipherOptions. */
function publicOf(hmac: Buffer): Buffer {
  return Buffer.from(JSON.stringify({ cipher: cipherName, hmac: base64(hmac), cipheroptions: {} }));
}

function readHmac(annotation = ""): Uint8Array {
  const said = annotation && asObject(Buffer.from(annotation, "base64"), "pubOptsData");
  const { cipher = "", hmac } = asMembers(said);
  if (cipher === "") throw badLayer("no cipher type provided");
  if (cipher !== cipherName) throw badLayer(`unsupported cipher type: ${cipher}`);
  const expected = asBytes(hmac);
  if (expected.byteLength === 0) throw badLayer("HMAC is not provided for decryption process");
  return expected;
}

function asObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  try {
    return asMembers(JSON.parse(Buffer.from(bytes).toString()));
  } catch (cause) {
    throw badLayer(`could not JSON unmarshal ${what}`, cause);
  }
}

function asMembers(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function asBytes(value: unknown): Buffer {
  return Buffer.from(typeof value === "string" ? value : "", "base64");
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function missing(hint: string): EncryptionError {
  const message = "missing private key needed for decryption:\n";
  return new EncryptionError("encryption.no-key", message, { hint });
}

function badLayer(message: string, cause?: unknown): EncryptionError {
  return new EncryptionError("encryption.bad-layer", message, { cause });
}
