import type { Flag } from "../flags.ts";
import type { CommandSpec } from "./spec.ts";

const authFlags: readonly Flag[] = [
  {
    name: "authfile",
    type: "string",
    usage:
      "path of the authentication file. Use REGISTRY_AUTH_FILE environment variable to override",
  },
  {
    name: "compat-auth-file",
    type: "string",
    usage: "path of a Docker-compatible config file to update instead",
  },
  {
    name: "tls-verify",
    type: "optional-bool",
    usage: "require HTTPS and verify certificates when accessing the registry",
  },
];

/** `skopeo login`. */
export const loginSpec: CommandSpec = {
  name: "login",
  short: "Login to a container registry",
  long: () => "Login to a container registry on a specified server.",
  use: "login [command options] REGISTRY",
  examples: ["login quay.io"],
  flags: [
    ...authFlags,
    {
      name: "cert-dir",
      type: "string",
      usage: "use certificates at the specified path to access the registry",
    },
    { name: "username", short: "u", type: "string", usage: "Username for registry" },
    { name: "password", short: "p", type: "string", usage: "Password for registry" },
    { name: "password-stdin", type: "bool", usage: "Take the password from stdin" },
    {
      name: "get-login",
      type: "bool",
      usage: "Return the current login user for the registry",
    },
    {
      name: "verbose",
      short: "v",
      type: "bool",
      usage: "Write more detailed information to stdout",
    },
  ],
  layout: "plain",
};

/** `skopeo logout`. */
export const logoutSpec: CommandSpec = {
  name: "logout",
  short: "Logout of a container registry",
  long: () => "Logout of a container registry on a specified server.",
  use: "logout [command options] REGISTRY",
  examples: ["logout quay.io"],
  flags: [
    ...authFlags,
    {
      name: "all",
      short: "a",
      type: "bool",
      usage: "Remove the cached credentials for all registries in the auth file",
    },
  ],
  layout: "plain",
};
