import { UsageError } from "../../core/errors.ts";
import {
  type ClientSetup,
  heading,
  ledRegistries,
  quoted,
  type SetupFile,
  type SetupRequest,
} from "./client-setup.ts";

const conf = "/etc/containers/registries.conf.d/900-amphora.conf";

/**
 * containers-registries.conf(5) for podman, buildah, skopeo and CRI-O. `location` takes the place of the name, and nothing
 * else is asked; a `mirror` would be passed by for the registry itself as soon as it refuses. The policy of the client,
 * and signatures, still go by the image's own name.
 *
 * @throws {UsageError} for an IPv6 address: "invalid reference format" to all of them (skopeo 1.9 and 1.22)
 */
export function setUpContainersConf(client: "podman" | "crio", request: SetupRequest): ClientSetup {
  const { endpoint, authority } = request;
  const { host, plain } = endpoint;
  if (host.startsWith("["))
    throw new UsageError(
      "usage.bad-flag",
      `podman, buildah, skopeo and CRI-O take no name with an IPv6 address: give --endpoint a name of the server's, not ${host}`,
    );
  const entries = ledRegistries(request).map(({ name, place }) =>
    entry([["prefix", quoted(name)], ["location", quoted(place)], ...insecure(plain)]),
  );
  if (plain) entries.push(entry([["location", quoted(host)], ...insecure(plain)]));
  const what = "`location` replaces the registry; a mirror would be passed by where it refuses.";
  const files: SetupFile[] = [
    { path: conf, text: `${heading(client, what)}\n${entries.join("\n")}` },
  ];
  if (authority)
    files.push({ path: `/etc/containers/certs.d/${host}/ca.crt`, text: authority.pem });
  return { files, notes: notesOf(client, request) };
}

type Member = readonly [name: string, value: string];

function entry(members: readonly Member[]): string {
  return `[[registry]]\n${members.map(([name, value]) => `${name} = ${value}\n`).join("")}`;
}

function insecure(plain: boolean): readonly Member[] {
  return plain ? [["insecure", "true"]] : [];
}

function notesOf(client: "podman" | "crio", request: SetupRequest): readonly string[] {
  const names = ledRegistries(request).map(({ name }) => name);
  return [
    client === "crio"
      ? "CRI-O reads it again at `systemctl reload crio`."
      : "podman, buildah and skopeo read it at every start. A user's own ~/.config/containers/registries.conf takes the place of /etc/containers altogether: it needs the same entries, or to go.",
    "A later file in registries.conf.d with the same prefix, or any with a longer one, counts more (a user's own folder is read last): look that there is none.",
    `Other registries than ${names.join(", ")} are reached as before: the format has no prefix for all. A policy.json with a default of reject closes those.`,
    "Policies go on naming images as ever (docker.io/library/alpine); signatures are read from the server, without registries.d.",
  ];
}
