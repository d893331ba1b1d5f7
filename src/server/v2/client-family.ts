/**
 * Whether a client is of those that print why a manifest is refused only where HEAD of it had passed: containerd and what
 * is built on its resolver, such as Docker where containerd keeps its images. They ask by HEAD first, the answer to which
 * has no text, and where that is refused they ask no more.
 *
 * Seen with containerd 1.6. Docker 20.10 and crane 0.20 ask again by GET where HEAD fails; skopeo, podman, buildah and
 * oras ask by GET alone.
 */
export function printsOnlyAfterHead(userAgent: string | undefined): boolean {
  return userAgent !== undefined && families.test(userAgent);
}

const families = /(?:^|[ (/])(?:containerd|buildkitd?|nerdctl|k3s|rke2)\b/i;
