import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { loadSettings } from "../../src/cli/serve/load-settings.ts";
import { readDockerfile, rootFile } from "./dockerfile.ts";

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
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
  assert.deepEqual(Object.keys(compose.services).sort(), [
    "amphora",
    "redis",
    "registry",
    "worker",
  ]);
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
  assert.deepEqual(settings.access?.anonymous, ["pull", "push", "jobs"]);
});

test("jobs wait in a Redis that writes them down, and are done by workers with the server's settings", async () => {
  const { environment = {}, depends_on = [], command, networks, user } = service("worker");
  assert.deepEqual(command, ["worker"]);
  assert.equal(user, image.user);
  assert.deepEqual(environment, service("amphora").environment);
  const variables = { ...image.env, ...environment };
  const { settings } = await loadSettings({}, { variables, cwd: "/data" });
  const { hostname, protocol } = new URL(settings.jobs.queue);
  assert.equal(protocol, "redis:");
  for (const name of [hostname, "amphora"]) assert.ok(depends_on.includes(name), name);
  assert.ok(service("amphora").depends_on?.includes(hostname));
  const redis = service(hostname);
  const flags = redis.command?.join(" ") ?? "";
  assert.match(flags, /--appendonly yes --appendfsync always/);
  assert.deepEqual(redis.volumes, ["redis:/data"]);
  const [own] = image.ports;
  assert.equal(settings.jobs.serverUrl, `http://amphora:${own}`);
  assert.equal(settings.jobs.workers, 0);
  for (const network of redis.networks ?? [])
    for (const reached of [networks, service("amphora").networks])
      assert.ok(reached?.includes(network), network);
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
    if (name === "worker") continue; // what it mirrors is outside
    assert.ok(
      networks.every((network) => compose.networks[network]?.internal === true),
      name,
    );
  }
  assert.equal(service("amphora").user, image.user);
});
