/**
 * Runs a grant in steps, so that the audit record of a refused request contains the facts that were known when a step failed.
 * `Facts` are members of the audit record.
 */
export interface AuditedSteps<Facts extends object> {
  /** Runs one step. If it throws, `facts` are attached to the error, unless an inner step has already attached its facts. */
  readonly step: <T>(facts: Facts, work: () => T | Promise<T>) => Promise<T>;
  /** Returns an error with `facts` attached. For a step that fails without throwing. */
  readonly stepError: (facts: Facts, error: unknown) => Error;
  /** Runs `work`, which contains all steps, and does not throw. `initialFacts` are the facts of an error outside of any step. */
  readonly run: <T>(initialFacts: Facts, work: () => Promise<T>) => Promise<StepsOutcome<Facts, T>>;
}

/** The result of all steps of one request, or the original error with the facts of the step that failed. */
export type StepsOutcome<Facts, T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown; readonly facts: Facts };

/** Creates the steps for one kind of grant. `factsOfError` returns facts that an error itself contains. */
export function createAuditedSteps<Facts extends object>(
  factsOfError: (error: unknown) => Partial<Facts> = () => ({}),
): AuditedSteps<Facts> {
  class FailedStep extends Error {
    override readonly name = 'FailedStep';
    readonly facts: Facts;
    readonly error: unknown;

    constructor(facts: Facts, error: unknown) {
      super('a step of a grant failed');
      this.facts = facts;
      this.error = error;
    }
  }

  const stepError = (facts: Facts, error: unknown): Error =>
    error instanceof FailedStep ? error : new FailedStep({ ...facts, ...factsOfError(error) }, error);

  return {
    stepError,
    async step(facts, work) {
      try {
        return await work();
      } catch (error) {
        throw stepError(facts, error);
      }
    },
    async run(initialFacts, work) {
      try {
        return { ok: true, value: await work() };
      } catch (thrown) {
        const { error, facts } = thrown instanceof FailedStep ? thrown : new FailedStep(initialFacts, thrown);
        return { ok: false, error, facts };
      }
    },
  };
}
