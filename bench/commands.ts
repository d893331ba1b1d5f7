import type { Certificates } from "./certificates.ts";
import type { Command } from "./measure.ts";
import type { Tool, ToolName } from "./tools.ts";

/** One end of a copy. */
export type Place =
  | {
      readonly at: "registry";
      readonly port: number;
      readonly repository: string;
      readonly tls?: Certificates;
    }
  | { readonly at: "oci" | "dir"; readonly path: string }
  | { readonly at: "storage"; readonly path: string; readonly driver: "overlay" | "vfs" };

/** What a tool is asked to do. */
export type Task =
  | { readonly do: "copy"; readonly from: Place; readonly to: Place; readonly zstd?: boolean }
  | { readonly do: "inspect"; readonly from: Place }
  | { readonly do: "version" };

type Dialect = (task: Task) => Command | undefined;

const dialects: Record<ToolName, Dialect> = {
  amphora: skopeoCommand,
  skopeo: skopeoCommand,
  crane: craneCommand,
  oras: orasCommand,
};

/** How the tool says it; undefined where it cannot do that. */
export function commandOf({ name, words }: Tool, task: Task): Command | undefined {
  const command = dialects[name](task);
  return command && { ...command, words: [...words, ...command.words] };
}

function skopeoCommand(task: Task): Command {
  if (task.do === "version") return { words: ["--version"] };
  if (task.do === "inspect") {
    return {
      words: ["--insecure-policy", "inspect", ...skopeoTls("", task.from), skopeoName(task.from)],
    };
  }
  const zstd = ["--dest-compress-format", "zstd", "--dest-force-compress-format"];
  return {
    words: [
      ...["--insecure-policy", "copy", "-q", ...(task.zstd ? zstd : [])],
      ...[...skopeoTls("src-", task.from), ...skopeoTls("dest-", task.to)],
      ...[skopeoName(task.from), skopeoName(task.to)],
    ],
  };
}

function skopeoName(place: Place): string {
  if (place.at === "registry") return `docker://127.0.0.1:${place.port}/${place.repository}:latest`;
  if (place.at === "oci") return `oci:${place.path}:latest`;
  if (place.at !== "storage") return `dir:${place.path}`;
  const { driver, path } = place;
  // Else Go's tools leave a mount behind, and the folder cannot be removed.
  const options = driver === "overlay" ? ":overlay.skip_mount_home=true" : "";
  return `containers-storage:[${driver}@${path}/root+${path}/run${options}]bench/image:latest`;
}

function skopeoTls(side: string, place: Place): string[] {
  if (place.at !== "registry") return [];
  return place.tls ? [`--${side}cert-dir`, place.tls.folder] : [`--${side}tls-verify=false`];
}

function craneCommand(task: Task): Command | undefined {
  if (task.do === "version") return { words: ["version"] };
  if (task.do === "inspect" || task.zstd) return undefined;
  const { from, to } = task;
  if (from.at === "registry" && to.at === "registry") {
    return craneSecured(from, ["copy", reference(from), reference(to)]);
  }
  if (from.at === "registry" && to.at === "oci") {
    return craneSecured(from, ["pull", "--format=oci", reference(from), to.path]);
  }
  if (from.at === "oci" && to.at === "registry") {
    return craneSecured(to, ["push", from.path, reference(to)]);
  }
  return undefined;
}

function craneSecured(place: Place, words: readonly string[]): Command {
  return place.at === "registry" && place.tls
    ? { words, env: { SSL_CERT_FILE: place.tls.ca } }
    : { words: [...words, "--insecure"] };
}

function orasCommand(task: Task): Command | undefined {
  if (task.do === "version") return { words: ["version"] };
  if (task.do === "inspect" || task.zstd) return undefined;
  const { from, to } = task;
  if (!isOras(from) || !isOras(to)) return undefined;
  return { words: ["cp", "--no-tty", ...orasEnd("from", from), ...orasEnd("to", to)] };
}

type OrasPlace = Extract<Place, { at: "registry" | "oci" | "dir" }>;

function isOras(place: Place): place is OrasPlace {
  return place.at === "registry" || place.at === "oci";
}

function orasEnd(side: "from" | "to", place: OrasPlace): string[] {
  if (place.at !== "registry") return [`--${side}-oci-layout`, `${place.path}:latest`];
  const security = place.tls ? [`--${side}-ca-file`, place.tls.ca] : [`--${side}-plain-http`];
  return [...security, reference(place)];
}

function reference(place: Place): string {
  return place.at === "registry"
    ? `127.0.0.1:${place.port}/${place.repository}:latest`
    : place.path;
}
