/** A text that two requirements, or lists of them, share if and only if they ask for the same. */
export function comparableText(requirements: unknown): string {
  return JSON.stringify(requirements, (_, part: unknown) =>
    part instanceof Uint8Array ? Buffer.from(part).toString("base64") : part,
  );
}
