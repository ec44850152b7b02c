import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { UnsecuredJWT } from 'jose';
import { hosts } from '../../test-support/hosts.ts';
import { never, refusalOf, testRuntime } from '../../test-support/runtime.ts';
import { clientAssertion } from '../credentials/client-assertion.ts';
import { Directory } from '../discovery/directory.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { SubjectTokens } from '../flows/subject-tokens.ts';
import type { WorkloadTokenSource } from '../workload/workload-token-source.ts';
import { fromWorkloadToken } from './from-workload-token.ts';

const START_S = 1_800_000_000;
const TARGET = { issuer: 'https://idp.example', tokenEndpoint: async () => 'https://idp.example/token' };

/** A JWT whose signature has a text, as the JWTs of platforms do. */
function jwt(claims: Record<string, unknown>): string {
  return `${new UnsecuredJWT(claims).encode()}c2lnbmF0dXJl`;
}

function platform(issue: (audience: string, count: number) => string, local = false) {
  const audiences: string[] = [];
  const source: WorkloadTokenSource = {
    platform: 'test',
    audience: 'any',
    renewable: true,
    local,
    claims: { iss: 'https://platform.example', sub: 'job' },
    getToken: async ({ audience }) => {
      audiences.push(audience);
      return issue(audience, audiences.length);
    },
  };
  return { source, audiences };
}

/** The subject tokens of a principal whose clock the test sets. */
function subjectTokens() {
  let nowMs = START_S * 1_000;
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const runtime = testRuntime({ fetch: hosts({}).fetch, clock });
  const tokens = new SubjectTokens(runtime, undefined, new Directory(runtime));
  return { tokens, advanceSeconds: (seconds: number) => void (nowMs += seconds * 1_000) };
}

describe('the token of a platform', () => {
  it('is requested for the issuer of the party that it is sent to, and cached for each of them', async () => {
    const { source, audiences } = platform((audience, count) => jwt({ aud: audience, jti: count, exp: START_S + 600 }));
    const { tokens } = subjectTokens();
    const subject = fromWorkloadToken(source);
    const other = { issuer: 'https://as.example', tokenEndpoint: async () => 'https://as.example/token' };
    const [first, second] = await Promise.all([tokens.get(subject, TARGET, never), tokens.get(subject, other, never)]);
    expect(first.value).not.toBe(second.value);
    expect((await tokens.get(subject, TARGET, never)).value).toBe(first.value);
    expect(audiences).toEqual(['https://idp.example', 'https://as.example']);
  });

  it.each([
    ['token-endpoint', 'https://idp.example/token'],
    ['api://own', 'api://own'],
  ])('has the configured audience (%s)', async (audience, expected) => {
    const { source, audiences } = platform(() => jwt({ exp: START_S + 600 }));
    await subjectTokens().tokens.get(fromWorkloadToken(source, { audience }), TARGET, never);
    expect(audiences).toEqual([expected]);
  });

  it('is read again after a minute if it is local, and the last one stays if that fails', async () => {
    let failing = false;
    const { source, audiences } = platform((_audience, count) => {
      if (failing)
        throw new CredenceError({
          code: 'credential_unavailable',
          leg: 'configure',
          message: 'gone',
          remedy: 'wait',
          contact: 'you',
        });
      return jwt({ jti: count, exp: START_S + 600 });
    }, true);
    const { tokens, advanceSeconds } = subjectTokens();
    const subject = fromWorkloadToken(source);
    const get = async () => (await tokens.get(subject, TARGET, never)).value;
    const first = await get();
    advanceSeconds(59);
    expect(await get()).toBe(first);
    expect(audiences).toHaveLength(1);
    advanceSeconds(2);
    const second = await get();
    expect(second).not.toBe(first);
    failing = true;
    advanceSeconds(61);
    expect(await get()).toBe(second);
    expect(audiences).toHaveLength(3);
    advanceSeconds(480);
    const limited = tokens.get(subject, TARGET, AbortSignal.timeout(60));
    expect(await refusalOf(limited)).toMatchObject({ code: 'credential_unavailable', message: 'gone' });
  });

  it('that the platform serves again is used to its end, with a pause between the requests', async () => {
    const only = jwt({ exp: START_S + 600 });
    const { source, audiences } = platform(() => only);
    const { tokens, advanceSeconds } = subjectTokens();
    const subject = fromWorkloadToken(source);
    for (let second = 0; second < 600; second += 1) {
      expect((await tokens.get(subject, TARGET, never)).value).toBe(only);
      advanceSeconds(1);
    }
    expect(audiences.length).toBeLessThan(8);
  });

  it.each([
    ['is not a JWT', () => 'hello secret', 'is not a JWT'],
    ['is empty', () => ' ', 'is not a JWT'],
    ['has expired', () => jwt({ exp: START_S - 1 }), 'expired at 2027-01-15T07:59:59.000Z'],
    ['has an exp that is no number', () => jwt({ exp: 'soon' }), 'The claim exp'],
    ['is too long', () => jwt({ x: 'y'.repeat(70_000) }), 'too long'],
  ])('is refused if it %s, and the error contains nothing of it', async (_problem, issue, message) => {
    const { tokens } = subjectTokens();
    const error = await refusalOf(tokens.get(fromWorkloadToken(platform(issue).source), TARGET, never));
    expect(error).toMatchObject({ code: 'credential_unavailable', leg: 'configure', contact: 'you' });
    expect(error.message).toContain(message);
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  it('is not in the error if the source fails', async () => {
    const { source } = platform(() => {
      throw new Error('s3cret in the message');
    });
    const error = await refusalOf(subjectTokens().tokens.get(fromWorkloadToken(source), TARGET, never));
    expect(error).toMatchObject({ code: 'credential_unavailable' });
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });
});

describe('the token of a platform as client assertion', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: START_S * 1_000 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is requested for the issuer, and used until it is due for renewal', async () => {
    const { source, audiences } = platform((_audience, count) =>
      jwt({ jti: count, exp: Math.floor(Date.now() / 1_000) + 600 }),
    );
    const credential = clientAssertion({ clientId: 'bot', assertion: source });
    const sent = async () => {
      const body = new URLSearchParams();
      const [issuer, tokenEndpoint] = [TARGET.issuer, await TARGET.tokenEndpoint()];
      await credential.authenticate({ issuer, tokenEndpoint, body, headers: new Headers(), nowMs: Date.now() });
      return body.get('client_assertion');
    };
    const first = await sent();
    expect(await sent()).toBe(first);
    jest.advanceTimersByTime(580_000);
    expect(await sent()).not.toBe(first);
    expect(audiences).toEqual(['https://idp.example', 'https://idp.example']);
  });
});
