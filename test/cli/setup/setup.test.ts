import assert from "node:assert/strict";
import { test } from "node:test";
import { parse as parseToml } from "smol-toml";
import { parse as parseYaml } from "yaml";
import type { SetupRequest } from "../../../src/cli/setup/client-setup.ts";
import { clientSetups } from "../../../src/cli/setup/clients.ts";
import { parseEndpoint, parseRegistry } from "../../../src/cli/setup/endpoint.ts";
import { UsageError } from "../../../src/core/errors.ts";

const plain: SetupRequest = {
  endpoint: parseEndpoint("http://127.0.0.1:5000"),
  registries: [],
  authority: undefined,
};
const named: SetupRequest = {
  endpoint: parseEndpoint("https://registry.example"),
  registries: ["docker.io", "old.example:5000=old"].map(parseRegistry),
  authority: { path: '/etc/a "b".crt', pem: "PEM\n" },
};

type Expected = Readonly<Record<string, unknown>>;

/** Client, request, and what its files mean by path. */
const rows: readonly (readonly [client: string, request: SetupRequest, files: Expected])[] = [
  [
    "containerd",
    plain,
    {
      "/etc/containerd/certs.d/_default/hosts.toml": {
        server: "http://127.0.0.1:5000",
        capabilities: ["pull", "resolve"],
        host: {},
      },
    },
  ],
  [
    "containerd",
    named,
    Object.fromEntries(
      ["docker.io", "old.example_5000_"].map((folder) => [
        `/etc/containerd/certs.d/${folder}/hosts.toml`,
        {
          server: "https://registry.example",
          capabilities: ["pull", "resolve"],
          ca: '/etc/a "b".crt',
          host: {},
        },
      ]),
    ),
  ],
  [
    "k3s",
    plain,
    {
      "/etc/rancher/k3s/registries.yaml": {
        mirrors: { "*": { endpoint: ["http://127.0.0.1:5000"] } },
      },
      "/etc/rancher/k3s/config.yaml.d/amphora.yaml": { "disable-default-registry-endpoint": true },
    },
  ],
  [
    "k3s",
    named,
    {
      "/etc/rancher/k3s/registries.yaml": {
        mirrors: {
          "docker.io": { endpoint: ["https://registry.example"] },
          "old.example:5000": { endpoint: ["https://registry.example"] },
        },
        configs: { "registry.example": { tls: { ca_file: '/etc/a "b".crt' } } },
      },
      "/etc/rancher/k3s/config.yaml.d/amphora.yaml": { "disable-default-registry-endpoint": true },
    },
  ],
  ["docker", plain, { "/etc/docker/daemon.json": { "insecure-registries": ["127.0.0.1:5000"] } }],
  ["docker", named, { "/etc/docker/certs.d/registry.example/ca.crt": "PEM\n" }],
  [
    "podman",
    named,
    {
      "/etc/containers/registries.conf.d/900-amphora.conf": {
        registry: [
          { prefix: "docker.io", location: "registry.example/docker.io" },
          { prefix: "old.example:5000", location: "registry.example/old" },
        ],
      },
      "/etc/containers/certs.d/registry.example/ca.crt": "PEM\n",
    },
  ],
  [
    "crio",
    { ...plain, registries: named.registries },
    {
      "/etc/containers/registries.conf.d/900-amphora.conf": {
        registry: [
          { prefix: "docker.io", location: "127.0.0.1:5000/docker.io", insecure: true },
          { prefix: "old.example:5000", location: "127.0.0.1:5000/old", insecure: true },
          { location: "127.0.0.1:5000", insecure: true },
        ],
      },
    },
  ],
  [
    "buildkit",
    { ...named, registries: [parseRegistry("docker.io")] },
    {
      "/etc/buildkit/buildkitd.toml": {
        registry: { "registry.example": { ca: ['/etc/a "b".crt'] } },
      },
      "/etc/buildkit/amphora-source-policy.json": {
        rules: [
          { action: "DENY", selector: { identifier: "docker-image://*" } },
          { action: "ALLOW", selector: { identifier: "docker-image://registry.example/*" } },
          {
            action: "CONVERT",
            selector: { identifier: "docker-image://docker.io/*" },
            updates: { identifier: `docker-image://registry.example/docker.io/\${1}` },
          },
        ],
      },
    },
  ],
];

