import type { SignatureLog } from "../../sigstore/cosign/signer.ts";
import type { IdToken } from "../../sigstore/services/id-token.ts";
import type { ServiceClient } from "../../sigstore/services/service-client.ts";
import type { Signer } from "../../sigstore/signer.ts";
import { createProxySelector } from "../config/proxy.ts";
import { loadSigningParameters, type SigningParameters } from "../config/signing-parameters.ts";
import type { CommandContext } from "./context.ts";
import { CliError } from "./errors.ts";
import { openBrowser } from "./open-browser.ts";
import { askPassphrase, readPassphraseFile } from "./passphrase.ts";
import { Prompt } from "./prompt.ts";
import { details, openSigstoreSigner } from "./signer-makers.ts";

type Fulcio = NonNullable<SigningParameters["fulcio"]>;

/**
 * The signer that a file of `--sign-by-sigstore` describes: a key file, or a certificate of Fulcio's for an identity; with
 * or without a Rekor log.
 *
 * @throws {KnownError} in skopeo's words
 */
export async function openParametersSigner(context: CommandContext, path: string): Promise<Signer> {
  const parameters = await loadSigningParameters(path);
  const { privateKeyFile, fulcio, rekorURL } = parameters;
  const passphrase =
    privateKeyFile === undefined ? undefined : await passphraseOf(context, parameters);
  if (fulcio) checkFulcio(fulcio);
  await using stack = new AsyncDisposableStack();
  const service = await openService(context, stack);
  const log = rekorURL === undefined ? undefined : await rekorLog(service, rekorURL);
  const signer = await openSigner(context, service, parameters, passphrase, log);
  const kept = stack.move();
  return {
    ...signer,
    async [Symbol.asyncDispose]() {
      await signer[Symbol.asyncDispose]();
      await kept.disposeAsync();
    },
  };
}

async function openSigner(
  context: CommandContext,
  service: ServiceClient,
  { privateKeyFile, fulcio }: SigningParameters,
  passphrase: Uint8Array | undefined,
  log: SignatureLog | undefined,
): Promise<Signer> {
  if (privateKeyFile !== undefined && passphrase) {
    const signer = await openSigstoreSigner(context, privateKeyFile, passphrase, log);
    if (!fulcio) return signer;
    throw bad(
      "multiple private key sources specified when preparing to create sigstore signatures",
    );
  }
  if (fulcio) return await openFulcioSigner(context, service, fulcio, log);
  throw bad(
    "no private key source provided (neither a private key nor Fulcio) when preparing to create sigstore signatures",
  );
}

async function passphraseOf(
  context: CommandContext,
  { privateKeyFile = "", privateKeyPassphraseFile }: SigningParameters,
): Promise<Uint8Array> {
  if (privateKeyPassphraseFile !== undefined) return readPassphraseFile(privateKeyPassphraseFile);
  return await askPassphrase(context, privateKeyFile);
}

/** In skopeo's order, before anybody is asked anything. */
function checkFulcio({ fulcioURL, oidcMode, oidcIDToken, oidcIssuerURL }: Fulcio): void {
  if (fulcioURL === undefined) throw bad("missing fulcioURL");
  if (oidcMode === "staticToken") {
    if (oidcIDToken === undefined) throw bad("missing oidcToken");
    return;
  }
  if (oidcIssuerURL === undefined) throw bad("missing oidcIssuerURL");
  if (oidcMode === undefined) throw bad("missing oidcMode");
  if (oidcMode !== "deviceGrant" && oidcMode !== "interactive") {
    throw bad(`unknown oidcMode value ${JSON.stringify(oidcMode)}`);
  }
}

/** These services are public ones, or of one's own: reached by the system's certificates and proxies alone. */
async function openService(
  context: CommandContext,
  stack: AsyncDisposableStack,
): Promise<ServiceClient> {
  const { createHttpClient } = await import("../registry/http/client.ts");
  const { ServiceClient } = await import("../../sigstore/services/service-client.ts");
  const { environment } = await context.parts();
  const http = createHttpClient({
    connections: 2,
    proxyFor: createProxySelector(environment),
    tlsFor: () => ({ ca: [], clientCertificates: [], verify: true }),
  });
  stack.use(http);
  return new ServiceClient(http, `amphora/${context.version}`);
}

async function rekorLog(service: ServiceClient, url: string): Promise<SignatureLog> {
  const { createRekorLog } = await import("../../sigstore/services/rekor-log.ts");
  const { parseServiceUrl } = await import("../../sigstore/services/service-client.ts");
  return createRekorLog(service, parseServiceUrl("rekorURL", url));
}

async function openFulcioSigner(
  context: CommandContext,
  service: ServiceClient,
  fulcio: Fulcio,
  log: SignatureLog | undefined,
): Promise<Signer> {
  const { parseServiceUrl } = await import("../../sigstore/services/service-client.ts");
  const { obtainCertificate } = await import("../../sigstore/services/fulcio.ts");
  const { createCertifiedSigner } = await import("../../sigstore/cosign/signer.ts");
  const url = parseServiceUrl("fulcioURL", fulcio["fulcioURL"] ?? "");
  const token = await idTokenOf(context, service, fulcio);
  return await createCertifiedSigner({
    certify: (key, signal) => obtainCertificate(service, url, token, key, signal),
    signal: context.signal,
    ...details(context),
    ...(log && { log }),
  });
}

async function idTokenOf(
  context: CommandContext,
  service: ServiceClient,
  fulcio: Fulcio,
): Promise<IdToken> {
  const { parseIdToken } = await import("../../sigstore/services/id-token.ts");
  const { oidcMode, oidcIDToken, oidcIssuerURL = "", oidcClientID = "", oidcClientSecret } = fulcio;
  if (oidcMode === "staticToken") return parseIdToken(oidcIDToken ?? "");
  const { signal, terminal } = context;
  const client = {
    id: oidcClientID,
    ...(oidcClientSecret !== undefined && { secret: oidcClientSecret }),
  };
  const tell = (line: string) => terminal.out(`${line}\n`);
  const { authenticating, discoverProvider } = await import(
    "../../sigstore/services/oidc-provider.ts"
  );
  return await authenticating(async () => {
    const now = () => new Date();
    const provider = await discoverProvider(service, oidcIssuerURL, now, signal);
    if (oidcMode === "deviceGrant") {
      const { tokenByDevice } = await import("../../sigstore/services/device-flow.ts");
      return await tokenByDevice(service, provider, { client, tell, signal });
    }
    const { tokenByBrowser } = await import("../../sigstore/services/browser-flow.ts");
    using prompt = new Prompt(terminal, signal);
    const ask = (question: string) => prompt.line(question);
    return await tokenByBrowser(service, provider, { client, tell, ask, openBrowser, signal });
  });
}

function bad(message: string): CliError {
  return new CliError("cli.bad-key", message);
}
