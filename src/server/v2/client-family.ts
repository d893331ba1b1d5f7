/**
 * Whether a client is of those that print why a manifest is refused only where HEAD of it had passed: they ask by HEAD
 * first, an answer to which has no text, and say no more than its status where it is refused.
 */
export function printsOnlyAfterHead(userAgent: string | undefined): boolean {
  return userAgent !== undefined && families.test(userAgent);
}

const families =
  /(?:^|[ (/])(?:containerd|containerd-client|buildkit|buildkitd|nerdctl|k3s|rke2|cri)\b/i;
