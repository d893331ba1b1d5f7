import {
  type ClientSetup,
  heading,
  ledRegistries,
  quoted,
  type SetupRequest,
} from "./client-setup.ts";

const daemonFile = "/etc/buildkit/buildkitd.toml";
const policyFile = "/etc/buildkit/amphora-source-policy.json";

/**
 * buildkitd's `mirrors` are passed by for the registry itself, as Docker's are. What rewrites names, and denies what was
 * not rewritten, is a source policy; that is given with each build.
 */
export function setUpBuildkit(request: SetupRequest): ClientSetup {
  const { endpoint, authority } = request;
  const what = "No `mirrors`: where one refuses, buildkitd goes on to the registry itself.";
  const members = [
    endpoint.plain ? "  http = true\n" : "",
    authority ? `  ca = [${quoted(authority.path)}]\n` : "",
  ].join("");
  return {
    files: [
      {
        path: daemonFile,
        text: `${heading("buildkit", what)}[registry.${quoted(endpoint.host)}]\n${members}`,
      },
      {
        path: policyFile,
        text: `${JSON.stringify(sourcePolicy(request), null, 2)}\n`,
      },
    ],
    notes: [
      `The source policy leads names through the server, and denies all others. Builds are given it: buildctl build --source-policy-file ${policyFile}, or EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=${policyFile} docker buildx build.`,
      "buildkitd itself cannot be closed by its configuration: whoever starts a build without the policy, and names a registry, reaches it. Only a network that lets buildkitd reach nothing but this server closes that.",
    ],
  };
}

/** Of those rules that match, the last that denies or allows counts; what was converted is looked at again. */
function sourcePolicy(request: SetupRequest): object {
  const { host } = request.endpoint;
  const rule = (action: string, name: string, updates?: object) => ({
    action,
    selector: { identifier: `docker-image://${name}` },
    ...(updates && { updates }),
  });
  return {
    rules: [
      rule("DENY", "*"),
      rule("ALLOW", `${host}/*`),
      ...ledRegistries(request).map(({ name, place }) =>
        rule("CONVERT", `${name}/*`, { identifier: `docker-image://${place}/\${1}` }),
      ),
    ],
  };
}
