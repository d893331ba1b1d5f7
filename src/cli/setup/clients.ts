import { setUpBuildkit } from "./buildkit.ts";
import type { ClientSetup, SetupRequest } from "./client-setup.ts";
import { setUpContainerd } from "./containerd.ts";
import { setUpContainersConf } from "./containers-conf.ts";
import { setUpDocker } from "./docker.ts";
import { setUpK3s } from "./k3s.ts";

/** Every client that can be set up, and what does it. */
export const clientSetups: ReadonlyMap<string, (request: SetupRequest) => ClientSetup> = new Map([
  ["containerd", setUpContainerd],
  ["k3s", setUpK3s],
  ["docker", setUpDocker],
  ["podman", (request) => setUpContainersConf("podman", request)],
  ["crio", (request) => setUpContainersConf("crio", request)],
  ["buildkit", setUpBuildkit],
]);
