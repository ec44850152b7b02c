import { describe, expect, it } from '@jest/globals';
import { createSteps } from './steps.ts';

interface Known {
  readonly stage: string;
  readonly client?: string;
  readonly code?: string;
}

class Coded extends Error {
  readonly code = 'expired';
}

const { step, failed, settled } = createSteps<Known>((error) => (error instanceof Coded ? { code: error.code } : {}));
const INITIAL: Known = { stage: 'initial' };
const fail = (error: Error) => () => {
  throw error;
};

describe('the steps of a grant', () => {
  it('give the result of the last where none fails', async () => {
    const outcome = await settled(INITIAL, async () => {
      const client = await step({ stage: 'client' }, () => 'bot');
      return step({ stage: 'token', client }, async () => `token of ${client}`);
    });
    expect(outcome).toEqual({ ok: true, value: 'token of bot' });
  });

  it('give the error of the step that failed, and what was known at that step', async () => {
    const error = new Error('not a token');
    const outcome = await settled(INITIAL, async () => {
      const client = await step({ stage: 'client' }, () => 'bot');
      await step({ stage: 'token', client }, fail(error));
    });
    expect(outcome).toEqual({ ok: false, error, known: { stage: 'token', client: 'bot' } });
  });

  it('keep what the innermost step knew', async () => {
    const error = new Error('not a token');
    const outcome = await settled(INITIAL, async () =>
      step({ stage: 'outer' }, async () => step({ stage: 'inner' }, fail(error))),
    );
    expect(outcome).toEqual({ ok: false, error, known: { stage: 'inner' } });
  });

  it('add what the error itself tells', async () => {
    const error = new Coded();
    const outcome = await settled(INITIAL, async () => step({ stage: 'token' }, fail(error)));
    expect(outcome).toEqual({ ok: false, error, known: { stage: 'token', code: 'expired' } });
  });

  it('take an error that was thrown for a step, and one that was thrown outside of any', async () => {
    const error = new Error('no');
    expect(
      await settled(INITIAL, async () => {
        throw failed({ stage: 'policy' }, error);
      }),
    ).toEqual({ ok: false, error, known: { stage: 'policy' } });
    expect(await settled(INITIAL, async () => Promise.reject(error))).toEqual({ ok: false, error, known: INITIAL });
  });

  it('take whatever is thrown', async () => {
    const outcome = await settled(INITIAL, async () => step({ stage: 'token' }, async () => Promise.reject('text')));
    expect(outcome).toEqual({ ok: false, error: 'text', known: { stage: 'token' } });
  });
});
