import type { CommandSpec } from "./spec.ts";

/** `amphora setup`. */
export const setupSpec: CommandSpec = {
  name: "setup",
  short: "Lead a client through a server of `amphora serve`, and nowhere else",
  long: () =>
    "Print the configuration that leads a client through a server of `amphora serve`, and nowhere else.\n\nCLIENT is containerd, k3s, docker, podman (buildah and skopeo too), crio or buildkit. What is printed is closed: an image\nthat the server refuses is not fetched past it. Where a client cannot be closed, it is said in which way.\nNothing is written without --write, and nothing that others wrote is overwritten without --force.",
  use: "setup [command options] CLIENT",
  examples: [
    "setup containerd --endpoint https://registry.example",
    "setup podman --endpoint https://registry.example:5000 --registry docker.io,quay.io --ca ca.crt --write",
    "setup docker --endpoint http://127.0.0.1:5000",
  ],
  flags: [
    {
      name: "ca",
      type: "string",
      usage: "trust the authorities in `FILE` (PEM) for the server's certificate",
      ours: true,
    },
    {
      name: "endpoint",
      type: "string",
      usage: "`URL` of the server: https://HOST[:PORT], or http:// where it has no TLS",
      ours: true,
    },
    {
      name: "force",
      type: "bool",
      usage: "with --write: replace files that others wrote",
      ours: true,
    },
    {
      name: "registry",
      type: "strings",
      usage:
        "lead `NAME` through the server, such as docker.io; NAME=ALIAS where the server calls it ALIAS",
      ours: true,
    },
    {
      name: "root",
      type: "string",
      usage: "with --write: write below `DIR`, for an image or another machine",
      ours: true,
    },
    {
      name: "write",
      type: "bool",
      usage: "write the files where the client reads them",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};
