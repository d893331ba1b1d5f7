/** What an `Authorization` header says — RFC 7617, RFC 6750. */
export type Authorization =
  | { readonly scheme: "none" }
  | { readonly scheme: "basic"; readonly user: string; readonly password: string }
  | { readonly scheme: "bearer"; readonly token: string }
  /** Of another scheme, or not to be read. */
  | { readonly scheme: "unknown" };

const maxLength = 24 * 1024;

/** Reads the header; a login without a name and a password is none (containers/image sends that for nobody). */
export function parseAuthorization(header: string | undefined): Authorization {
  if (header === undefined || header === "") return { scheme: "none" };
  const [, scheme = "", value = ""] = /^([A-Za-z]+) +([!-~]+) *$/.exec(header) ?? [];
  if (header.length > maxLength) return { scheme: "unknown" };
  switch (scheme.toLowerCase()) {
    case "basic":
      return parseBasic(value);
    case "bearer":
      return { scheme: "bearer", token: value };
    default:
      return { scheme: "unknown" };
  }
}

function parseBasic(value: string): Authorization {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(value)) return { scheme: "unknown" };
  const text = Buffer.from(value, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0 || text.includes("\0")) return { scheme: "unknown" };
  if (text === ":") return { scheme: "none" };
  return { scheme: "basic", user: text.slice(0, colon), password: text.slice(colon + 1) };
}
