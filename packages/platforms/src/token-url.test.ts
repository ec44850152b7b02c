import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type Peer, startPeer } from '../../../test/support/peer.ts';
import { jwt } from '../test-support/jwt.ts';
import { AUDIENCE, failureOf, wrongAnswers } from '../test-support/wrong-answers.ts';
import { tokenUrl } from './token-url.ts';

const SECRET = 'canary-in-the-request';
const signal = new AbortController().signal;

let peer: Peer;
beforeEach(async () => {
  peer = await startPeer({});
});
afterEach(async () => peer.close());

it('sends the headers, and reads the text or the JSON field', async () => {
  const token = jwt();
  peer.route('/text', { body: `${token}\n` });
  peer.route('/json', { body: { data: { token } } });
  const headers = { 'x-secret': SECRET };
  const text = tokenUrl({ url: `${peer.origin}/text`, headers });
  const json = tokenUrl({ url: `${peer.origin}/json`, field: ['data', 'token'], headers });
  for (const source of [text, json]) {
    expect(await source.getToken({ audience: AUDIENCE, signal })).toBe(token);
    expect(source.audience).toBe('fixed');
    expect(await source.detect({ signal })).toEqual({ here: true });
  }
  expect(peer.requests.map((request) => request.headers['x-secret'])).toEqual([SECRET, SECRET]);
});

it('requests the audience if the URL has a place for it, and refuses a token for another one', async () => {
  peer.route('*', [{ body: jwt({ aud: AUDIENCE }) }, { body: jwt({ aud: 'https://other.example' }) }]);
  const source = tokenUrl({ url: `${peer.origin}/token?aud={audience}` });
  expect(source.audience).toBe('any');
  await source.getToken({ audience: AUDIENCE, signal });
  expect(peer.requests[0]?.query.get('aud')).toBe(AUDIENCE);
  const error = await failureOf(source.getToken({ audience: AUDIENCE, signal }));
  expect(error.message).toContain('requested audience');
});

it.each(wrongAnswers.filter(([, , says, requests]) => requests === undefined && !says.includes('requested audience')))(
  '%s: the error contains nothing of the answer, the query and the headers',
  async (_how, answer) => {
    peer.route('*', answer);
    const url = `${peer.origin}/token?key=${SECRET}`;
    const source = tokenUrl({ url, headers: { authorization: SECRET }, field: 'value', timeoutMs: 100 });
    const error = await failureOf(source.getToken({ audience: AUDIENCE, signal }));
    expect(error.code).toBe('credential_unavailable');
    expect(JSON.stringify(error)).not.toContain('canary');
  },
);

it.each([
  ['no URL', {}, 'url'],
  ['an empty URL', { url: ' ' }, 'url'],
  ['plain http', { url: `http://x.example/?key=${SECRET}` }, 'neither https nor on loopback'],
  ['a password', { url: `https://a:${SECRET}@x.example/` }, 'user name or password'],
  ['another scheme', { url: 'file:///etc/passwd' }, 'neither https nor on loopback'],
  ['an audience as host', { url: 'https://{audience}/token' }, 'name of the host'],
  ['a header that is not valid', { url: 'https://x.example', headers: { 'x-key': `${SECRET}\nx: y` } }, 'headers'],
  ['a misspelt option', { url: 'https://x.example', feild: 'x' }, 'feild'],
  ['a time limit of zero', { url: 'https://x.example', timeoutMs: 0 }, 'timeoutMs'],
])('refuses %s', async (_how, options, says) => {
  const make = async () => tokenUrl(options as { url: string });
  const error = await failureOf(make());
  expect(error).toMatchObject({ code: 'invalid_configuration', message: expect.stringContaining(says) });
  expect(JSON.stringify(error)).not.toContain(SECRET);
});
