const secretParameter =
  /^(x-amz-.*|x-goog-.*|sig|signature|token|access_token|refresh_token|password|code|key-pair-id|policy|awsaccesskeyid|googleaccessid|x-ms-.*|se|sp|sv|sr)$/i;

/** A URL for messages and logs: no user info, and secrets of presigned URLs replaced by `REDACTED`. */
export function redactedUrl(url: URL): string {
  if (url.search === "" && url.username === "" && url.password === "") return url.href;
  const shown = new URL(url);
  if (shown.username !== "" || shown.password !== "") {
    shown.username = "";
    shown.password = "";
  }
  for (const name of new Set(shown.searchParams.keys())) {
    if (secretParameter.test(name)) shown.searchParams.set(name, "REDACTED");
  }
  return shown.href;
}
