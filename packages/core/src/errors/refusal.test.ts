import { describe, expect, it } from '@jest/globals';
import type { Refusal } from './oauth-error-response.ts';
import { refusal } from './refusal.ts';

const answer: Refusal = {
  leg: 'authenticate',
  grant: 'client_credentials',
  option: 'idp.credential',
  error: 'invalid_client',
  status: 401,
  issuer: 'https://idp.example',
  clientId: 'reporting-bot',
};

describe('the remedy for a refusal by a peer whose clock differs from ours', () => {
  const signed: Refusal = { ...answer, authentication: 'signed' };

  it('starts with the difference if a client assertion was refused, and the contact is you', () => {
    expect(refusal({ ...signed, clockSkewSeconds: 3_600 })).toMatchObject({
      contact: 'you',
      remedy: expect.stringMatching(
        /^The clock of https:\/\/idp\.example is 3600 s ahead of ours, so the client assertion can look expired/u,
      ),
    });
    expect(refusal({ ...signed, clockSkewSeconds: -3_600 }).remedy).toMatch(
      /^The clock of https:\/\/idp\.example is 3600 s behind ours, so the client assertion can look not valid yet/u,
    );
  });

  it('also contains the remedy for equal clocks', () => {
    expect(refusal({ ...signed, clockSkewSeconds: 90 }).remedy).toContain('Check idp.credential: the client id');
  });

  it('does not mention clocks if a client secret was refused, because a secret does not depend on the time', () => {
    expect(refusal({ ...answer, authentication: 'secret', clockSkewSeconds: 3_600 })).toMatchObject({
      contact: 'you',
      remedy: expect.not.stringContaining('clock'),
    });
  });

  it('starts with the difference if a grant was refused, and the contact stays the same', () => {
    const grant: Refusal = { ...answer, leg: 'redeem', grant: 'jwt-bearer', error: 'invalid_grant' };
    expect(refusal({ ...grant, clockSkewSeconds: -45 })).toMatchObject({
      contact: 'server-owner',
      remedy: expect.stringMatching(
        /^The clock of https:\/\/idp\.example is 45 s behind ours: check the clocks first/u,
      ),
    });
  });

  it.each([0, 1, -1, undefined])('does not mention clocks whose difference is %s s', (clockSkewSeconds) => {
    expect(refusal({ ...signed, clockSkewSeconds }).remedy).not.toContain('clock');
  });

  it.each([2, -2, 10])(
    'mentions clocks whose difference is %s s if a client assertion was refused',
    (clockSkewSeconds) => {
      expect(refusal({ ...signed, clockSkewSeconds })).toMatchObject({
        contact: 'you',
        remedy: expect.stringContaining(`is ${Math.abs(clockSkewSeconds)} s`),
      });
    },
  );

  it.each([2, 30, -30])(
    'does not mention clocks whose difference is %s s if a grant was refused',
    (clockSkewSeconds) => {
      const grant: Refusal = { ...answer, leg: 'redeem', grant: 'jwt-bearer', error: 'invalid_grant' };
      expect(refusal({ ...grant, clockSkewSeconds }).remedy).not.toContain('clock');
    },
  );

  it('does not mention clocks if the policy refused', () => {
    expect(refusal({ ...signed, error: 'access_denied', clockSkewSeconds: 3_600 }).remedy).not.toContain('clock');
  });
});

describe('a refusal of the client', () => {
  it.each(['authenticate', 'exchange', 'redeem'] as const)(
    'that sent a shared secret, at %s, has the contact you',
    (leg) => {
      const { contact, remedy } = refusal({ ...answer, leg, authentication: 'secret' });
      expect(contact).toBe('you');
      expect(remedy).toMatch(/^Check idp\.credential: .* the secret; if they are right, ask the/u);
      expect(remedy).toContain(leg === 'redeem' ? 'the owner of the authorization server' : "the IdP's administrator");
    },
  );

  it.each(['signed', 'other'] as const)(
    'that authenticated in another way (%s) has the contact of the peer',
    (authentication) => {
      for (const leg of ['authenticate', 'exchange', 'redeem'] as const) {
        const { contact, remedy } = refusal({ ...answer, leg, authentication });
        expect(contact).toBe(leg === 'redeem' ? 'server-owner' : 'idp-admin');
        expect(remedy).toMatch(/^Check idp\.credential: /u);
        expect(remedy).not.toContain('the secret');
      }
    },
  );

  it('that did not authenticate has the contact of the peer', () => {
    expect(refusal({ ...answer, authentication: 'none' }).contact).toBe('idp-admin');
    expect(refusal({ ...answer, leg: 'redeem', authentication: 'none' }).contact).toBe('server-owner');
  });

  it.each(['Invalid client credentials', 'invalid client', '', 'x'.repeat(65), 'Ünbekannt'])(
    'is what a 401 with the malformed code %j means, and no code is quoted',
    (error) => {
      const thrown = refusal({ ...answer, status: 401, error, authentication: 'secret' });
      expect(thrown).toMatchObject({ code: 'invalid_client', contact: 'you', status: 401 });
      expect(thrown).not.toHaveProperty('error');
      if (error !== '') expect(thrown.summary).not.toContain(error);
    },
  );

  it('is not what a malformed code with another status means', () => {
    const thrown = refusal({ ...answer, status: 400, error: 'Invalid client credentials' });
    expect(thrown).toMatchObject({ code: 'oauth_error' });
    expect(thrown.message).toContain('answered 400 without a valid OAuth error code');
    expect(thrown).not.toHaveProperty('error');
  });

  it('that a peer answers with unauthorized_client and 401 is one of a secret too', () => {
    expect(refusal({ ...answer, error: 'unauthorized_client', authentication: 'secret' })).toMatchObject({
      code: 'invalid_client',
      contact: 'you',
    });
  });
});

