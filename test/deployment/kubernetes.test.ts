import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { parsePolicy } from "../../policy/parse.ts";
import { loadSettings } from "../../src/cli/serve/load-settings.ts";
import { clientSetups } from "../../src/cli/setup/clients.ts";
import { parseEndpoint } from "../../src/cli/setup/endpoint.ts";
import { tempFolder } from "../support/temp.ts";
import { readDockerfile, rootFile } from "./dockerfile.ts";

interface Mount {
  readonly name: string;
  readonly mountPath: string;
}

interface Container {
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly Mount[];
  readonly [probe: `${string}Probe`]: {
    readonly httpGet: { readonly path: string; readonly port: string; readonly scheme: string };
  };
}

interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

interface PodSpec {
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly terminationGracePeriodSeconds?: number;
  readonly containers: readonly [Container];
  readonly volumes: readonly Volume[];
}

interface Thing {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly selector: { readonly matchLabels: object };
    readonly template: { readonly metadata: { readonly labels: object }; readonly spec: PodSpec };
    readonly ports: readonly { readonly targetPort: string; readonly nodePort: number }[];
  };
}

function things(file: string): readonly Thing[] {
  const documents = parseAllDocuments(rootFile(`examples/kubernetes/${file}`), {
    version: "1.1",
  });
  return documents.map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS();
  });
}

function one(all: readonly Thing[], kind: string): Thing {
  const [found, ...others] = all.filter((thing) => thing.kind === kind);
  assert.ok(found && others.length === 0, kind);
  return found;
}

const server = things("amphora.yaml");
const nodes = things("nodes.yaml");

test("everything is in one namespace, and every volume that is mounted is there", () => {
  for (const all of [server, nodes]) {
    for (const thing of all) {
      assert.equal(thing.metadata.namespace, "amphora");
      const template = thing.spec?.template;
      if (!template) continue;
      assert.deepEqual(thing.spec?.selector.matchLabels, template.metadata.labels);
      const { containers, volumes } = template.spec;
      const mounted = containers[0].volumeMounts.map(({ name }) => name).sort();
      assert.deepEqual(mounted, volumes.map(({ name }) => name).sort());
      const claims = volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim ?? []);
      for (const { claimName } of claims)
        assert.equal(one(server, "PersistentVolumeClaim").metadata.name, claimName);
    }
  }
});

test("the server's configuration is good, and fits to how it is run", async () => {
  const { data = {} } = one(server, "ConfigMap");
  await using folder = await tempFolder();
  await writeFile(folder.in("serve.yaml"), data["serve.yaml"] ?? "");
  const { settings } = await loadSettings(
    { config: folder.in("serve.yaml") },
    { variables: readDockerfile().env, cwd: "/" },
  );
  const policy = parsePolicy(Buffer.from(data["policy.json"] ?? ""), "policy.json");
  assert.ok(policy);
  const pod = one(server, "Deployment").spec?.template.spec;
  assert.ok(pod);
  const [container] = pod.containers;
  const at = (name: string) =>
    container.volumeMounts.find((mount) => mount.name === name)?.mountPath;
  assert.equal(settings.data, at("data"));
  assert.equal(settings.admission?.policy, `${at("config")}/policy.json`);
  assert.equal(container.args?.at(-1), `${at("config")}/serve.yaml`);
  assert.ok(settings.tls?.cert.startsWith(`${at("tls")}/`));
  assert.ok(data["policy.json"]?.includes(`"${at("trust")}/`));
  const ports = Object.fromEntries(
    (container.ports ?? []).map(({ name, containerPort }) => [name, containerPort]),
  );
  assert.deepEqual(settings.listen, [{ type: "tcp", host: "0.0.0.0", port: ports["registry"] }]);
  assert.equal(
    settings.metrics.listen?.type === "tcp" && settings.metrics.listen.port,
    ports["metrics"],
  );
  for (const [probe, path] of [
    ["startup", "/readyz"],
    ["readiness", "/readyz"],
    ["liveness", "/healthz"],
  ] as const)
    assert.deepEqual(container[`${probe}Probe`]?.httpGet, {
      path,
      port: "registry",
      scheme: "HTTPS",
    });
  const { announce, within } = settings.shutdown;
  assert.ok((pod.terminationGracePeriodSeconds ?? 0) * 1000 > announce + within);
});

test("the server is nobody's in particular, and writes to its volume alone", () => {
  const pod = one(server, "Deployment").spec?.template.spec;
  const [uid, gid] = readDockerfile().user.split(":").map(Number);
  const { runAsNonRoot, runAsUser, runAsGroup, fsGroup } = pod?.securityContext ?? {};
  assert.deepEqual([runAsNonRoot, runAsUser, runAsGroup, fsGroup], [true, uid, gid, gid]);
  assert.deepEqual(pod?.containers[0].securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
});

test("nodes are set up as `amphora setup` says, for the server's own name and port", () => {
  const [port] = one(server, "Service").spec?.ports ?? [];
  const path = "/etc/containerd/amphora-ca.crt";
  const { files = [] } =
    clientSetups.get("containerd")?.({
      endpoint: parseEndpoint(`https://registry.example:${port?.nodePort}`),
      registries: [],
      authority: { path, pem: "" },
    }) ?? {};
  assert.deepEqual(
    files.map(({ text }) => text),
    [one(nodes, "ConfigMap").data?.["hosts.toml"]],
  );
});
