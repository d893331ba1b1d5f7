/** What an image runs on — OCI image-spec, image-index.md § platform. */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  readonly features?: readonly string[];
}
