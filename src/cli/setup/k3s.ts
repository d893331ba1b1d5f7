import { type ClientSetup, heading, quoted, type SetupRequest } from "./client-setup.ts";

/**
 * k3s makes containerd's `hosts.toml` of `registries.yaml`, with the registry itself as the last resort unless
 * `disable-default-registry-endpoint` says otherwise.
 */
export function setUpK3s({ endpoint, registries, authority }: SetupRequest): ClientSetup {
  const names = registries.length > 0 ? registries.map(({ name }) => name) : ["*"];
  const mirrors = names.map(
    (name) => `  ${quoted(name)}:\n    endpoint:\n      - ${quoted(endpoint.url)}\n`,
  );
  const trust = authority
    ? `configs:\n  ${quoted(endpoint.host)}:\n    tls:\n      ca_file: ${quoted(authority.path)}\n`
    : "";
  return {
    files: [
      {
        path: "/etc/rancher/k3s/registries.yaml",
        text: `${heading("k3s", "Closed only together with config.yaml.d/amphora.yaml.")}mirrors:\n${mirrors.join("")}${trust}`,
      },
      {
        path: "/etc/rancher/k3s/config.yaml.d/amphora.yaml",
        text: `${heading("k3s", "Without this k3s goes on to the registry itself where an image is refused.")}disable-default-registry-endpoint: true\n`,
      },
    ],
    notes: [
      "disable-default-registry-endpoint is known to k3s v1.26.13, v1.27.10, v1.28.6, v1.29.1 and later; older ones cannot be closed, nor can a node where it is false.",
      "Restart k3s (agents: k3s-agent) on every node. RKE2: the same two files below /etc/rancher/rke2.",
      ...(registries.length > 0 ? ["Other registries are reached as before."] : []),
    ],
  };
}
