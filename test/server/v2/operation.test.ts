import assert from "node:assert/strict";
import { test } from "node:test";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import { parseOperation } from "../../../src/server/v2/operation.ts";
import { isRegistryTarget } from "../../../src/server/v2/request-target.ts";

const sha256 = `sha256:${"a".repeat(64)}`;
const sha512 = `sha512:${"b".repeat(128)}`;

/** The operation without what is the same for all: its query, and the path where it is the plain one. */
function parsed(method: string, target: string, namespace?: string): Record<string, unknown> {
  const { query: _query, ...operation } = {
    query: undefined,
    ...parseOperation(method, target, namespace),
  };
  const entries = Object.entries(operation).filter(([, value]) => value !== undefined);
  const { path, ...rest } = Object.fromEntries(entries);
  return path === `/v2/${rest["repository"]}` ? rest : Object.fromEntries(entries);
}

function refusedWith(method: string, target: string, namespace?: string): string {
  try {
    return `taken: ${JSON.stringify(parsed(method, target, namespace))}`;
  } catch (error) {
    if (!(error instanceof RegistryAnswerError)) throw error;
    return `${error.status} ${error.code}`;
  }
}

const digest = { type: "digest", digest: sha256 };
const taken: [method: string, target: string, operation: Record<string, unknown>][] = [
  ["GET", "/v2/", { type: "ping" }],
  ["HEAD", "/v2", { type: "ping" }],
  ["GET", "/v2/?ns=docker.io", { type: "ping" }],
  ["GET", "/hub/v2/", { type: "ping" }],
  ["GET", "/v2/_catalog", { type: "list-repositories", page: { limit: 1000 } }],
  ["GET", "/v2/_catalog?n=7&last=b", { type: "list-repositories", page: { last: "b", limit: 7 } }],
  ["GET", "/v2/_catalog?n=99999999", { type: "list-repositories", page: { limit: 10_000 } }],
  [
    "GET",
    `/v2/_catalog?n=${"9".repeat(400)}`,
    { type: "list-repositories", page: { limit: 10_000 } },
  ],
  ["GET", "/v2/_catalog?n=&last=", { type: "list-repositories", page: { limit: 1000 } }],
  [
    "GET",
    "/v2/a/manifests/latest",
    { type: "read-manifest", repository: "a", reference: { type: "tag", tag: "latest" } },
  ],
  [
    "HEAD",
    `/v2/team/app/manifests/${sha256}`,
    { type: "read-manifest", repository: "team/app", reference: digest },
  ],
  [
    "GET",
    `/v2/team/app/manifests/sha256%3A${"a".repeat(64)}`,
    { type: "read-manifest", repository: "team/app", reference: digest },
  ],
  [
    "GET",
    `/hub/v2/library/alpine/manifests/${sha256}`,
    {
      type: "read-manifest",
      repository: "hub/library/alpine",
      path: "/hub/v2/library/alpine",
      reference: digest,
    },
  ],
  [
    "GET",
    `/v2/docker.io/library/alpine/manifests/${sha256}`,
    { type: "read-manifest", repository: "docker.io/library/alpine", reference: digest },
  ],
  // Words of the API are names as well.
  [
    "GET",
    "/v2/blobs/uploads/manifests/manifests/tags",
    {
      type: "read-manifest",
      repository: "blobs/uploads/manifests",
      reference: { type: "tag", tag: "tags" },
    },
  ],
  [
    "GET",
    "/v2/manifests/manifests/manifests",
    {
      type: "read-manifest",
      repository: "manifests",
      reference: { type: "tag", tag: "manifests" },
    },
  ],
  [
    "GET",
    "/v2/tags/list/tags/list",
    { type: "list-tags", repository: "tags/list", page: { limit: 1000 } },
  ],
  ["GET", "/v2/v2/v2/tags/list", { type: "list-tags", repository: "v2/v2", page: { limit: 1000 } }],
  [
    "GET",
    `/v2/a/blobs/uploads/blobs/${sha256}`,
    { type: "read-blob", repository: "a/blobs/uploads", digest: sha256 },
  ],
  [
    "PUT",
    `/v2/a/manifests/${sha512}?tag=one&tag=two&tag=one`,
    {
      type: "put-manifest",
      repository: "a",
      reference: { type: "digest", digest: sha512 },
      digest: sha512,
      tags: ["one", "two"],
    },
  ],
  [
    "PUT",
    `/v2/a/manifests/latest?digest=${sha512}`,
    {
      type: "put-manifest",
      repository: "a",
      reference: { type: "tag", tag: "latest" },
      digest: sha512,
      tags: [],
    },
  ],
  [
    "DELETE",
    "/v2/a/manifests/latest",
    { type: "delete-manifest", repository: "a", reference: { type: "tag", tag: "latest" } },
  ],
  ["DELETE", `/v2/a/blobs/${sha512}`, { type: "delete-blob", repository: "a", digest: sha512 }],
  [
    "GET",
    `/v2/a/blobs/${sha256}?ns=ghcr.io`,
    { type: "read-blob", repository: "a", digest: sha256, namespace: "ghcr.io" },
  ],
  [
    "GET",
    "/v2/a/tags/list?n=0&last=1.0",
    { type: "list-tags", repository: "a", page: { last: "1.0", limit: 0 } },
  ],
  [
    "GET",
    `/v2/a/referrers/${sha256}?artifactType=a%2Fb%2Bjson`,
    {
      type: "list-referrers",
      repository: "a",
      subject: sha256,
      artifactType: "a/b+json",
      page: { limit: 1000 },
    },
  ],
  ["POST", "/v2/a/blobs/uploads/", { type: "begin-upload", repository: "a" }],
  ["POST", "/v2/a/blobs/uploads", { type: "begin-upload", repository: "a" }],
  [
    "POST",
    "/v2/a/blobs/uploads/?digest-algorithm=sha512",
    { type: "begin-upload", repository: "a", algorithm: "sha512" },
  ],
  [
    "POST",
    `/v2/a/blobs/uploads/?digest=sha256%3A${"a".repeat(64)}`,
    { type: "begin-upload", repository: "a", digest: sha256, algorithm: "sha256" },
  ],
  [
    "POST",
    `/v2/a/blobs/uploads/?mount=${sha256}`,
    { type: "mount-blob", repository: "a", digest: sha256 },
  ],
  [
    "POST",
    `/v2/a/blobs/uploads/?from=b%2Fc&mount=${sha256}`,
    { type: "mount-blob", repository: "a", digest: sha256, from: "b/c" },
  ],
  [
    "POST",
    `/hub/v2/a/blobs/uploads/?from=b&mount=${sha256}`,
    {
      type: "mount-blob",
      repository: "hub/a",
      path: "/hub/v2/a",
      digest: sha256,
      from: "hub/b",
    },
  ],
  // Nothing is mounted without a digest, nor where no blob or no repository can be so named.
  ["POST", "/v2/a/blobs/uploads/?from=b", { type: "begin-upload", repository: "a" }],
  ["POST", "/v2/a/blobs/uploads/?mount=x&from=b", { type: "begin-upload", repository: "a" }],
  [
    "POST",
    `/v2/a/blobs/uploads/?mount=${sha256}&from=../b`,
    { type: "begin-upload", repository: "a" },
  ],
  ["PATCH", "/v2/a/blobs/uploads/0-x_Y", { type: "append-upload", repository: "a", id: "0-x_Y" }],
  ["GET", "/v2/a/blobs/uploads/x", { type: "read-upload", repository: "a", id: "x" }],
  ["DELETE", "/v2/a/blobs/uploads/x", { type: "cancel-upload", repository: "a", id: "x" }],
  [
    "PUT",
    `/v2/a/blobs/uploads/x?_state=1&digest=${sha256}`,
    { type: "finish-upload", repository: "a", id: "x", digest: sha256 },
  ],
];

