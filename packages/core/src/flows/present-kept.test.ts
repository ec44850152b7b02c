import { describe, expect, it } from '@jest/globals';
import { presentKept, SingleUse } from './present-kept.ts';

const REFUSED = new Error('refused');
const UNREACHABLE = new Error('unreachable');

function world(options: { answers: readonly (Error | 'ok')[]; kept?: string; attempts?: number }) {
  let nowMs = 1_000_000;
  const singleUse = new SingleUse({ wallMs: () => nowMs, monotonicMs: () => nowMs });
  const log: string[] = [];
  const answers = [...options.answers];
  let { kept } = options;
  let obtained = 0;
  const run = async () =>
    presentKept<string, string>(singleUse, {
      async get() {
        if (kept !== undefined) return { value: kept, reused: true };
        obtained += 1;
        kept = `new-${obtained}`;
        return { value: kept, reused: false };
      },
      async drop(token) {
        log.push(`drop ${token}`);
        if (kept === token) kept = undefined;
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

describe('presentKept', () => {
  it('sends the kept token, and keeps it if it is accepted', async () => {
    const { run, log, singleUse } = world({ kept: 'kept', answers: ['ok'] });
    expect(await run()).toBe('answer to kept');
    expect(log).toEqual(['present kept']);
    expect(singleUse.isKnown()).toBe(false);
  });

  it('sends one new token if the kept one is refused, and remembers that the peer accepts each token once', async () => {
    const { run, log, singleUse } = world({ kept: 'kept', answers: [REFUSED, 'ok'] });
    expect(await run()).toBe('answer to new-1');
    expect(log).toEqual(['present kept', 'drop kept', 'present new-1', 'drop new-1']);
    expect(singleUse.isKnown()).toBe(true);
  });

  it('throws the refusal of the new token, and does not remember that the peer accepts each token once', async () => {
    const { run, log, singleUse } = world({ kept: 'kept', answers: [REFUSED, REFUSED] });
    await expect(run()).rejects.toBe(REFUSED);
    expect(log).toEqual(['present kept', 'drop kept', 'present new-1', 'refused when new: new-1']);
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

  it('throws any other error unchanged, and keeps the token', async () => {
    const { run, log } = world({ kept: 'kept', answers: [UNREACHABLE] });
    await expect(run()).rejects.toBe(UNREACHABLE);
    expect(log).toEqual(['present kept']);
  });

  it('throws any other error of the new token unchanged', async () => {
    const { run, log } = world({ kept: 'kept', answers: [REFUSED, UNREACHABLE] });
    await expect(run()).rejects.toBe(UNREACHABLE);
    expect(log).toEqual(['present kept', 'drop kept', 'present new-1']);
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