describe('a refusal of the grant type', () => {
  it('has a remedy that names both causes: the principal is disabled, or the grant is not enabled for it', () => {
    const { remedy } = refusal({ ...answer, status: 400, error: 'unauthorized_client' });
    expect(remedy).toContain('disabled');
    expect(remedy).toContain('client_credentials grant');
  });

  it('has a message that the IdP does not offer the grant, for unsupported_grant_type', () => {
    expect(refusal({ ...answer, error: 'unsupported_grant_type' })).toMatchObject({
      code: 'unsupported_grant_type',
      message: 'The IdP https://idp.example does not offer the client_credentials grant.',
    });
  });
});

describe('the remedy for a refusal that mentions DPoP', () => {
  const withoutProof: Refusal = {
    ...answer,
    leg: 'redeem',
    grant: 'jwt-bearer',
    error: 'invalid_grant',
    errorDescription: 'the resource takes only tokens that are bound by a DPoP proof',
    server: 'notes',
  };

  it.each([withoutProof, { ...withoutProof, error: 'invalid_dpop_proof', errorDescription: undefined }])(
    'names the option dpop if the request had no proof ($error)',
    (refused) => {
      expect(refusal(refused)).toMatchObject({
        contact: 'you',
        remedy: expect.stringMatching(
          /^If it accepts only .* set servers\.notes\.dpop to a pair of generateDpopKeyPair\(\)\. /u,
        ),
      });
    },
  );

  it('does not name the option dpop if the request had a proof, or if the request is for no server', () => {
    expect(refusal({ ...withoutProof, proofSent: true })).toMatchObject({ contact: 'server-owner' });
    expect(refusal({ ...withoutProof, server: undefined }).remedy).not.toContain('generateDpopKeyPair');
  });
});

describe('a refusal that names the audience', () => {
  const at = 'https://inner.example/realms/a';
  const pinned: Refusal = {
    ...answer,
    leg: 'redeem',
    grant: 'jwt-bearer',
    status: 400,
    issuer: at,
    server: 'notes',
    option: 'servers.notes.credential',
    error: 'invalid_grant',
    errorDescription: 'Invalid audience in assertion',
    isEndpointPinned: true,
  };

  it('of an ID-JAG at a configured token endpoint has a remedy with the option for the issuer', () => {
    const refused = refusal(pinned);
    expect(refused).toMatchObject({ code: 'invalid_grant', contact: 'you' });
    expect(refused.message).toContain('audience');
    expect(refused.remedy).toContain(`The audience is the configured issuer "${at}"`);
    expect(refused.remedy).toContain('set servers.notes.issuer to the value there');
    expect(refused.remedy).toContain('keep servers.notes.tokenEndpoint');
  });

  it.each([
    [false, 'privateKeyJwt({ audience })'],
    [true, 'set servers.notes.issuer to the value there'],
  ])('of a client assertion has a remedy with the options (endpoint configured: %p)', (isEndpointPinned, words) => {
    const refused = refusal({
      ...pinned,
      error: 'invalid_client',
      errorDescription: 'aud is wrong',
      authentication: 'signed',
      isEndpointPinned,
    });
    expect(refused).toMatchObject({ code: 'invalid_client', contact: 'you' });
    expect(refused.remedy).toContain(words);
    expect(refused.remedy.includes('issuer')).toBe(isEndpointPinned);
  });

  it('of an ID-JAG at a discovered token endpoint has the contact of the server, because its metadata has the issuer', () => {
    expect(refusal({ ...pinned, isEndpointPinned: false })).toMatchObject({ contact: 'server-owner' });
  });
});

it('the remedy for a refusal by the policy is grammatical for one scope, several scopes and no scope', () => {
  const denied: Refusal = { ...answer, status: 400, error: 'access_denied' };
  expect(refusal(denied).remedy).toMatch(/^Ask for access to be granted to this principal; if that is done already, /u);
  expect(refusal({ ...denied, scopes: ['a', 'b'] }).remedy).toMatch(/^Ask for "a", "b" to be granted/u);
});

it('a refusal because of the registration of the client says so', () => {
  expect(refusal({ ...answer, status: 400, error: 'invalid_client_metadata' })).toMatchObject({
    code: 'oauth_error',
    message: expect.stringContaining('cannot use its registration of the client'),
  });
});
