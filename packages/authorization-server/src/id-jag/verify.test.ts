import { memoryReplayStore } from '@credence/protocol';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { AS, IDP, IdJags, NOW, NOW_S, RESOURCE, THUMBPRINT } from '../../../../test/support/roles/id-jags.ts';
import { verifyIdJag } from './verify.ts';

let issuer: IdJags;

beforeAll(async () => {
  issuer = await IdJags.create();
});

describe('a valid ID-JAG', () => {
  it('is returned as plain values', async () => {
    await expect(
      verifyIdJag(await issuer.sign({ act: { sub: 'operator' }, groups: ['ops'] }), issuer.options()),
    ).resolves.toEqual({
      issuer: IDP,
      subject: 'bot-7',
      audience: AS,
      clientId: 'bot-at-as',
      jwtId: 'jti-1',
      issuedAt: new Date((NOW_S - 10) * 1000),
      expiresAt: new Date((NOW_S + 290) * 1000),
      resources: [RESOURCE],
      scopes: ['issues:read', 'issues:write'],
      actor: { sub: 'operator' },
      groups: ['ops'],
      roles: [],
      claims: expect.objectContaining({ iss: IDP, jti: 'jti-1' }),
    });
  });

  const variants: Record<string, () => Promise<string>> = {
    'a list of one entry as aud': () => issuer.sign({ aud: [AS] }),
    'typ with the prefix application/': () => issuer.sign({}, { typ: 'application/oauth-id-jag+jwt' }),
    'typ in upper case': () => issuer.sign({}, { typ: 'OAUTH-ID-JAG+JWT' }),
    'no kid': () => issuer.sign({}, { kid: undefined as never }),
    'alg EdDSA': () => issuer.sign({}, { alg: 'EdDSA', kid: 'ed' }, issuer.ed25519.privateKey),
    'alg Ed25519 and a key for EdDSA': () => issuer.sign({}, { alg: 'Ed25519', kid: 'ed' }, issuer.ed25519.privateKey),
    'alg RS256': () => issuer.sign({}, { alg: 'RS256', kid: 'rs' }, issuer.rs256.privateKey),
    'a list with one resource': () => issuer.sign({ resource: [RESOURCE] }),
    'no resource': () => issuer.sign({ resource: undefined }),
    'no scope': () => issuer.sign({ scope: undefined }),
    'an exp in the past by less than the tolerance': () => issuer.sign({ exp: NOW_S - 3 }),
    'an iat in the future by less than the tolerance': () => issuer.sign({ iat: NOW_S + 3 }),
  };
  it.each(Object.keys(variants))('is accepted with %s', async (name) => {
    await expect(verifyIdJag((await variants[name]?.()) ?? '', issuer.options())).resolves.toMatchObject({
      subject: 'bot-7',
    });
  });

  it.each<[string, string]>([
    ['https://mcp.example', 'https://mcp.example/'],
    ['https://mcp.example/', 'https://mcp.example'],
    ['https://mcp.example/a~b', 'https://MCP.example:443/a%7Eb'],
    ['urn:example:mcp', 'urn:example:mcp'],
  ])('for the resource %s is accepted by a server that has it as %s', async (resource, own) => {
    const options = { ...issuer.options(), resources: [own] };
    await expect(verifyIdJag(await issuer.sign({ resource }), options)).resolves.toMatchObject({
      resources: [resource],
    });
  });

  it('may be bound by the key itself in place of its thumbprint', async () => {
    const { publicKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    const dpopThumbprint = await calculateJwkThumbprint(jwk);
    const bound = await issuer.sign({ cnf: { jwk } });
    await expect(verifyIdJag(bound, { ...issuer.options(), dpopThumbprint })).resolves.toMatchObject({
      confirmationThumbprint: dpopThumbprint,
    });
    await expect(verifyIdJag(bound, issuer.options())).rejects.toMatchObject({ code: 'proof_required' });
    const another = { ...issuer.options(), dpopThumbprint: 'x'.repeat(43) };
    await expect(verifyIdJag(bound, another)).rejects.toMatchObject({ code: 'proof_mismatch' });
    const broken = await issuer.sign({ cnf: { jwk: { kty: 'RSA', n: 'x', e: 'x' } } });
    await expect(verifyIdJag(broken, issuer.options())).rejects.toMatchObject({ code: 'invalid_claim' });
  });

  it('may be used again by its client, unless the policy is singleUse', async () => {
    const assertion = await issuer.sign();
    await verifyIdJag(assertion, issuer.options());
    await verifyIdJag(assertion, issuer.options());
    const replay = { singleUse: memoryReplayStore({ now: () => NOW }) };
    await verifyIdJag(assertion, issuer.options({ replay }));
    await expect(verifyIdJag(assertion, issuer.options({ replay }))).rejects.toMatchObject({
      code: 'replayed',
      oauthError: 'invalid_grant',
      identity: { issuer: IDP, subject: 'bot-7', jwtId: 'jti-1', clientId: 'bot-at-as' },
    });
  });

  it('is accepted exactly once of 20 concurrent uses with the policy singleUse', async () => {
    const assertion = await issuer.sign();
    const replay = { singleUse: memoryReplayStore({ now: () => NOW }) };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => verifyIdJag(assertion, issuer.options({ replay }))),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is not marked as used by a request that is refused for another reason', async () => {
    const assertion = await issuer.sign();
    const replay = { singleUse: memoryReplayStore({ now: () => NOW }) };
    await expect(verifyIdJag(assertion, issuer.options({ replay, clientId: 'thief' }))).rejects.toMatchObject({
      code: 'wrong_client',
    });
    await expect(verifyIdJag(assertion, issuer.options({ replay }))).resolves.toMatchObject({ jwtId: 'jti-1' });
  });

  it('bound to a key is accepted with a proof by that key', async () => {
    const assertion = await issuer.sign({ cnf: { jkt: THUMBPRINT } });
    await expect(verifyIdJag(assertion, issuer.options({ dpopThumbprint: THUMBPRINT }))).resolves.toMatchObject({
      confirmationThumbprint: THUMBPRINT,
    });
  });
});
