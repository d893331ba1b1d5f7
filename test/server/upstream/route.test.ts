import assert from "node:assert/strict";
import { test } from "node:test";
import { maxHops, nextHop, parseHops } from "../../../src/server/upstream/hops.ts";
import {
  type RouteRequest,
  type RouteTable,
  routeRepository,
} from "../../../src/server/upstream/route.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";

const table: RouteTable = {
  own: "registry.example",
  upstreams: [
    { name: "docker.io", alias: "hub", hosts: ["hub.proxy.example"], default: true },
    { name: "ghcr.example", alias: "ghcr", hosts: ["ghcr.proxy.example:8443"], default: false },
    { name: "localhost:5001", hosts: [], default: false },
    { name: "10.0.0.7:5000", hosts: [], default: false },
  ],
};
const withoutDefault = {
  ...table,
  upstreams: table.upstreams.map((upstream) => ({ ...upstream, default: false })),
};
const alone = { own: "registry.example", upstreams: [] };

type Row = readonly [
  asked: Pick<RouteRequest, "namespace" | "host" | "front"> & { readonly path: string },
  /** `domain/path`, `(here)` behind it where it is the server's own, or the status of the refusal. */
  expected: string | number,
  table?: RouteTable,
];
const rows: readonly Row[] = [
  // the namespace comes first
  [{ path: "org/app", namespace: "ghcr.example" }, "ghcr.example/org/app"],
  [{ path: "org/app", namespace: "GHCR.example" }, "ghcr.example/org/app"],
  [
    { path: "ghcr/app", namespace: "docker.io", host: "ghcr.proxy.example:8443" },
    "docker.io/ghcr/app",
  ],
  [{ path: "alpine", namespace: "docker.io" }, "docker.io/library/alpine"],
  [{ path: "library/alpine", namespace: "docker.io" }, "docker.io/library/alpine"],
  [{ path: "library/alpine", namespace: "index.docker.io" }, "docker.io/library/alpine"],
  [{ path: "library/alpine", namespace: "registry-1.docker.io" }, "docker.io/library/alpine"],
  [{ path: "team/app", namespace: "registry.example" }, "registry.example/team/app (here)"],
  [{ path: "team/app", namespace: "evil.example" }, 403],
  [{ path: "team/app", namespace: "169.254.169.254" }, 403],
  [{ path: "team/app", namespace: "ghcr.example@evil.example" }, 403],
  [{ path: "hub/alpine", namespace: "evil.example" }, 403],
  [{ path: "team/app", namespace: "" }, "docker.io/team/app"],
  // and what stands in front of v2 may say the same again, but nothing else
  [{ path: "hub/alpine", namespace: "docker.io", front: "hub" }, "docker.io/library/alpine"],
  [{ path: "docker.io/a/b", namespace: "docker.io", front: "docker.io" }, "docker.io/a/b"],
  [{ path: "hub/a/b", namespace: "ghcr.example", front: "hub" }, "ghcr.example/hub/a/b"],
  [{ path: "hub/x/a/b", namespace: "docker.io", front: "hub/x" }, "docker.io/hub/x/a/b"],
  [{ path: "hub/a/b", namespace: "docker.io" }, "docker.io/hub/a/b"],
  [{ path: "hub/a/b", namespace: "evil.example", front: "hub" }, 403],
  // then the name it was sent to
  [{ path: "alpine", host: "hub.proxy.example" }, "docker.io/library/alpine"],
  [{ path: "alpine", host: "hub.proxy.example:5000" }, "docker.io/library/alpine"],
  [{ path: "ghcr/app", host: "HUB.proxy.example" }, "docker.io/ghcr/app"],
  [{ path: "a/b", host: "ghcr.proxy.example:8443" }, "ghcr.example/a/b"],
  [{ path: "a/b", host: "ghcr.proxy.example" }, "docker.io/a/b"],
  // then the path
  [{ path: "hub/alpine" }, "docker.io/library/alpine"],
  [{ path: "hub/library/alpine" }, "docker.io/library/alpine"],
  [{ path: "hub/team/app" }, "docker.io/team/app"],
  [{ path: "ghcr/org/app" }, "ghcr.example/org/app"],
  [{ path: "ghcr.example/org/app" }, "ghcr.example/org/app"],
  [{ path: "docker.io/alpine" }, "docker.io/library/alpine"],
  [{ path: "index.docker.io/library/alpine" }, "docker.io/library/alpine"],
  [{ path: "localhost:5001/org/app" }, "localhost:5001/org/app"],
  [{ path: "10.0.0.7:5000/x" }, "10.0.0.7:5000/x"],
  [{ path: "registry.example/team/app" }, "registry.example/team/app (here)"],
  [{ path: "evil.example/org/app" }, 403],
  [{ path: "169.254.169.254/latest" }, 403],
  [{ path: "localhost:6000/app" }, 403],
  [{ path: "localhost/app" }, 403],
  // then the default
  [{ path: "alpine" }, "docker.io/library/alpine"],
  [{ path: "team/app" }, "docker.io/team/app"],
  [{ path: "hub" }, "docker.io/library/hub"],
  [{ path: "team/app" }, "registry.example/team/app (here)", withoutDefault],
  [{ path: "alpine" }, "registry.example/alpine (here)", withoutDefault],
  // a registry alone has no hosts to tell apart
  [{ path: "my.team/app" }, "registry.example/my.team/app (here)", alone],
  [{ path: "team/app", namespace: "docker.io" }, 403, alone],
];

for (const [asked, expected, used = table] of rows) {
  test(`routeRepository() takes ${JSON.stringify(asked)} to ${expected}`, () => {
    const found = routeRepository(used, asked);
    if (found instanceof RegistryAnswerError) {
      assert.equal(found.status, expected);
      return;
    }
    const here = found.upstream === undefined ? " (here)" : "";
    assert.equal(`${found.domain}/${found.path}${here}`, expected);
    assert.equal(found.requested, asked.path);
    assert.equal(found.upstream ?? used.own, found.domain);
  });
}

test("hops are counted up to five", () => {
  const counted = ["0", " 3 ", "12"].map(parseHops);
  assert.deepEqual(counted, [0, 3, 12]);
  assert.equal(parseHops(undefined), 0);
  for (const text of ["-1", "1, 2", "x", "1e3", "99999"]) assert.equal(parseHops(text), maxHops);
  assert.equal(nextHop({}), 1);
  assert.equal(nextHop({ hops: 4 }), 5);
  assert.throws(() => nextHop({ hops: 5 }), { status: 508 });
});
