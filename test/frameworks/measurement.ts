/** The text of an error that the user of a framework gets, or `ok`. */
export type Outcome = string;

/** What a framework did in the sandbox, for one way to give a bot to it. If it did not connect, there is nothing about calls. */
export interface Measurement extends Partial<MeasuredCalls> {
  readonly package: string;
  readonly version: string;
  readonly passes: string;
  /** Of a connection to a server that is granted. */
  readonly connect: Outcome;
  /** Of a connection to a server that is not granted. */
  readonly refused: Outcome;
}

export interface MeasuredCalls {
  readonly first: Outcome;
  /** Twenty calls at the same time after the token was revoked. */
  readonly afterRevocation: readonly Outcome[];
  /** Twenty calls at the same time, while the token is revoked. */
  readonly aroundRevocation: readonly Outcome[];
  /** The token requests of both. */
  readonly newTokens: number;
  /** A call for which the server asks for another scope, which the configuration allows. */
  readonly stepUp: Outcome;
  /** A call after the server has lost its sessions, and the next one. */
  readonly lostSession: Outcome;
  readonly lostSessionAgain: Outcome;
}

/** Runs a function. Returns the text of its error as a framework's user sees it, or `ok`. */
export async function attempt(run: () => Promise<unknown>): Promise<Outcome> {
  try {
    await run();
    return 'ok';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