for (const [method, target, operation] of taken) {
  test(`parseOperation() takes ${method} ${target}`, () => {
    assert.deepEqual(parsed(method, target), operation);
  });
}

const long = (length: number) => "a".repeat(length);
const refused: [method: string, target: string, answer: string][] = [
  ["GET", "/v2/../v2/a/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a/../b/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a/./manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a/manifests/..", "400 NAME_INVALID"],
  ["GET", "/v2/%2e%2e/a/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a/%2E%2E/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a%2fb/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a%2Fmanifests%2Fx", "400 NAME_INVALID"],
  ["GET", "/v2/a%5cb/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a\\b/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a%00/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a\0/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/%61/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a%252fb/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a%/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2//a/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a//manifests/x", "400 NAME_INVALID"],
  ["GET", "//v2/a/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a/manifests//x", "400 NAME_INVALID"],
  ["GET", "/v2/a/manifests/x#y", "400 NAME_INVALID"],
  ["GET", "/v2/\u00e9/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/A/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a_/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a___b/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a..b/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/-a/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/a:5000/b/manifests/x", "400 NAME_INVALID"],
  ["GET", "/v2/manifests/x", "400 NAME_INVALID"],
  ["GET", `/v2/${long(256)}/manifests/x`, "400 NAME_INVALID"],
  ["GET", `/v2/${long(200)}/${long(55)}/manifests/x`, "400 NAME_INVALID"],
  ["GET", `/${long(200)}/v2/${long(55)}/manifests/x`, "400 NAME_INVALID"],
  ["GET", "/Hub/v2/a/manifests/x", "400 NAME_INVALID"],
  ["GET", `/v2/${long(9000)}/manifests/x`, "400 NAME_INVALID"],
  ["GET", "http://registry.test/v2/", "400 NAME_INVALID"],
  ["GET", "http://other.test/v2/a/manifests/x", "400 NAME_INVALID"],
  ["OPTIONS", "*", "400 NAME_INVALID"],
  ["GET", "", "400 NAME_INVALID"],
  ["GET", "/v1/a/manifests/x", "404 UNSUPPORTED"],
  ["GET", "/v2/a", "404 UNSUPPORTED"],
  ["GET", "/v2/a/b/c", "404 UNSUPPORTED"],
  ["GET", "/v2/a/constructor/x", "404 UNSUPPORTED"],
  ["GET", "/v2/a/__proto__/x", "404 UNSUPPORTED"],
  ["GET", "/v2/a/tags/list/", "404 UNSUPPORTED"],
  ["GET", "/v2/a/tags/lists", "404 UNSUPPORTED"],
  ["GET", "/v2/a/uploads/x", "404 UNSUPPORTED"],
  ["POST", "/v2/", "405 UNSUPPORTED"],
  ["TRACE", "/v2/a/manifests/x", "405 UNSUPPORTED"],
  ["POST", "/v2/a/manifests/x", "405 UNSUPPORTED"],
  ["PUT", `/v2/a/blobs/${sha256}`, "405 UNSUPPORTED"],
  ["GET", "/v2/a/blobs/uploads/", "405 UNSUPPORTED"],
  ["get", "/v2/", "405 UNSUPPORTED"],
  ["GET", "/v2/a/blobs/uploads", "400 DIGEST_INVALID"],
  ["GET", "/v2/a/blobs/latest", "400 DIGEST_INVALID"],
  ["GET", "/v2/a/manifests/sha256:baddigeststring", "400 DIGEST_INVALID"],
  ["PUT", "/v2/a/manifests/sha256:baddigeststring", "400 DIGEST_INVALID"],
  ["GET", `/v2/a/blobs/sha256:${"A".repeat(64)}`, "400 DIGEST_INVALID"],
  ["GET", `/v2/a/blobs/sha256:${"a".repeat(63)}`, "400 DIGEST_INVALID"],
  ["GET", `/v2/a/blobs/sha256:${"a".repeat(65)}`, "400 DIGEST_INVALID"],
  ["GET", `/v2/a/blobs/sha256+${"a".repeat(64)}`, "400 DIGEST_INVALID"],
  ["GET", `/v2/a/blobs/md5:${"a".repeat(32)}`, "400 DIGEST_INVALID"],
  ["GET", `/v2/a/blobs/__proto__:${"a".repeat(32)}`, "400 DIGEST_INVALID"],
  ["GET", `/v2/a/blobs/sha256%3A${"a".repeat(62)}%61%61`, "400 NAME_INVALID"],
  ["GET", "/v2/a/manifests/.INVALID_MANIFEST_NAME", "404 MANIFEST_UNKNOWN"],
  ["GET", "/v2/a/manifests/a+b", "404 MANIFEST_UNKNOWN"],
  ["GET", `/v2/a/manifests/${long(129)}`, "404 MANIFEST_UNKNOWN"],
  ["GET", "/v2/a/manifests/", "404 MANIFEST_UNKNOWN"],
  ["PUT", "/v2/a/manifests/-a", "400 TAG_INVALID"],
  ["PUT", "/v2/a/manifests/a?digest=unknown:12345", "400 DIGEST_INVALID"],
  ["PUT", "/v2/a/manifests/a%20b", "400 NAME_INVALID"],
  ["PUT", `/v2/a/manifests/${sha256}?tag=-a`, "400 TAG_INVALID"],
  ["PUT", `/v2/a/manifests/${sha256}?${"tag=a&".repeat(200)}`, "400 UNSUPPORTED"],
  ["GET", "/v2/a/blobs/uploads/a.b", "404 BLOB_UPLOAD_UNKNOWN"],
  ["GET", `/v2/a/blobs/uploads/${long(129)}`, "404 BLOB_UPLOAD_UNKNOWN"],
  ["PUT", "/v2/a/blobs/uploads/x", "400 DIGEST_INVALID"],
  ["PUT", "/v2/a/blobs/uploads/x?digest=latest", "400 DIGEST_INVALID"],
  ["PUT", `/v2/a/blobs/uploads/x?digest=${sha256}&digest=${sha512}`, "400 UNSUPPORTED"],
  ["POST", "/v2/a/blobs/uploads/?digest-algorithm=md5", "400 DIGEST_INVALID"],
  ["POST", `/v2/a/blobs/uploads/?mount=${sha256}&from=b&from=c`, "400 UNSUPPORTED"],
  ["GET", "/v2/a/tags/list?n=-1", "400 PAGINATION_NUMBER_INVALID"],
  ["GET", "/v2/a/tags/list?n=1e3", "400 PAGINATION_NUMBER_INVALID"],
  ["GET", "/v2/a/tags/list?last=%00", "400 UNSUPPORTED"],
  ["GET", "/v2/a/tags/list?last=%0d%0aLink:x", "400 UNSUPPORTED"],
  ["GET", "/v2/a/tags/list?last=%ff", "400 UNSUPPORTED"],
  ["GET", '/v2/a/tags/list?last="x', "400 UNSUPPORTED"],
  ["GET", "/v2/a/tags/list?n=1&n=1", "400 UNSUPPORTED"],
  ["GET", "/v2/a/manifests/x?ns=a&ns=b", "400 UNSUPPORTED"],
];

