import { describe, expect, it } from '@jest/globals';
import { createAuditedSteps } from './steps.ts';

interface Facts {
  readonly stage: string;
  readonly client?: string;
  readonly code?: string;
}

class CodedError extends Error {
  readonly code = 'expired';
}

const { step, stepError, run } = createAuditedSteps<Facts>((error) =>
  error instanceof CodedError ? { code: error.code } : {},
);
const INITIAL: Facts = { stage: 'initial' };
const throwing = (error: Error) => () => {
  throw error;
};

describe('the steps of a grant', () => {
  it('return the result of the last step if no step fails', async () => {
    const outcome = await run(INITIAL, async () => {
      const client = await step({ stage: 'client' }, () => 'bot');
      return step({ stage: 'token', client }, async () => `token of ${client}`);
    });
    expect(outcome).toEqual({ ok: true, value: 'token of bot' });
  });

  it('return the error and the facts of the step that failed', async () => {
    const error = new Error('not a token');
    const outcome = await run(INITIAL, async () => {
      const client = await step({ stage: 'client' }, () => 'bot');
      await step({ stage: 'token', client }, throwing(error));
    });
    expect(outcome).toEqual({ ok: false, error, facts: { stage: 'token', client: 'bot' } });
  });

  it('return the facts of the inner step if a nested step fails', async () => {
    const error = new Error('not a token');
    const outcome = await run(INITIAL, async () =>
      step({ stage: 'outer' }, async () => step({ stage: 'inner' }, throwing(error))),
    );
    expect(outcome).toEqual({ ok: false, error, facts: { stage: 'inner' } });
  });

  it('add the facts that the error itself contains', async () => {
    const error = new CodedError();
    const outcome = await run(INITIAL, async () => step({ stage: 'token' }, throwing(error)));
    expect(outcome).toEqual({ ok: false, error, facts: { stage: 'token', code: 'expired' } });
  });

  it('return the facts of a thrown stepError, and the initial facts for an error outside of any step', async () => {
    const error = new Error('no');
    expect(
      await run(INITIAL, async () => {
        throw stepError({ stage: 'policy' }, error);
      }),
    ).toEqual({ ok: false, error, facts: { stage: 'policy' } });
    expect(await run(INITIAL, async () => Promise.reject(error))).toEqual({ ok: false, error, facts: INITIAL });
  });

  it('return a thrown value that is not an Error', async () => {
    const outcome = await run(INITIAL, async () => step({ stage: 'token' }, async () => Promise.reject('text')));
    expect(outcome).toEqual({ ok: false, error: 'text', facts: { stage: 'token' } });
  });
});
