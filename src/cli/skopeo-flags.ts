/**
 * Every command of skopeo 1.22 and its flags, the hidden ones too: what `compat` measures our own tables by. A flag is
 * followed by its shorthand where it has one. The global flags stand under the empty name.
 */
export const skopeoFlags: Readonly<Record<string, readonly string[]>> = {
  "": words(
    "command-timeout debug help,h insecure-policy override-arch override-os override-variant policy registries-conf registries.d tls-verify tmpdir user-agent-prefix version,v",
  ),
  completion: words("help,h"),
  copy: words(
    "additional-tag all,a authfile dcreds decryption-key dest-authfile dest-cert-dir dest-compress dest-compress-format dest-compress-level dest-creds dest-daemon-host dest-decompress dest-force-compress-format dest-no-creds dest-oci-accept-uncompressed-layers dest-password dest-precompute-digests dest-registry-token dest-shared-blob-dir dest-tls-verify dest-username digestfile encrypt-layer encryption-key format,f help,h image-parallel-copies multi-arch preserve-digests quiet,q remove-signatures retry-delay retry-times screds sign-by sign-by-sigstore sign-by-sigstore-private-key sign-by-sq-fingerprint sign-identity sign-passphrase-file src-authfile src-cert-dir src-creds src-daemon-host src-no-creds src-password src-registry-token src-shared-blob-dir src-tls-verify src-username tls-verify",
  ),
  delete: words(
    "authfile cert-dir creds daemon-host help,h no-creds password registry-token retry-delay retry-times shared-blob-dir tls-verify username",
  ),
  "experimental-image-proxy": words(
    "authfile cert-dir creds daemon-host help,h no-creds password registry-token shared-blob-dir sockfd tls-verify username",
  ),
  "generate-sigstore-key": words("help,h output-prefix passphrase-file"),
  help: words("help,h"),
  inspect: words(
    "authfile cert-dir config creds daemon-host format,f help,h no-creds no-tags,n password raw registry-token retry-delay retry-times shared-blob-dir tls-verify username",
  ),
  layers: words(
    "authfile cert-dir creds daemon-host help,h no-creds password registry-token retry-delay retry-times shared-blob-dir tls-verify username",
  ),
  "list-tags": words(
    "authfile cert-dir creds help,h no-creds password registry-token retry-delay retry-times tls-verify username",
  ),
  login: words(
    "authfile cert-dir compat-auth-file get-login help,h password,p password-stdin tls-verify username,u verbose,v",
  ),
  logout: words("all,a authfile compat-auth-file help,h tls-verify"),
  "manifest-digest": words("help,h"),
  "standalone-sign": words("help,h output,o passphrase-file"),
  "standalone-verify": words("help,h public-key-file"),
  sync: words(
    "all,a append-suffix authfile dcreds dest,d dest-authfile dest-cert-dir dest-creds dest-no-creds dest-password dest-registry-token dest-tls-verify dest-username digestfile dry-run format,f help,h keep-going preserve-digests remove-signatures retry-delay retry-times scoped screds sign-by sign-by-sigstore sign-by-sigstore-private-key sign-by-sq-fingerprint sign-passphrase-file src,s src-authfile src-cert-dir src-creds src-no-creds src-password src-registry-token src-tls-verify src-username tls-verify",
  ),
  "untrusted-signature-dump-without-verification": words("help,h"),
};

function words(text: string): readonly string[] {
  return text.split(" ");
}
