import { readFileSync } from "node:fs";

/** A file of this checkout. */
export function rootFile(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
}

/** What the image says of itself: the instructions of the last stage, whole lines joined. */
export interface ImageConfig {
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly number[];
  readonly volumes: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/** Reads our own Dockerfile; no more of the format than is in it. */
export function readDockerfile(): ImageConfig {
  const lines = rootFile("Dockerfile").replaceAll("\\\n", " ").split("\n");
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM ")));
  const all = (name: string) =>
    last
      .filter((line) => line.startsWith(`${name} `))
      .map((line) => line.slice(name.length).trim());
  const env = all("ENV").flatMap((line) => line.split(/\s+/));
  return {
    user: all("USER").at(-1) ?? "",
    env: Object.fromEntries(env.map((pair) => pair.split("=") as [string, string])),
    ports: all("EXPOSE").map(Number),
    volumes: all("VOLUME"),
    entrypoint: JSON.parse(all("ENTRYPOINT").at(-1) ?? "[]"),
    command: JSON.parse(all("CMD").at(-1) ?? "[]"),
  };
}
