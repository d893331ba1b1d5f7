import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { systemCode } from "../../config/load-file.ts";
import { makeFoldersSync } from "../../core/make-folders.ts";
import { ServerError } from "../errors.ts";
import { readText } from "./user-files.ts";

/** A key that tokens are signed by. */
export interface TokenKey {
  readonly algorithm: "EdDSA" | "ES256";
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/**
 * Reads a PEM private key.
 *
 * @throws {ServerError} `server.bad-file` where it is none, or none of the two kinds that we take
 */
export function loadTokenKey(file: string): TokenKey {
  const pem = readText(file);
  const bad = (what: string, cause?: unknown) =>
    new ServerError("server.bad-file", `${file}: expected ${what}`, { cause });
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch (error) {
    throw bad("a private key in PEM, without a passphrase", error);
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = privateKey;
  const isP256 = type === "ec" && details?.namedCurve === "prime256v1";
  if (type !== "ed25519" && !isP256) throw bad("an Ed25519 or P-256 key");
  return {
    algorithm: isP256 ? "ES256" : "EdDSA",
    privateKey,
    publicKey: createPublicKey(privateKey),
  };
}

/** The key in `file`, made where there is none, for its user alone. @throws {ServerError} `server.bad-file` */
export function loadOrMakeTokenKey(file: string): TokenKey {
  try {
    makeKeyFile(file);
  } catch (error) {
    if (systemCode(error) !== "EEXIST")
      throw new ServerError("server.bad-file", `Cannot make ${file}`, { cause: error });
  }
  return loadTokenKey(file);
}

/** Appears whole, and never in place of another: two that start at once have the same. */
function makeKeyFile(file: string): void {
  makeFoldersSync(dirname(file), 0o700);
  const { privateKey } = generateKeyPairSync("ed25519");
  const aside = `${file}.${randomBytes(6).toString("hex")}`;
  const descriptor = openSync(aside, "wx", 0o600);
  try {
    writeSync(descriptor, privateKey.export({ format: "pem", type: "pkcs8" }).toString());
    fsyncSync(descriptor);
    linkSync(aside, file);
  } finally {
    closeSync(descriptor);
    rmSync(aside, { force: true });
  }
}
