import type { Session } from "./api.ts";

/** What is shown below the head: built for one address, ended when another is gone to. */
export interface View {
  readonly title: string;
  readonly element: HTMLElement;
  /** Ends what goes on in it. */
  readonly end?: () => void;
}

/** What views are given. */
export interface ViewContext {
  readonly session: Session;
  /** What the address holds behind the view's name. */
  readonly argument: string;
  /** Goes to another view: `jobs/ID`. */
  go(where: string): void;
}

/** Builds a view. @throws {ApiFailure} */
export type MakeView = (context: ViewContext) => Promise<View>;
