import type { Node } from "yaml";
import type { MoreLookasides, RegistriesDFile, RegistriesDSection } from "./registries-d.ts";
import { type Yaml, YamlReading } from "./yaml-reading.ts";

const rootType = "docker.registryConfiguration";
const mapType = "map[string]docker.registryNamespace";
const sectionType = "docker.registryNamespace";

/**
 * Reads one file of registries.d as the reference does: unknown members count for nothing, a scalar is text where text
 * is wanted, and every wrong value is told of — containers-registries.d(5).
 *
 * @throws {ConfigError} `config.invalid`
 */
export function parseRegistriesDFile(yaml: Yaml, text: string, path: string): RegistriesDFile {
  const reading = new YamlReading(yaml, text, path);
  const docker = new Map<string, RegistriesDSection>();
  let defaultDocker: RegistriesDSection | undefined;
  for (const [key, value] of reading.members(reading.root, rootType)) {
    if (key === "default-docker" && !reading.isNull(value)) {
      defaultDocker = readSection(reading, value);
    }
    if (key !== "docker") continue;
    for (const [scope, section] of reading.members(value, mapType)) {
      docker.set(scope, readSection(reading, section));
    }
  }
  reading.end();
  return { path, docker, ...(defaultDocker && { defaultDocker }) };
}

const textMembers: Readonly<Record<string, keyof RegistriesDSection>> = {
  lookaside: "lookaside",
  "lookaside-staging": "lookasideStaging",
  sigstore: "sigstore",
  "sigstore-staging": "sigstoreStaging",
};

function readSection(reading: YamlReading, node: Node | null): RegistriesDSection {
  const section: { -readonly [K in keyof RegistriesDSection]: string | boolean } = {};
  for (const [key, value] of reading.members(node, sectionType)) {
    const member = Object.hasOwn(textMembers, key) ? textMembers[key] : undefined;
    if (member) section[member] = reading.text(value) ?? "";
    if (key !== "use-sigstore-attachments") continue;
    const flag = reading.flag(value);
    if (flag !== undefined) section.useSigstoreAttachments = flag;
  }
  return section as RegistriesDSection;
}

/**
 * Reads a file of ours, `NAME.x-amphora.yml`, which other tools leave alone: scopes as in registries.d, each with a list
 * of URLs to read signatures from besides the one that counts anyhow.
 *
 * @throws {ConfigError} `config.invalid`; unknown members are refused here
 */
export function parseMoreLookasides(yaml: Yaml, text: string, path: string): MoreLookasides {
  const reading = new YamlReading(yaml, text, path);
  const docker = new Map<string, readonly string[]>();
  let defaultDocker: readonly string[] = [];
  for (const [key, value] of reading.members(reading.root, "a file of look-asides")) {
    if (key === "default-docker") defaultDocker = readMore(reading, value);
    else if (key === "docker") {
      for (const [scope, section] of reading.members(value, "scopes")) {
        docker.set(scope, readMore(reading, section));
      }
    } else reading.unknown(key, value);
  }
  reading.end();
  return { path, defaultDocker, docker };
}

function readMore(reading: YamlReading, node: Node | null): readonly string[] {
  const urls: string[] = [];
  for (const [key, value] of reading.members(node, "a section")) {
    if (key !== "more-lookasides") reading.unknown(key, value);
    else urls.push(...reading.texts(value));
  }
  return urls;
}
