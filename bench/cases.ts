import { join } from "node:path";
import type { Place, Task } from "./commands.ts";
import type { World } from "./world.ts";

/** Where the registries are to be reached: themselves, or forwarders before them. */
export interface Ports {
  readonly source: number;
  readonly destination: number;
}

/** Something that every tool is asked to do, under a name. */
export interface Case {
  readonly name: string;
  /** What has to be empty before each run. */
  readonly fresh: "destination" | "tls-destination" | "folder" | "nothing";
  /** Whether a run with counting forwarders makes sense. */
  readonly counts: boolean;
  /** Whether to look at how much of a temporary folder it takes. */
  readonly stages?: boolean;
  /** At most so much of theirs ours should be: wall time against skopeo. Shown beside what is measured. */
  readonly goal?: number;
  task(world: World, ports: Ports): Task;
}

/** Where copies into folders go. */
export function freshFolder(world: World): string {
  return join(world.work, "fresh");
}

const image = (port: number): Place => ({ at: "registry", port, repository: "bench/image" });
const layout = (world: World): Place => ({ at: "oci", path: world.layout });
const freshStore = (world: World, driver: "overlay" | "vfs"): Place => ({
  at: "storage",
  path: freshFolder(world),
  driver,
});
const folder = (world: World): Place => ({ at: "oci", path: freshFolder(world) });

/** All cases, in the order of the table. */
export const cases: readonly Case[] = [
  {
    name: "registry to registry",
    fresh: "destination",
    counts: true,
    goal: 1,
    task: (_, { source, destination }) => ({
      do: "copy",
      from: image(source),
      to: image(destination),
    }),
  },
  {
    name: "registry to registry, TLS",
    fresh: "tls-destination",
    counts: false,
    goal: 1.2,
    task: ({ tlsSource, tlsDestination, certificates: tls }) => ({
      do: "copy",
      from: { at: "registry", port: tlsSource.port, repository: "bench/image", tls },
      to: { at: "registry", port: tlsDestination.port, repository: "bench/image", tls },
    }),
  },
  {
    name: "registry to OCI layout",
    fresh: "folder",
    counts: true,
    goal: 1,
    task: (world, { source }) => ({ do: "copy", from: image(source), to: folder(world) }),
  },
  {
    name: "OCI layout to registry",
    fresh: "destination",
    counts: true,
    task: (world, { destination }) => ({
      do: "copy",
      from: layout(world),
      to: image(destination),
    }),
  },
  {
    name: "gzip to zstd",
    fresh: "destination",
    counts: false,
    goal: 0.8,
    task: (_, { source, destination }) => ({
      do: "copy",
      from: image(source),
      to: image(destination),
      zstd: true,
    }),
  },
  {
    name: "plain to gzip",
    fresh: "destination",
    counts: true, // its bytes tell the size of what was packed
    goal: 1.5,
    task: (world, { destination }) => ({
      do: "copy",
      from: { at: "dir", path: world.plain },
      to: image(destination),
    }),
  },
  {
    name: "registry to containers-storage, overlay",
    fresh: "folder",
    counts: false,
    stages: true,
    goal: 0.4,
    task: (world, { source }) => ({
      do: "copy",
      from: image(source),
      to: freshStore(world, "overlay"),
    }),
  },
  {
    name: "registry to containers-storage, vfs",
    fresh: "folder",
    counts: false,
    stages: true,
    goal: 0.5,
    task: (world, { source }) => ({
      do: "copy",
      from: image(source),
      to: freshStore(world, "vfs"),
    }),
  },
  {
    name: "containers-storage to registry",
    fresh: "destination",
    counts: true, // its bytes tell the size of what was packed
    stages: true,
    goal: 1.2,
    task: (world, { destination }) => ({
      do: "copy",
      from: { at: "storage", path: world.store, driver: "overlay" },
      to: image(destination),
    }),
  },
  {
    name: "nothing to copy, 20 ms away",
    fresh: "nothing",
    counts: true,
    goal: 0.5,
    task: (world, ports) => {
      const port = ports.source === world.source.port ? world.far.port : ports.source;
      return {
        do: "copy",
        from: image(port),
        to: { at: "registry", port, repository: "bench/held" },
      };
    },
  },
  {
    name: "inspect, 20 ms away",
    fresh: "nothing",
    counts: true,
    goal: 1,
    task: (world, ports) => ({
      do: "inspect",
      from: image(ports.source === world.source.port ? world.far.port : ports.source),
    }),
  },
  { name: "--version", fresh: "nothing", counts: false, task: () => ({ do: "version" }) },
];
