import { describe, expect, it } from '@jest/globals';
import { withFreshRetry, SingleUse } from './fresh-retry.ts';

const REFUSED = new Error('refused');
const UNREACHABLE = new Error('unreachable');

function world(options: { answers: readonly (Error | 'ok')[]; cached?: string; attempts?: number }) {
  let nowMs = 1_000_000;
  const singleUse = new SingleUse({ wallMs: () => nowMs, monotonicMs: () => nowMs });
  const log: string[] = [];
  const answers = [...options.answers];
  let { cached } = options;
  let obtained = 0;
  const run = async () =>
    withFreshRetry<string, string>(singleUse, {
      async get() {
        if (cached !== undefined) return { value: cached, reused: true };
        obtained += 1;
        cached = `new-${obtained}`;
        return { value: cached, reused: false };
      },
      async drop(token) {
        log.push(`drop ${token}`);
        if (cached === token) cached = undefined;
      },
      async present(token, onAttempt) {
        log.push(`present ${token}`);
        for (let attempt = 1; attempt <= (options.attempts ?? 1); attempt += 1) onAttempt(attempt);
        const answer = answers.shift() ?? 'ok';
        if (answer !== 'ok') throw answer;
        return `answer to ${token}`;
      },
      isRefused: (error) => error === REFUSED,
      refusedWhenNew: (token) => void log.push(`refused when new: ${token}`),
    });
  return { run, log, singleUse, advanceClock: (ms: number) => void (nowMs += ms) };
}

describe('withFreshRetry', () => {
  it('sends the cached token, and leaves it in the cache if it is accepted', async () => {
    const { run, log, singleUse } = world({ cached: 'cached', answers: ['ok'] });
    expect(await run()).toBe('answer to cached');
    expect(log).toEqual(['present cached']);
    expect(singleUse.isKnown()).toBe(false);
  });

  it('sends one new token if the cached one is refused, and remembers that the peer accepts each token once', async () => {
    const { run, log, singleUse } = world({ cached: 'cached', answers: [REFUSED, 'ok'] });
    expect(await run()).toBe('answer to new-1');
    expect(log).toEqual(['present cached', 'drop cached', 'present new-1', 'drop new-1']);
    expect(singleUse.isKnown()).toBe(true);
  });

  it('throws the refusal of the new token, and does not remember that the peer accepts each token once', async () => {
    const { run, log, singleUse } = world({ cached: 'cached', answers: [REFUSED, REFUSED] });
    await expect(run()).rejects.toBe(REFUSED);
    expect(log).toEqual(['present cached', 'drop cached', 'present new-1', 'refused when new: new-1']);
    expect(singleUse.isKnown()).toBe(false);
  });

  it('throws the refusal if the first token was new, without sending a second token', async () => {
    const { run, log } = world({ answers: [REFUSED] });
    await expect(run()).rejects.toBe(REFUSED);
    expect(log).toEqual(['present new-1', 'refused when new: new-1']);
  });

  it('sends a second new token if the first was sent twice, because the first response may have been lost', async () => {
    const { run, log, singleUse } = world({ answers: [REFUSED, 'ok'], attempts: 2 });
    expect(await run()).toBe('answer to new-2');
    expect(log).toEqual(['present new-1', 'drop new-1', 'present new-2']);
    // A lost response does not show that the peer accepts each token once.
    expect(singleUse.isKnown()).toBe(false);
  });

  it('throws any other error unchanged, and leaves the token in the cache', async () => {
    const { run, log } = world({ cached: 'cached', answers: [UNREACHABLE] });
    await expect(run()).rejects.toBe(UNREACHABLE);
    expect(log).toEqual(['present cached']);
  });

  it('throws any other error of the new token unchanged', async () => {
    const { run, log } = world({ cached: 'cached', answers: [REFUSED, UNREACHABLE] });
    await expect(run()).rejects.toBe(UNREACHABLE);
    expect(log).toEqual(['present cached', 'drop cached', 'present new-1']);
  });
});

describe('SingleUse', () => {
  it('is known for an hour after it was remembered', () => {
    const { singleUse, advanceClock } = world({ answers: [] });
    expect(singleUse.isKnown()).toBe(false);
    singleUse.remember();
    advanceClock(3_599_999);
    expect(singleUse.isKnown()).toBe(true);
    advanceClock(1);
    expect(singleUse.isKnown()).toBe(false);
  });
});
