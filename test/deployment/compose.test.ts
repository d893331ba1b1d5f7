import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { loadSettings } from "../../src/cli/serve/load-settings.ts";
import { readDockerfile, rootFile } from "./dockerfile.ts";

interface Service {
  readonly image: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const compose: Compose = parse(rootFile("docker-compose.yml"));
const image = readDockerfile();

function service(name: string): Service {
  const found = compose.services[name];
  assert.ok(found, name);
  return found;
}

test("the image is nobody's in particular, and keeps everything in its one volume", async () => {
  assert.match(image.user, /^[1-9]\d*:[1-9]\d*$/);
  assert.deepEqual([image.entrypoint, image.command], [["amphora"], ["serve"]]);
  const { settings, unusedVariables } = await loadSettings({}, { variables: image.env, cwd: "/" });
  assert.deepEqual(unusedVariables, []);
  assert.deepEqual(image.volumes, [settings.data]);
  const [port] = image.ports;
  assert.deepEqual(settings.listen, [{ type: "tcp", host: "0.0.0.0", port }]);
});

test("docker-compose.yml has what the server is told, and what it is told of", async () => {
  assert.deepEqual(Object.keys(compose.services).sort(), ["amphora", "redis", "registry"]);
  const { environment = {}, ports = [], volumes = [], healthcheck } = service("amphora");
  const variables = { ...image.env, ...environment };
  const { settings, unusedVariables } = await loadSettings({}, { variables, cwd: "/data" });
  assert.deepEqual(unusedVariables, []);
  const [port] = image.ports;
  assert.deepEqual(ports, [`127.0.0.1:${port}:${port}`]);
  assert.equal(settings.name, `localhost:${port}`);
  assert.deepEqual(
    volumes.map((volume) => volume.split(":")[1]),
    [settings.data],
  );
  const probe = healthcheck?.test.join(" ") ?? "";
  assert.match(probe, new RegExp(`http://127\\.0\\.0\\.1:${port}/readyz`));
  assert.equal(settings.upstreams.length, 1);
  for (const { url = "", insecure, push } of settings.upstreams) {
    const { hostname, protocol } = new URL(url);
    assert.ok(service(hostname).image);
    assert.deepEqual([protocol, insecure, push], ["http:", true, "write-through"]);
  }
  assert.deepEqual(settings.access?.anonymous, ["pull", "push"]);
});

test("only the server is reached from outside, and nothing in it can be written but the volume", () => {
  for (const [name, { ports, networks = [], read_only, cap_drop, volumes = [] }] of Object.entries(
    compose.services,
  )) {
    assert.deepEqual([read_only, cap_drop], [true, ["ALL"]], name);
    for (const network of networks) assert.ok(network in compose.networks, network);
    for (const volume of volumes)
      assert.ok((volume.split(":")[0] ?? "") in compose.volumes, volume);
    if (name === "amphora") continue;
    assert.equal(ports, undefined, name);
    assert.ok(
      networks.every((network) => compose.networks[network]?.internal === true),
      name,
    );
  }
  assert.equal(service("amphora").user, image.user);
});
