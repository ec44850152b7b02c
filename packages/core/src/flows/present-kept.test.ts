import { describe, expect, it } from '@jest/globals';
import { presentKept, SingleUse } from './present-kept.ts';

const REFUSED = new Error('refused');
const AWAY = new Error('away');

function world(options: { answers: readonly (Error | 'ok')[]; kept?: string; attempts?: number }) {
  let nowMs = 1_000_000;
  const singleUse = new SingleUse({ wallMs: () => nowMs, monotonicMs: () => nowMs });
  const log: string[] = [];
  const answers = [...options.answers];
  let { kept } = options;
  let made = 0;
  const run = async () =>
    presentKept<string, string>(singleUse, {
      async get() {
        if (kept !== undefined) return { value: kept, reused: true };
        made += 1;
        kept = `new-${made}`;
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
  return { run, log, singleUse, pass: (ms: number) => void (nowMs += ms) };
}

describe('presentKept', () => {
  it('presents the kept token, and keeps it where it is accepted', async () => {
    const { run, log, singleUse } = world({ kept: 'kept', answers: ['ok'] });
    expect(await run()).toBe('answer to kept');
    expect(log).toEqual(['present kept']);
    expect(singleUse.isKnown()).toBe(false);
  });

  it('presents one new token where the kept one is refused, and then remembers that each is accepted once', async () => {
    const { run, log, singleUse } = world({ kept: 'kept', answers: [REFUSED, 'ok'] });
    expect(await run()).toBe('answer to new-1');
    expect(log).toEqual(['present kept', 'drop kept', 'present new-1', 'drop new-1']);
    expect(singleUse.isKnown()).toBe(true);
  });

  it('throws the refusal of the new token, and remembers nothing of the peer', async () => {
    const { run, log, singleUse } = world({ kept: 'kept', answers: [REFUSED, REFUSED] });
    await expect(run()).rejects.toBe(REFUSED);
    expect(log).toEqual(['present kept', 'drop kept', 'present new-1', 'refused when new: new-1']);
    expect(singleUse.isKnown()).toBe(false);
  });

  it('throws the refusal of a token that is new, without a second one', async () => {
    const { run, log } = world({ answers: [REFUSED] });
    await expect(run()).rejects.toBe(REFUSED);
    expect(log).toEqual(['present new-1', 'refused when new: new-1']);
  });

  it('presents a second new token where the first was sent twice, because the first answer was lost', async () => {
    const { run, log, singleUse } = world({ answers: [REFUSED, 'ok'], attempts: 2 });
    expect(await run()).toBe('answer to new-2');
    expect(log).toEqual(['present new-1', 'drop new-1', 'present new-2']);
    // a lost answer says nothing about the next kept token
    expect(singleUse.isKnown()).toBe(false);
  });

  it('throws any other error as it is, and keeps the token', async () => {
    const { run, log } = world({ kept: 'kept', answers: [AWAY] });
    await expect(run()).rejects.toBe(AWAY);
    expect(log).toEqual(['present kept']);
  });

  it('throws any other error of the new token as it is', async () => {
    const { run, log } = world({ kept: 'kept', answers: [REFUSED, AWAY] });
    await expect(run()).rejects.toBe(AWAY);
    expect(log).toEqual(['present kept', 'drop kept', 'present new-1']);
  });
});

describe('SingleUse', () => {
  it('is known for an hour after it was remembered', () => {
    const { singleUse, pass } = world({ answers: [] });
    expect(singleUse.isKnown()).toBe(false);
    singleUse.remember();
    pass(3_599_999);
    expect(singleUse.isKnown()).toBe(true);
    pass(1);
    expect(singleUse.isKnown()).toBe(false);
  });
});
