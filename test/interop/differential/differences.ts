/** A way in which skopeo 1.22, which we follow, differs from Debian 12's 1.9. */
export interface Difference {
  readonly reason: string;
  /** The cases it shows in, by name. */
  readonly cases: RegExp;
}

/** Every row of `test/fixtures/skopeo/1.22.json` is explained by one of these, and each of these explains a row. */
export const differences: readonly Difference[] = [];
