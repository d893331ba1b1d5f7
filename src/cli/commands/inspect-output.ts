import { repositoryName } from "../../core/docker-reference.ts";
import { goCompact, goIndent } from "../../core/go-json.ts";
import type { OciImageConfig } from "../../core/image-config.ts";
import type { InspectView } from "../../core/inspect-view.ts";
import type { ResolvedImage } from "../parts.ts";
import type { GoValue } from "../template/go-type.ts";
import { writeJson } from "../template/json.ts";
import { imageConfigType, inspectOutputType } from "../template/types.ts";

/** What `inspect` shows: an image, or the config of one. */
export type Inspected =
  | {
      readonly type: "image";
      readonly name: string;
      readonly digest: string;
      /** Null where the registry does not let them be listed. */
      readonly repoTags: readonly string[] | null;
      readonly view: InspectView;
    }
  | { readonly type: "config"; readonly config: OciImageConfig };

/** The repository's name where the image has one, else empty. */
export function inspectedName({ reference }: ResolvedImage): string {
  return reference.docker ? repositoryName(reference.docker) : "";
}

/**
 * The text to print, with its line end.
 *
 * @param format `--format`: empty or `json` for JSON, else a Go template
 * @param json where the JSON is not what the value itself says
 * @throws {TemplateError}
 */
export async function formatInspected(
  inspected: Inspected,
  format: string,
  json?: () => string,
): Promise<string> {
  const value = goValueOf(inspected);
  if (format === "" || isJsonFormat(format)) {
    const text = json?.() ?? goIndent(goCompact(writeJson(value)), "    ");
    return `${text}\n`;
  }
  const { renderReport } = await import("../template/report.ts");
  return renderReport("skopeo inspect", format, value);
}

/** `json` and `{{json}}`, with any spaces, mean the JSON that there is without a format; `{{json .}}` is a template. */
function isJsonFormat(format: string): boolean {
  return /^\s*(?:json|\{\{\s*json\.?\s*\}\})\s*$/.test(format);
}

function goValueOf(inspected: Inspected): GoValue {
  if (inspected.type === "config") return { type: imageConfigType, raw: inspected.config };
  const { name, digest, repoTags, view } = inspected;
  const raw = {
    Name: name,
    Tag: view.tag,
    Digest: digest,
    RepoTags: repoTags,
    Created: view.created,
    DockerVersion: view.dockerVersion,
    Labels: view.labels,
    Architecture: view.architecture,
    Os: view.os,
    Layers: view.layers.map((layer) => layer.digest),
    LayersData: view.layers.map((layer) => ({
      MIMEType: layer.mediaType,
      Digest: layer.digest,
      Size: BigInt(layer.size),
      Annotations: layer.annotations,
    })),
    Env: view.env,
  };
  return { type: inspectOutputType, raw };
}