for (const [method, target, answer] of refused) {
  const name = JSON.stringify(target.length > 90 ? `${target.slice(0, 90)}…` : target);
  test(`parseOperation() answers ${answer} to ${method} ${name}`, () => {
    assert.equal(refusedWith(method, target), answer);
  });
}

test("parseOperation() takes OCI-Namespace for ns, and refuses two that differ", () => {
  const target = "/v2/a/manifests/x";
  assert.equal(parsed("GET", target, "ghcr.io")["namespace"], "ghcr.io");
  assert.equal(parsed("GET", `${target}?ns=ghcr.io`, "ghcr.io")["namespace"], "ghcr.io");
  assert.equal(refusedWith("GET", `${target}?ns=quay.io`, "ghcr.io"), "400 NAME_INVALID");
});

test("parseOperation() takes a name of 255 characters", () => {
  const name = `${long(200)}/${long(54)}`;
  assert.equal(parsed("GET", `/v2/${name}/tags/list`)["repository"], name);
});

test("parseOperation() is done at once with names that take a careless pattern ages", () => {
  const name = `${"a-".repeat(120)}!`;
  assert.equal(refusedWith("GET", `/v2/${name}/tags/list`), "400 NAME_INVALID");
});

test("isRegistryTarget() knows the registry's paths, however they are written", () => {
  const own = ["/v2", "/v2/", "/v2/a/tags/list", "/hub/v2/a/tags/list", "/v2?x", "/a/b/v2/"];
  const others = ["/", "/v1/", "/v20/", "/api/v1/v20", "/?x=/v2/", "/metrics", "//v2/", ""];
  assert.deepEqual(
    own.filter((target) => !isRegistryTarget(target)),
    [],
  );
  assert.deepEqual(others.filter(isRegistryTarget), []);
});
