/** The steps of a grant: each is given what is known so far, and an error carries it to the audit record. */
export interface Steps<Known extends object> {
  /** Runs one step. What it throws is thrown with `known`; an error that a step inside of it threw keeps its own. */
  readonly step: <T>(known: Known, work: () => T | Promise<T>) => Promise<T>;
  /** The error of a step that failed, to be thrown. */
  readonly failed: (known: Known, error: unknown) => Error;
  /** Runs all steps: their result, or the error of the step that failed and what was known; `initial` outside of any step. */
  readonly settled: <T>(initial: Known, work: () => Promise<T>) => Promise<Settled<Known, T>>;
}

/** What the steps of one request came to. */
export type Settled<Known, T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown; readonly known: Known };

/** The steps of one kind of grant. `learnt` says what an error adds to what is known. */
export function createSteps<Known extends object>(
  learnt: (error: unknown) => Partial<Known> = () => ({}),
): Steps<Known> {
  class FailedStep extends Error {
    override readonly name = 'FailedStep';
    readonly known: Known;
    readonly error: unknown;

    constructor(known: Known, error: unknown) {
      super('a step of a grant failed');
      this.known = known;
      this.error = error;
    }
  }

  const failed = (known: Known, error: unknown): Error =>
    error instanceof FailedStep ? error : new FailedStep({ ...known, ...learnt(error) }, error);

  return {
    failed,
    async step(known, work) {
      try {
        return await work();
      } catch (error) {
        throw failed(known, error);
      }
    },
    async settled(initial, work) {
      try {
        return { ok: true, value: await work() };
      } catch (thrown) {
        const { error, known } = thrown instanceof FailedStep ? thrown : new FailedStep(initial, thrown);
        return { ok: false, error, known };
      }
    },
  };
}
