import { DerError, derTags, parseOid, readDer } from "./der.ts";

/** How a certificate was signed, and with what kind of key. */
export interface SignatureAlgorithm {
  /** As Go names it. */
  readonly name: string;
  readonly keyType: "rsa" | "ec" | "ed25519";
  /** SHA-1 and older: named only to be refused. */
  readonly insecure?: true;
}

const rsa = { keyType: "rsa" } as const;
const ec = { keyType: "ec" } as const;

const algorithms: Readonly<Record<string, SignatureAlgorithm>> = {
  "1.2.840.113549.1.1.4": { name: "MD5-RSA", insecure: true, ...rsa },
  "1.2.840.113549.1.1.5": { name: "SHA1-RSA", insecure: true, ...rsa },
  "1.2.840.113549.1.1.11": { name: "SHA256-RSA", ...rsa },
  "1.2.840.113549.1.1.12": { name: "SHA384-RSA", ...rsa },
  "1.2.840.113549.1.1.13": { name: "SHA512-RSA", ...rsa },
  "1.2.840.10045.4.1": { name: "ECDSA-SHA1", insecure: true, ...ec },
  "1.2.840.10045.4.3.2": { name: "ECDSA-SHA256", ...ec },
  "1.2.840.10045.4.3.3": { name: "ECDSA-SHA384", ...ec },
  "1.2.840.10045.4.3.4": { name: "ECDSA-SHA512", ...ec },
  "1.3.101.112": { name: "Ed25519", keyType: "ed25519" },
};

const pssOid = "1.2.840.113549.1.1.10";

/** RSASSA-PSS with the hash given twice and a salt as long as it: RFC 4055 § 3.1, everything written out. */
const pssParameters: Readonly<Record<string, string>> = {
  "SHA256-RSAPSS":
    "3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120",
  "SHA384-RSAPSS":
    "3034a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130",
  "SHA512-RSAPSS":
    "3034a00f300d06096086480165030402030500a11c301a06092a864886f70d010108300d06096086480165030402030500a203020140",
};

/** What an AlgorithmIdentifier of a signature means; undefined where it is not known, or its parameters are not. */
export function signatureAlgorithmOf(identifier: Uint8Array): SignatureAlgorithm | undefined {
  const members = readDer(identifier, derTags.sequence);
  const oid = parseOid(members.read(derTags.oid).content);
  const parameters = members.atEnd ? undefined : Buffer.from(members.read().raw);
  if (!members.atEnd) throw new DerError("malformed algorithm identifier");
  if (oid === pssOid) {
    const hex = parameters?.toString("hex");
    const [name] = Object.entries(pssParameters).find(([, known]) => known === hex) ?? [];
    return name === undefined ? undefined : { name, ...rsa };
  }
  const known = Object.hasOwn(algorithms, oid) ? algorithms[oid] : undefined;
  const isNull = parameters?.equals(Buffer.of(derTags.null, 0)) === true;
  if (known?.keyType === "ed25519" && parameters) return undefined;
  return parameters === undefined || isNull ? known : undefined;
}
