import {
  type ClientSetup,
  ledRegistries,
  type SetupFile,
  type SetupRequest,
} from "./client-setup.ts";

/** Docker Engine asks the registry that a name names, and can only be given names that lead through us. */
export function setUpDocker(request: SetupRequest): ClientSetup {
  const { endpoint, authority } = request;
  const { host, plain } = endpoint;
  const files: SetupFile[] = [];
  if (plain) {
    const text = `${JSON.stringify({ "insecure-registries": [host] }, null, 2)}\n`;
    files.push({ path: "/etc/docker/daemon.json", text });
  }
  if (authority) files.push({ path: `/etc/docker/certs.d/${host}/ca.crt`, text: authority.pem });
  return {
    files,
    notes: [
      "Name images through the server, in commands, in FROM lines and in compose files:",
      ...ledRegistries(request).map(({ name, place }) => {
        const image = name === "docker.io" ? "library/alpine:3" : "team/app:1";
        return `  ${name}/${image}  ->  ${place}/${image}`;
      }),
      ...(host.startsWith("[")
        ? ["Docker 20.10 takes no name with an IPv6 address (seen): there the server needs a name."]
        : []),
      "Docker's registry-mirrors stays out of daemon.json on purpose: it is heeded for docker.io alone, and where the mirror refuses an image Docker fetches it from docker.io itself, without a word. No setting turns that off.",
      "Who may run docker can still name a registry directly; only a network that lets the daemon reach nothing but this server closes that.",
      ...(plain
        ? [
            "Restart dockerd after daemon.json has changed; a daemon.json that is there already wants the member added by hand.",
          ]
        : []),
    ],
  };
}
