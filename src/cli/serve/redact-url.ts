/** Parameters that are signatures, tokens or passwords, whoever's: registries', and those of object stores' signed URLs. */
const secret =
  /^(?:.*(?:token|password|secret|signature|credential|authorization).*|sig|code|x-amz-.*|x-goog-.*|policy|key-pair-id)$/i;

/** A request target for the log: values of secret parameters are gone, and so is a user in front of a host. */
export function redactUrl(url: string): string {
  const plain = url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, "$1");
  const question = plain.indexOf("?");
  if (question < 0) return plain;
  const query = plain.slice(question + 1).split("&");
  return `${plain.slice(0, question)}?${query.map(redactPair).join("&")}`;
}

function redactPair(pair: string): string {
  const equals = pair.indexOf("=");
  const name = equals < 0 ? pair : pair.slice(0, equals);
  return equals >= 0 && secret.test(decoded(name)) ? `${name}=***` : pair;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
