import { afterEach, describe, expect, it } from '@jest/globals';
import { mcpAnswer } from '../../../../test/support/mcp-answer.ts';
import { type OAuthWorld, say } from '../../../../test/support/oauth-world.ts';
import { endless, hangUp, type PeerAnswer, silence, startPeer } from '../../../../test/support/peer.ts';
import { startBot } from '../../test-support/bot.ts';
import type { ErrorCode } from '../errors/codes.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(requestMs: number) {
  const server = await startPeer({ 'POST /mcp': mcpAnswer() });
  closers.push(async () => server.close());
  const bot = await startBot({
    server: { url: `${server.origin}/mcp` },
    principal: { retry: { retries: 0 }, timeout: { requestMs } },
  });
  closers.push(async () => bot.close());
  return bot;
}

const HTML = { headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>Sign in</title>' };
/** Answers of an issuer that is down, moved, busy, or not what the configuration says, with the code for metadata and for tokens. */
const ANSWERS: readonly [string, PeerAnswer, { metadata: ErrorCode; token: ErrorCode }][] = [
  ['200 with HTML', HTML, { metadata: 'metadata_not_found', token: 'invalid_response' }],
  ['302', { status: 302, headers: { location: 'https://login.example/' } }, both('redirect_refused')],
  ['404', { status: 404 }, { metadata: 'metadata_not_found', token: 'invalid_response' }],
  ['405', { status: 405 }, { metadata: 'metadata_not_found', token: 'invalid_response' }],
  ['406', { status: 406 }, { metadata: 'metadata_not_found', token: 'invalid_response' }],
  ['415', { status: 415 }, { metadata: 'metadata_not_found', token: 'invalid_response' }],
  ['429', { status: 429 }, both('rate_limited')],
  ['500', { status: 500, body: 'boom' }, both('peer_unavailable')],
  ['503', { status: 503, body: 'down' }, both('peer_unavailable')],
  ['202 without content', { status: 202 }, { metadata: 'metadata_not_found', token: 'invalid_response' }],
  ['JSON of another kind', { body: { status: 'ok' } }, { metadata: 'issuer_mismatch', token: 'invalid_response' }],
  ['a body without end', endless(), both('response_too_large')],
  ['half of its response', hangUp('{"issuer"'), both('unreachable')],
  ['nothing', silence(), both('timeout')],
];

function both(code: ErrorCode) {
  return { metadata: code, token: code };
}

const REQUESTS = [
  { of: 'the IdP for metadata', leg: 'discover', kind: 'metadata' },
  { of: 'the IdP for a subject token', leg: 'authenticate', kind: 'token' },
  { of: 'the IdP for an ID-JAG', leg: 'exchange', kind: 'token' },
  { of: 'the authorization server for metadata', leg: 'discover', kind: 'metadata' },
  { of: 'the authorization server for an access token', leg: 'redeem', kind: 'token' },
] as const;

function setAnswer({ idp, as }: OAuthWorld, { of, leg }: (typeof REQUESTS)[number], answer: PeerAnswer): void {
  if (leg === 'redeem') as.script.always('redeem', say(answer));
  else if (leg !== 'discover') idp.script.always(leg, say(answer));
  else if (of.startsWith('the IdP')) idp.script.always('metadata', say(answer));
  else as.script.always('metadata', say(answer));
}

describe.each(REQUESTS)('a diagnosis in which a request to $of is answered', (request) => {
  const { leg, kind } = request;
  it.each(ANSWERS)('with %s fails at that leg, with a remedy and a contact', async (what, answer, codes) => {
    const { bot, world } = await start(what === 'nothing' ? 800 : 10_000);
    setAnswer(world, request, answer);
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: false, leg, error: { code: codes[kind] } });
    expect(diagnosis.remedy).toMatch(/\S/u);
    expect(diagnosis.steps.some((step) => step.leg === leg && step.outcome === 'failed')).toBe(true);
    expect(String(diagnosis)).toMatch(/^Whom to ask: \S/mu);
  });
});
