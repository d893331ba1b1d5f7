import { constants, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { fileErrorText } from "../../config/load-file.ts";
import { ServerError } from "../errors.ts";
import type { TlsSettings } from "./settings.ts";

/**
 * Certificate, key and authority as they are in their files now, tried out.
 *
 * @throws {ServerError} `server.bad-file` where one cannot be read or used
 */
export async function loadTls(settings: TlsSettings): Promise<SecureContextOptions> {
  const [cert, key, ca] = await Promise.all(
    [settings.cert, settings.key, settings.clientCa].map(readPem),
  );
  if (ca !== undefined) checkAuthority(ca, settings.clientCa);
  const options: SecureContextOptions = {
    cert,
    key,
    minVersion: "TLSv1.2",
    ...(ca !== undefined && {
      ca,
      // What is resumed is not verified again, not even after the authority was changed.
      secureOptions: constants.SSL_OP_NO_TICKET,
    }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new ServerError("server.bad-file", `Cannot use certificate ${settings.cert}: ${text}`, {
      hint: "Set tls.cert and tls.key to PEM files that belong together",
      cause: error,
    });
  }
  return options;
}

/** OpenSSL takes a file without a certificate, and then nobody's is good; in DER it sees none. */
function checkAuthority(pem: Buffer, path: string | undefined): void {
  try {
    new X509Certificate(pem.toString("latin1"));
  } catch (error) {
    throw new ServerError("server.bad-file", `${path} holds no certificate in PEM form`, {
      hint: "Set tls.client-ca to the certificates of authorities",
      cause: error,
    });
  }
}

async function readPem(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    throw new ServerError("server.bad-file", fileErrorText(error, "open", path), { cause: error });
  }
}
