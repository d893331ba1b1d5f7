import { CliError } from "../errors.ts";
import { GoYaml } from "./go-yaml.ts";

/** What skopeo's file says of one registry; hosts and repositories in the order of the file. */
export interface RegistryWish {
  readonly name: string;
  /** Repositories with tags and digests; none: every tag. */
  readonly images: readonly (readonly [repository: string, references: readonly string[]])[];
  readonly imagesByTagRegex: readonly (readonly [repository: string, pattern: string])[];
  readonly imagesBySemver: readonly (readonly [repository: string, constraint: string])[];
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly tlsVerify?: boolean;
  readonly certificateDirectory?: string;
}

/**
 * Reads the file of `--src yaml`, with Go's words for what does not fit: skopeo-sync(1) § YAML file content. Keys that
 * skopeo passes over in silence are errors, as Go's strict reading tells them.
 *
 * @param file as it was typed, for errors
 * @throws {CliError} `cli.bad-mirror`
 */
export function readSkopeoYaml(text: string, file: string): readonly RegistryWish[] {
  const yaml = new GoYaml(text);
  if (yaml.syntaxError !== undefined) throw unreadable(file, `yaml: ${yaml.syntaxError}`);
  const registries = yaml
    .members(yaml.root, "main.sourceConfig")
    .map(({ name, value }) => registryOf(yaml, name, value));
  if (yaml.isExcessive) throw unreadable(file, "yaml: document contains excessive aliasing");
  if (yaml.errors.length > 0)
    throw unreadable(file, `yaml: unmarshal errors:\n  ${yaml.errors.join("\n  ")}`);
  return registries;
}

type Writable = { -readonly [key in keyof RegistryWish]: RegistryWish[key] };

function registryOf(yaml: GoYaml, name: string, node: unknown): RegistryWish {
  const type = "main.registrySyncConfig";
  const wish: Writable = { name, images: [], imagesByTagRegex: [], imagesBySemver: [] };
  for (const member of yaml.members(node, type)) {
    const reader = readers[member.name];
    if (reader) reader(wish, yaml, member.value);
    else yaml.unknown(member, type);
  }
  return wish;
}

const readers: Readonly<Record<string, (wish: Writable, yaml: GoYaml, value: unknown) => void>> = {
  images(wish, yaml, value) {
    wish.images = yaml
      .members(value, "map[string][]string")
      .map((repository) => [
        repository.name,
        yaml.items(repository.value, "[]string").map((item) => yaml.text(item)),
      ]);
  },
  "images-by-tag-regex"(wish, yaml, value) {
    wish.imagesByTagRegex = texts(yaml, value);
  },
  "images-by-semver"(wish, yaml, value) {
    wish.imagesBySemver = texts(yaml, value);
  },
  credentials(wish, yaml, value) {
    const type = "types.DockerAuthConfig";
    const found = { username: "", password: "" };
    for (const member of yaml.members(value, type, true)) {
      if (member.name === "username" || member.name === "password")
        found[member.name] = yaml.text(member.value);
      else yaml.unknown(member, type);
    }
    if (found.username !== "" || found.password !== "") wish.credentials = found;
  },
  "tls-verify"(wish, yaml, value) {
    const verify = yaml.bool(value);
    if (verify !== undefined) wish.tlsVerify = verify;
  },
  "cert-dir"(wish, yaml, value) {
    const folder = yaml.text(value);
    if (folder !== "") wish.certificateDirectory = folder;
  },
};

function texts(yaml: GoYaml, value: unknown): readonly (readonly [string, string])[] {
  return yaml
    .members(value, "map[string]string")
    .map((member) => [member.name, yaml.text(member.value)]);
}

function unreadable(file: string, why: string): CliError {
  return new CliError("cli.bad-mirror", `Failed to unmarshal ${JSON.stringify(file)}: ${why}`);
}
