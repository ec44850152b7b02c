import { describe, expect, it } from '@jest/globals';
import { type Refusal, refusal } from './refusal.ts';

const answer: Refusal = {
  leg: 'authenticate',
  grant: 'client_credentials',
  option: 'idp.credential',
  error: 'invalid_client',
  status: 401,
  issuer: 'https://idp.example',
  clientId: 'reporting-bot',
};

describe('a refusal by a peer whose clock disagrees with ours', () => {
  const signed: Refusal = { ...answer, signedAuthentication: true };

  it('says so first where the client authenticated by a JWT, and sends to whoever runs the bot', () => {
    expect(refusal({ ...signed, clockSkewSeconds: 3_600 })).toMatchObject({
      contact: 'you',
      remedy: expect.stringMatching(/^The clock there is 3600 s ahead of ours, so the client assertion looks expired/u),
    });
    expect(refusal({ ...signed, clockSkewSeconds: -3_600 }).remedy).toMatch(
      /^The clock there is 3600 s behind ours, so the client assertion looks not valid yet/u,
    );
  });

  it('keeps what else it may be', () => {
    expect(refusal({ ...signed, clockSkewSeconds: 90 }).remedy).toContain('Check idp.credential: the client id');
  });

  it('says nothing of clocks where a shared secret was refused, which no clock can spoil', () => {
    expect(refusal({ ...answer, clockSkewSeconds: 3_600 })).toMatchObject({
      contact: 'idp-admin',
      remedy: expect.not.stringContaining('clock'),
    });
  });

  it('says so where a grant was refused, and keeps whom to ask', () => {
    const grant: Refusal = { ...answer, leg: 'redeem', grant: 'jwt-bearer', error: 'invalid_grant' };
    expect(refusal({ ...grant, clockSkewSeconds: -45 })).toMatchObject({
      contact: 'server-owner',
      remedy: expect.stringMatching(/^The clock there is 45 s behind ours: check the clocks first/u),
    });
  });

  it.each([0, 30, -30, undefined])('is not blamed on clocks that are %s s apart', (clockSkewSeconds) => {
    expect(refusal({ ...signed, clockSkewSeconds }).remedy).not.toContain('clock');
  });

  it('is not blamed on clocks where policy said no', () => {
    expect(refusal({ ...signed, error: 'access_denied', clockSkewSeconds: 3_600 }).remedy).not.toContain('clock');
  });
});

describe('a grant that is not for this client', () => {
  it('may be one for a principal that was disabled: both are named', () => {
    const { remedy } = refusal({ ...answer, status: 400, error: 'unauthorized_client' });
    expect(remedy).toContain('disabled');
    expect(remedy).toContain('client_credentials grant');
  });

  it('may be one that nobody gets there', () => {
    expect(refusal({ ...answer, error: 'unsupported_grant_type' })).toMatchObject({
      code: 'unsupported_grant_type',
      message: 'The IdP https://idp.example does not offer the client_credentials grant.',
    });
  });
});

describe('a refusal by a peer that speaks of DPoP', () => {
  const unproven: Refusal = {
    ...answer,
    leg: 'redeem',
    grant: 'jwt-bearer',
    error: 'invalid_grant',
    errorDescription: 'the resource takes only tokens that are bound by a DPoP proof',
    server: 'notes',
  };

  it.each([unproven, { ...unproven, error: 'invalid_dpop_proof', errorDescription: undefined }])(
    'names the option where no proof was sent ($error)',
    (refused) => {
      expect(refusal(refused)).toMatchObject({
        contact: 'you',
        remedy: expect.stringMatching(
          /^If it takes only .* set servers\.notes\.dpop to a pair of generateDpopKeyPair\(\)\. /u,
        ),
      });
    },
  );

  it('does not name it where one was sent, nor where no server is concerned', () => {
    expect(refusal({ ...unproven, proven: true })).toMatchObject({ contact: 'server-owner' });
    expect(refusal({ ...unproven, server: undefined }).remedy).not.toContain('generateDpopKeyPair');
  });
});