test("every client is led through the server, and nowhere else", async (t) => {
  for (const [client, request, expected] of rows) {
    await t.test(`${client} ${request.endpoint.url}`, () => {
      const { files } = setUp(client, request);
      const meant = files.map(({ path, text }) => [path, meaning(path, text)]);
      assert.deepEqual(Object.fromEntries(meant), expected);
    });
  }
});

function setUp(client: string, request: SetupRequest) {
  const make = clientSetups.get(client);
  assert.ok(make);
  return make(request);
}

function meaning(path: string, text: string): unknown {
  if (/\.(toml|conf)$/.test(path)) return JSON.parse(JSON.stringify(parseToml(text)));
  if (path.endsWith(".yaml")) return parseYaml(text);
  return path.endsWith(".json") ? JSON.parse(text) : text;
}

test("no client is told of a mirror that it could pass by", () => {
  for (const [client, request] of rows) {
    if (client === "k3s") continue; // closed by its own switch
    for (const { text } of setUp(client, request).files) {
      assert.doesNotMatch(text.replaceAll(/^#.*$/gm, ""), /mirror/);
    }
  }
});

test("what cannot be closed is said", () => {
  const notes = (client: string) => setUp(client, plain).notes.join("\n");
  assert.match(notes("docker"), /registry-mirrors.*fetches it from docker\.io itself/);
  assert.match(
    notes("docker"),
    /docker\.io\/library\/alpine:3 {2}-> {2}127\.0\.0\.1:5000\/docker\.io\/library\/alpine:3/,
  );
  assert.match(notes("buildkit"), /cannot be closed/);
  assert.match(notes("k3s"), /older ones cannot be closed/);
  assert.match(notes("podman"), /Other registries than docker\.io, .* are reached as before/);
});

test("a registry with a port wants an alias where names lead through the server", () => {
  const request = { ...plain, registries: [parseRegistry("old.example:5000")] };
  for (const client of ["docker", "podman", "crio", "buildkit"])
    assert.throws(() => setUp(client, request), /--registry old\.example:5000=ALIAS/);
  assert.equal(setUp("containerd", request).files.length, 1);
});

test("a server that no image's name can begin with is refused where names lead through it", () => {
  const at = (text: string) => ({ ...plain, endpoint: parseEndpoint(text) });
  for (const client of ["docker", "podman", "crio", "buildkit"]) {
    assert.throws(() => setUp(client, at("https://registry")), /repository of docker\.io/, client);
    for (const text of ["registry:5000", "localhost", "registry.example", "10.0.0.1"])
      assert.ok(setUp(client, at(text)).files.length >= 0);
  }
  for (const client of ["podman", "crio"])
    assert.throws(() => setUp(client, at("https://[::1]:5000")), /no name with an IPv6 address/);
  assert.match(setUp("docker", at("https://[::1]")).notes.join("\n"), /20\.10 takes no name/);
  for (const client of ["containerd", "k3s"]) setUp(client, at("https://registry"));
});

test("parseEndpoint() takes an address alone", () => {
  for (const [text, url, host, isPlain] of [
    ["https://registry.example", "https://registry.example", "registry.example", false],
    ["registry.example:5000", "https://registry.example:5000", "registry.example:5000", false],
    ["HTTP://Registry.Example:80/", "http://registry.example", "registry.example", true],
    ["http://[::1]:5000", "http://[::1]:5000", "[::1]:5000", true],
  ] as const)
    assert.deepEqual(parseEndpoint(text), { url, host, plain: isPlain }, text);
  const bad = [
    "",
    "ftp://a",
    "https://a/b",
    "https://u@a",
    "https://u:p@a",
    "https://a?b",
    "https://a#b",
  ];
  for (const text of [...bad, "a b", "https://", "unix:/a", "https://a_b", 'https://a"b'])
    assert.throws(() => parseEndpoint(text), UsageError, text);
});

test("parseRegistry() takes the host of a registry, as names of images have it", () => {
  assert.deepEqual(parseRegistry("index.docker.io"), { name: "docker.io", alias: undefined });
  assert.deepEqual(parseRegistry("localhost=here"), { name: "localhost", alias: "here" });
  for (const text of [
    "",
    "hub",
    "a.example/b",
    "https://a.example",
    "a.example=",
    "a.example=b/c",
    "*",
    "=a",
  ])
    assert.throws(() => parseRegistry(text), UsageError, text);
});
