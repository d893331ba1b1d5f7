import { type ClientSetup, heading, quoted, type SetupRequest } from "./client-setup.ts";

const folder = "/etc/containerd/certs.d";

/**
 * containerd's `hosts.toml`. `server` is where it ends up when every `[host]` has failed, by default the registry itself;
 * with ours in its place there is no way past it. Requests carry `?ns=REGISTRY`. The empty `[host]` has to be there:
 * without it containerd 1.5 to 1.7 does not read the file. No `push`: containerd 1.6 was seen to push without `?ns=`, to a
 * repository of the server's own.
 */
export function setUpContainerd({ endpoint, registries, authority }: SetupRequest): ClientSetup {
  const text = [
    heading(
      "containerd",
      "`server` is the last resort, and the only one: nothing is fetched past it.",
    ),
    `server = ${quoted(endpoint.url)}\n`,
    'capabilities = ["pull", "resolve"]\n',
    authority ? `ca = ${quoted(authority.path)}\n` : "",
    "\n[host]\n",
  ].join("");
  const names = registries.length > 0 ? registries.map(({ name }) => name) : ["_default"];
  return {
    files: names.map((name) => ({ path: `${folder}/${folderOf(name)}/hosts.toml`, text })),
    notes: [
      `Kubernetes: containerd's config.toml needs config_path = "${folder}" in [plugins."io.containerd.grpc.v1.cri".registry] (containerd 2: [plugins."io.containerd.cri.v1.images".registry]), and a restart after that; changes to hosts.toml need none.`,
      `Pushes are by the server's own name for the image, such as ${endpoint.host}/docker.io/team/app:1; by another registry's they fail.`,
      `ctr reads them with --hosts-dir ${folder}, nerdctl by itself.`,
      registries.length > 0
        ? `Other registries are reached as before; without --registry all go through ${endpoint.host}.`
        : `A folder for one registry in ${folder} counts more than _default: look that there is none.`,
    ],
  };
}

/** As containerd looks for it first: names of folders have no colon on every system. */
function folderOf(name: string): string {
  return name.replace(/:(\d+)$/, "_$1_");
}
