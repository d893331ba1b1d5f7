import { ServiceClient } from "../../../sigstore/services/service-client.ts";
import { createHttpClient } from "../../../src/registry/http/client.ts";
import { type SigstoreServices, sigstoreServices } from "../../support/sigstore-services.ts";

/** The services, and a client of theirs. */
export interface ServicesWorld extends AsyncDisposable {
  readonly services: SigstoreServices;
  readonly client: ServiceClient;
  readonly url: URL;
}

export async function servicesWorld(): Promise<ServicesWorld> {
  const stack = new AsyncDisposableStack();
  const services = stack.use(await sigstoreServices());
  const http = stack.use(
    createHttpClient({
      connections: 2,
      proxyFor: () => undefined,
      tlsFor: () => ({ ca: [], clientCertificates: [], verify: true }),
    }),
  );
  return {
    services,
    client: new ServiceClient(http, "test"),
    url: new URL(services.url),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
