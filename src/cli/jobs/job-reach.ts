import { readFileSync } from "node:fs";
import type { Environment } from "../../config/environment.ts";
import { loadSystemRoots } from "../../config/load-system-roots.ts";
import type { AllowedHosts, HostReach } from "../../server/jobs/allowed-hosts.ts";
import type { KnownHost, RegistryReach } from "../registries.ts";

/** What the settings allow, for the registries' clients. Certificates are read when a host is first connected to. */
export function createJobReach(hosts: AllowedHosts, environment: Environment): RegistryReach {
  return {
    mayConnect: (origin, address) => hosts.mayConnect(origin, address),
    hostOf(domain) {
      const reach = hosts.reach(domain);
      return reach && knownHost(reach, environment);
    },
  };
}

function knownHost(reach: HostReach, environment: Environment): KnownHost {
  const { url, insecure, ca, clientCertificate, clientKey } = reach;
  return {
    insecure,
    ...(url && { url }),
    tls: () => ({
      ca: [
        ...loadSystemRoots(environment).pem,
        ...(ca === undefined ? [] : [readFileSync(ca, "utf8")]),
      ],
      clientCertificates:
        clientCertificate === undefined || clientKey === undefined
          ? []
          : [
              {
                certificate: readFileSync(clientCertificate, "utf8"),
                key: readFileSync(clientKey, "utf8"),
              },
            ],
      verify: !insecure,
    }),
  };
}
