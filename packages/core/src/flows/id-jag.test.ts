import { describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair } from 'jose';
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

describe('checkIdJag', () => {
  it('accepts an ID-JAG with the expected claims without verifying its signature', () => {
    expect(checkIdJag(idJag(), EXPECTED)).toEqual({
      subject: CLAIMS.sub,
      lifetimeMs: 300_000,
      scopes: ['read', 'write'],
      namesResource: true,
    });
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['typ with a prefix and capitals', {}, { typ: 'application/OAuth-ID-JAG+JWT' }],
    ['an audience in a list of one', { aud: ['https://as.example'] }, {}],
    ['the resource in a list of one', { resource: ['https://mcp.example/mcp'] }, {}],
    ['additional claims', { groups: ['a'], tenant: 't', email: 'x@y' }, {}],
    ['EdDSA', {}, { alg: 'EdDSA' }],
    ['RS256', {}, { alg: 'RS256' }],
    ['exp a few seconds ago', { iat: NOW - 300, exp: NOW - 5 }, {}],
    ['iat a few seconds ahead', { iat: NOW + 5 }, {}],
  ])('accepts an ID-JAG with %s', (_what, claims, header) => {
    expect(checkIdJag(idJag(claims, header), EXPECTED).namesResource).toBe(true);
  });

  it.each([
    ['issued some time before the response', { iat: NOW - 290, exp: NOW + 10 }, 10_000],
    ['issued by a clock that is ahead', { iat: NOW + 5, exp: NOW + 305 }, 300_000],
    ['that has just expired', { iat: NOW - 300, exp: NOW - 5 }, 0],
  ])('returns the remaining lifetime of an ID-JAG %s', (_what, claims, lifetimeMs) => {
    expect(checkIdJag(idJag(claims), EXPECTED).lifetimeMs).toBe(lifetimeMs);
  });

  it.each([
    ['a list', ['write', 'read']],
    ['a text with tabs and commas', 'write\tread,write'],
  ])('reads scopes in the form of %s', (_what, scope) => {
    expect(checkIdJag(idJag({ scope }), EXPECTED).scopes).toEqual(['read', 'write']);
  });

  it('accepts the resource in its normal form if the configured spelling has another', () => {
    const expected = { ...EXPECTED, resource: 'HTTPS://mcp.example' };
    for (const resource of ['https://mcp.example/', 'https://mcp.example', 'HTTPS://mcp.example']) {
      expect(checkIdJag(idJag({ resource }), expected).namesResource).toBe(true);
    }
  });

  it('accepts an ID-JAG without resource and scope', () => {
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
    ['alg none', {}, { alg: 'none' }, /cannot verify/u],
    ['a symmetric alg', {}, { alg: 'HS256' }, /cannot verify/u],
    ['an unknown alg with a known beginning', {}, { alg: 'RS256-none' }, /cannot verify/u],
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
    ['exp as a string', { exp: String(NOW + 300) }, {}, /"exp" is missing/u],
    ['exp two minutes ago', { exp: NOW - 120 }, {}, /expired/u],
    ['no iat', { iat: undefined }, {}, /"iat" is missing/u],
    ['another resource', { resource: 'https://mcp.example/other' }, {}, /"resource" is/u],
    ['other resources', { resource: ['https://a.example', 'https://b.example'] }, {}, /"resource" is/u],
    ['several resources', { resource: ['https://x.example', 'https://mcp.example/mcp'] }, {}, /"resource" is/u],
    ['the resource twice', { resource: ['https://mcp.example/mcp', 'https://mcp.example/mcp'] }, {}, /"resource" is/u],
    ['the resource in another spelling', { resource: 'HTTPS://mcp.example/mcp' }, {}, /"resource" is/u],
    ['the resource with an encoded letter', { resource: 'https://mcp.example/%6dcp' }, {}, /"resource" is/u],
    ['the resource with the default port', { resource: 'https://mcp.example:443/mcp' }, {}, /"resource" is/u],
    ['the resource with a slash at its end', { resource: 'https://mcp.example/mcp/' }, {}, /"resource" is/u],
    ['an empty list of resources', { resource: [] }, {}, /"resource" is/u],
    ['resource null', { resource: null }, {}, /"resource" is/u],
    ['a scope that is a number', { scope: 7 }, {}, /"scope" is/u],
    ['a list of scopes with a number', { scope: ['a', 7] }, {}, /"scope" is/u],
  ])('refuses an ID-JAG with %s', async (_what, claims, header, why) => {
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
    expect(error.message).toContain('was not used');
  });

  it('refuses an ID-JAG for another client with the contact you, and the remedy names the option first', async () => {
    const error = await refusalOf(() => checkIdJag(idJag({ client_id: 'bot-at-idp' }), EXPECTED));
    expect(error).toMatchObject({ code: 'invalid_id_jag', leg: 'exchange', contact: 'you', server: 'linear' });
    expect(error.message).toContain('was not used: "client_id" is another one than "bot-at-as"');
    expect(error.peerText).toBe('client_id="bot-at-idp"');
    expect(error.remedy).toContain('Set servers.linear.credential');
    expect(error.remedy).toContain("ask the IdP's administrator");
  });

  it.each(['', 'opaque-token', 'a.b', 'a.b.c', '..', 'eyJhbGciOiJFUzI1NiJ9.bm90IGpzb24.c2ln'])(
    'refuses %p, which is not a JWT',
    async (token) => {
      const error = await refusalOf(() => checkIdJag(token, EXPECTED));
      expect(error).toMatchObject({ code: 'invalid_id_jag', leg: 'exchange' });
      if (token !== '') expect(JSON.stringify(error)).not.toContain(token);
    },
  );

  it('removes control characters of a claim from the error message', async () => {
    const error = await refusalOf(() => checkIdJag(idJag({ iss: 'x\r\nINFO admin\u202e' }), EXPECTED));
    expect(error.message).not.toMatch(/[\r\n\u202e]/u);
  });

  it.each([
    ['is not bound to a key', undefined],
    ['is bound to another key', { jkt: 'other' }],
    ['has a number as thumbprint', { jkt: 7 }],
    ['has a string as cnf', 'jkt'],
  ])('refuses an ID-JAG that %s if the request had a DPoP proof', async (_what, cnf) => {
    const error = await refusalOf(() => checkIdJag(idJag({ cnf }), { ...EXPECTED, thumbprint: 'own-key' }));
    expect(error).toMatchObject({ code: 'invalid_id_jag', leg: 'exchange' });
    expect(error.message).toContain('DPoP');
    expect(error.remedy).toContain(`servers.${EXPECTED.server}.dpop`);
  });

  it('accepts an ID-JAG that is bound to the key of the DPoP proof', () => {
    const thumbprint = 'x'.repeat(43);
    expect(checkIdJag(idJag({ cnf: { jkt: thumbprint } }), { ...EXPECTED, thumbprint }).namesResource).toBe(true);
  });

  it('accepts an ID-JAG that is bound by the key itself, and refuses one with the key of another', async () => {
    const [own, other] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
    const thumbprint = await calculateJwkThumbprint(await exportJWK(own.publicKey));
    const bound = async ({ publicKey }: { publicKey: CryptoKey }) =>
      idJag({ cnf: { jwk: await exportJWK(publicKey) } });
    expect(checkIdJag(await bound(own), { ...EXPECTED, thumbprint }).namesResource).toBe(true);
    const foreign = await bound(other);
    expect(() => checkIdJag(foreign, { ...EXPECTED, thumbprint })).toThrow('not bound to the DPoP key');
  });
});
