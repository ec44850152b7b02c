import { describe, expect, it } from '@jest/globals';
import { refusalOf } from '../../test-support/runtime.ts';
import { checkIdJag, type IdJagExpectation } from './id-jag.ts';

const NOW = 1_800_000_000;
const EXPECTED: IdJagExpectation = {
  idpIssuer: 'https://idp.example',
  audience: 'https://as.example',
  clientId: 'bot-at-as',
  resource: 'https://mcp.example/mcp',
  server: 'linear',
  nowMs: NOW * 1000,
};
const HEADER = { alg: 'ES256', typ: 'oauth-id-jag+jwt', kid: '1' };
const CLAIMS = {
  iss: 'https://idp.example',
  sub: 'bot',
  aud: 'https://as.example',
  client_id: 'bot-at-as',
  jti: 'j1',
  iat: NOW,
  exp: NOW + 300,
  resource: 'https://mcp.example/mcp',
  scope: 'write read',
};

function idJag(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ ...HEADER, ...header })}.${part({ ...CLAIMS, ...claims })}.c2lnbmF0dXJl`;
}

describe('an ID-JAG', () => {
  it('that says what it must is sent on, without its signature being verified', () => {
    expect(checkIdJag(idJag(), EXPECTED)).toEqual({
      lifetimeMs: 300_000,
      scopes: ['read', 'write'],
      namesResource: true,
    });
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['typ in another spelling', {}, { typ: 'application/OAuth-ID-JAG+JWT' }],
    ['an audience in a list of one', { aud: ['https://as.example'] }, {}],
    ['several resources, ours among them', { resource: ['https://x.example', 'https://mcp.example/mcp'] }, {}],
    ['claims of its own', { groups: ['a'], tenant: 't', email: 'x@y' }, {}],
    ['EdDSA', {}, { alg: 'EdDSA' }],
    ['RS256', {}, { alg: 'RS256' }],
    ['an end a few seconds ago', { iat: NOW - 300, exp: NOW - 5 }, {}],
    ['a beginning a little ahead', { iat: NOW + 5 }, {}],
  ])('may have %s', (_what, claims, header) => {
    expect(checkIdJag(idJag(claims, header), EXPECTED).namesResource).toBe(true);
  });

  it.each([
    ['made some time before the answer', { iat: NOW - 290, exp: NOW + 10 }, 10_000],
    ['made by a clock that is ahead', { iat: NOW + 5, exp: NOW + 305 }, 300_000],
    ['about to end', { iat: NOW - 300, exp: NOW - 5 }, 0],
  ])('%s is kept for what is left of it', (_what, claims, lifetimeMs) => {
    expect(checkIdJag(idJag(claims), EXPECTED).lifetimeMs).toBe(lifetimeMs);
  });

  it('may be silent about resource and scope', () => {
    expect(checkIdJag(idJag({ resource: undefined, scope: undefined }), EXPECTED)).toMatchObject({
      scopes: undefined,
      namesResource: false,
    });
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>, RegExp]>([
    ['typ of an ordinary JWT', {}, { typ: 'JWT' }, /"typ" is "JWT"/u],
    ['typ of an access token', {}, { typ: 'at+jwt' }, /"typ"/u],
    ['no typ', {}, { typ: undefined }, /"typ" is missing/u],
    ['the misspelt typ', {}, { typ: 'oauth-id_jag+jwt' }, /"typ"/u],
    ['alg none', {}, { alg: 'none' }, /proves nothing/u],
    ['a symmetric alg', {}, { alg: 'HS256' }, /proves nothing/u],
    ['an alg that begins alike', {}, { alg: 'RS256-none' }, /proves nothing/u],
    ['no alg', {}, { alg: undefined }, /./u],
    ['another issuer', { iss: 'https://evil.example' }, {}, /"iss"/u],
    ['the issuer with a slash', { iss: 'https://idp.example/' }, {}, /"iss"/u],
    ['no issuer', { iss: undefined }, {}, /"iss" is missing/u],
    ['another audience', { aud: 'https://other.example' }, {}, /"aud"/u],
    ['two audiences', { aud: ['https://as.example', 'https://other.example'] }, {}, /"aud"/u],
    ['the resource as audience', { aud: 'https://mcp.example/mcp' }, {}, /"aud"/u],
    ['no audience', { aud: undefined }, {}, /"aud" is missing/u],
    ['no client', { client_id: undefined }, {}, /"client_id" is missing/u],
    ['no subject', { sub: undefined }, {}, /"sub" is missing/u],
    ['an empty subject', { sub: '' }, {}, /"sub" is missing/u],
    ['no jti', { jti: undefined }, {}, /"jti" is missing/u],
    ['no exp', { exp: undefined }, {}, /"exp" is missing/u],
    ['exp as text', { exp: String(NOW + 300) }, {}, /"exp" is missing/u],
    ['an end long ago', { exp: NOW - 120 }, {}, /expired/u],
    ['no iat', { iat: undefined }, {}, /"iat" is missing/u],
    ['another resource', { resource: 'https://mcp.example/other' }, {}, /"resource" is/u],
    ['other resources', { resource: ['https://a.example', 'https://b.example'] }, {}, /"resource" is/u],
    ['no resource in a list', { resource: [] }, {}, /"resource" is/u],
    ['resource null', { resource: null }, {}, /"resource" is/u],
  ])('with %s is not sent on', async (_what, claims, header, why) => {
    const error = await refusalOf(() => checkIdJag(idJag(claims, header), EXPECTED));
    expect(error).toMatchObject({
      code: 'invalid_id_jag',
      leg: 'exchange',
      contact: 'idp-admin',
      server: 'linear',
      issuer: 'https://idp.example',
      retryable: false,
    });
    expect(error.message).toMatch(why);
    expect(error.message).toContain('was not sent on');
  });

  it('for another client is not sent on, and is first a question to our own configuration', async () => {
    const error = await refusalOf(() => checkIdJag(idJag({ client_id: 'bot-at-idp' }), EXPECTED));
    expect(error).toMatchObject({ code: 'invalid_id_jag', leg: 'exchange', contact: 'you', server: 'linear' });
    expect(error.message).toContain('was not sent on: "client_id" is "bot-at-idp", not "bot-at-as"');
    expect(error.remedy).toContain('Set servers.linear.credential');
    expect(error.remedy).toContain("ask the IdP's administrator");
  });

  it.each(['', 'opaque-token', 'a.b', 'a.b.c', '..', 'eyJhbGciOiJFUzI1NiJ9.bm90IGpzb24.c2ln'])(
    'must be a JWT, not %p',
    async (token) => {
      const error = await refusalOf(() => checkIdJag(token, EXPECTED));
      expect(error).toMatchObject({ code: 'invalid_id_jag', leg: 'exchange' });
      if (token !== '') expect(JSON.stringify(error)).not.toContain(token);
    },
  );

  it('cannot forge a line of a log by its claims', async () => {
    const error = await refusalOf(() => checkIdJag(idJag({ iss: 'x\r\nINFO admin\u202e' }), EXPECTED));
    expect(error.message).not.toMatch(/[\r\n\u202e]/u);
  });

  it.each([
    ['is bound to no key', undefined],
    ['is bound to another key', { jkt: 'other' }],
    ['is bound to something that is no key', { jkt: 7 }],
    ['is bound in words', 'jkt'],
  ])('that %s is not sent on where ours was asked for', async (_what, cnf) => {
    const error = await refusalOf(() => checkIdJag(idJag({ cnf }), { ...EXPECTED, thumbprint: 'ours' }));
    expect(error).toMatchObject({ code: 'invalid_id_jag', leg: 'exchange' });
    expect(error.message).toContain('DPoP');
    expect(error.remedy).toContain(`servers.${EXPECTED.server}.dpop`);
  });

  it('that is bound to our key is sent on', () => {
    expect(checkIdJag(idJag({ cnf: { jkt: 'ours' } }), { ...EXPECTED, thumbprint: 'ours' }).namesResource).toBe(true);
  });
});
