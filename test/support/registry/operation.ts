/** What a request asks of a registry — distribution-spec § Endpoints. */
export type OperationKind =
  | "ping"
  | "catalog"
  | "manifest"
  | "blob"
  | "uploads"
  | "upload"
  | "tags"
  | "referrers"
  | "signatures"
  | "token"
  | "other";

export interface Operation {
  readonly kind: OperationKind;
  readonly method: string;
  /** Empty where the endpoint has none. */
  readonly repository: string;
  /** A tag, a digest, or an upload's id. */
  readonly reference: string;
  readonly url: URL;
  /** `METHOD kind`, and for a POST the query that changes its meaning: `POST uploads?mount&from`. */
  readonly template: string;
}

const shapes: readonly (readonly [OperationKind, RegExp])[] = [
  ["ping", /^\/v2\/?$/],
  ["catalog", /^\/v2\/_catalog$/],
  ["token", /^\/token$/],
  ["tags", /^\/v2\/(?<repository>.+)\/tags\/list$/],
  ["referrers", /^\/v2\/(?<repository>.+)\/referrers\/(?<reference>[^/]+)$/],
  ["signatures", /^\/extensions\/v2\/(?<repository>.+)\/signatures\/(?<reference>[^/]+)$/],
  ["manifest", /^\/v2\/(?<repository>.+)\/manifests\/(?<reference>[^/]+)$/],
  ["uploads", /^\/v2\/(?<repository>.+)\/blobs\/uploads\/?$/],
  ["upload", /^\/v2\/(?<repository>.+)\/blobs\/uploads\/(?<reference>[^/]+)$/],
  ["blob", /^\/v2\/(?<repository>.+)\/blobs\/(?<reference>[^/]+)$/],
];

/** Pure: tells the operation from method and URL. */
export function parseOperation(method: string, url: URL): Operation {
  const [kind, match] = firstShape(url.pathname);
  return {
    kind,
    method,
    repository: match?.groups?.["repository"] ?? "",
    reference: decodeURIComponent(match?.groups?.["reference"] ?? ""),
    url,
    template: `${method} ${kind}${meaning(kind, url)}`,
  };
}

function firstShape(path: string): readonly [OperationKind, RegExpExecArray | null] {
  for (const [kind, shape] of shapes) {
    const match = shape.exec(path);
    if (match) return [kind, match];
  }
  return ["other", null];
}

function meaning(kind: OperationKind, url: URL): string {
  if (kind !== "uploads") return "";
  const given = ["mount", "from", "digest"].filter((name) => url.searchParams.has(name));
  return given.length > 0 ? `?${given.join("&")}` : "";
}
