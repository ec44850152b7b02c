import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type DeadOrigin, holdDeadOrigin } from '../../../test/support/dead-origin.ts';
import { type Peer, silence, startPeer } from '../../../test/support/peer.ts';
import { jwt } from '../test-support/jwt.ts';
import { AUDIENCE, BODY_SECRET, failureOf, good, wrongAnswers } from '../test-support/wrong-answers.ts';
import { githubActions } from './github-actions.ts';

const SECRET = 'canary-request-token';
const signal = new AbortController().signal;

let peer: Peer;
let dead: DeadOrigin;
beforeEach(async () => {
  peer = await startPeer({});
  dead = await holdDeadOrigin();
});
afterEach(async () => {
  await Promise.all([peer.close(), dead.close()]);
});

/** The environment of a job with `id-token: write`. */
const job = (origin: string) => ({
  GITHUB_ACTIONS: 'true',
  ACTIONS_ID_TOKEN_REQUEST_URL: `${origin}/12/idtoken/ab/cd?api-version=2.0`,
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: SECRET,
});

it('the token is requested for the audience, with the token of the job', async () => {
  const token = good();
  peer.route('*', { body: { count: 1, value: token } });
  const source = githubActions({ env: job(peer.origin) });
  expect(await source.getToken({ audience: AUDIENCE, signal })).toBe(token);
  const [request] = peer.requests;
  expect(request?.method).toBe('GET');
  expect([...(request?.query ?? [])]).toEqual([
    ['api-version', '2.0'],
    ['audience', AUDIENCE],
  ]);
  expect(request?.headers.authorization).toBe(`Bearer ${SECRET}`);
  expect(source).toMatchObject({ audience: 'any', renewable: true, local: false });
  expect(source.claims.sub).toContain('repo:OWNER@OWNER-ID/REPO@REPO-ID');
  expect(source.forks).toContain('gets no token');
});

it.each([
  ['with a byte order mark and line breaks around it', (token: string) => `\uFEFF\r\n ${token}\n`],
  ['with several audiences', () => jwt({ aud: ['x', AUDIENCE] })],
])('a token %s is accepted', async (_how, wrapped) => {
  peer.route('*', { body: { value: wrapped(good()) } });
  const token = await githubActions({ env: job(peer.origin) }).getToken({ audience: AUDIENCE, signal });
  expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/u);
});

describe('a platform that answers wrongly', () => {
  it.each(wrongAnswers)('%s: the error says so, without the secrets', async (_how, answer, says, requests = 1) => {
    peer.route('*', answer);
    const source = githubActions({ env: job(peer.origin), timeoutMs: 200 });
    const error = await failureOf(source.getToken({ audience: AUDIENCE, signal }));
    expect(error).toMatchObject({ code: 'credential_unavailable', leg: 'configure', contact: 'you' });
    expect(error.message).toContain(says);
    const text = `${JSON.stringify(error)} ${String(error.stack)} ${String(error.cause)}`;
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(BODY_SECRET);
    expect(text).not.toContain('eyJ');
    expect(peer.requests).toHaveLength(requests);
  });

  it('a connection that is refused is tried three times', async () => {
    const error = await failureOf(githubActions({ env: job(dead.origin) }).getToken({ audience: AUDIENCE, signal }));
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('an error that passes is not the end', async () => {
    const token = good();
    peer.route('*', [{ status: 503 }, { body: { value: token } }]);
    expect(await githubActions({ env: job(peer.origin) }).getToken({ audience: AUDIENCE, signal })).toBe(token);
  });

  it('a 403 names the permission', async () => {
    peer.route('*', { status: 403 });
    const error = await failureOf(githubActions({ env: job(peer.origin) }).getToken({ audience: AUDIENCE, signal }));
    expect(error).toMatchObject({ status: 403 });
    expect(error.remedy).toContain('id-token: write');
  });

  it('a caller that aborts ends the request', async () => {
    peer.route('*', silence());
    const source = githubActions({ env: job(peer.origin) });
    const limited = source.getToken({ audience: AUDIENCE, signal: AbortSignal.timeout(30) });
    await expect(limited).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('detect', () => {
  const detect = async (env: Record<string, string | undefined>) => githubActions({ env }).detect({ signal });

  it('sends nothing', async () => {
    expect(await detect(job(peer.origin))).toEqual({ here: true });
    expect(peer.requests).toHaveLength(0);
  });

  it.each([[{}], [{ GITHUB_ACTIONS: 'false' }], [{ GITHUB_ACTIONS: '' }], [{ GITLAB_CI: 'true' }]])(
    'says that the job is elsewhere: %j',
    async (env) => {
      expect(await detect(env)).toMatchObject({ here: false, why: expect.stringContaining('GITHUB_ACTIONS') });
    },
  );

  it.each([
    [
      'no permission',
      { GITHUB_ACTIONS: 'true' },
      'ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not set',
    ],
    ['no URL', { ACTIONS_ID_TOKEN_REQUEST_TOKEN: SECRET }, 'ACTIONS_ID_TOKEN_REQUEST_URL is not set'],
    ['no token', { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x.example/?a' }, 'ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set'],
    [
      'an empty token',
      { ...job('https://x.example'), ACTIONS_ID_TOKEN_REQUEST_TOKEN: ' ' },
      'REQUEST_TOKEN is not set',
    ],
    ['plain http', job('http://x.example'), 'neither https nor on loopback'],
    ['no URL but a text', { ...job(''), ACTIONS_ID_TOKEN_REQUEST_URL: 'x y' }, 'neither https nor on loopback'],
    ['a password in the URL', job('https://a:b@x.example'), 'contains a user name'],
  ])('refuses a job that is half configured: %s', async (_how, env, says) => {
    const error = await failureOf(detect(env));
    expect(error).toMatchObject({ code: 'invalid_configuration', remedy: expect.stringContaining('id-token: write') });
    expect(error.message).toContain(says);
    expect(JSON.stringify(error)).not.toContain(SECRET);
    await failureOf(githubActions({ env }).getToken({ audience: AUDIENCE, signal }));
  });
});
