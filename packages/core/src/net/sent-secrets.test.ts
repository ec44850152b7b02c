import { describe, expect, it } from '@jest/globals';
import { receivedSecrets, sentSecrets } from './sent-secrets.ts';

describe('the secrets of a request', () => {
  it.each([
    'client_secret',
    'client_assertion',
    'assertion',
    'subject_token',
    'actor_token',
    'refresh_token',
    'api_key',
    'password',
    'code_verifier',
    'device_secret',
  ])('include the value of %s in a form', (name) => {
    expect(sentSecrets({ body: new URLSearchParams({ [name]: 'v4lue', scope: 'read' }) })).toEqual(['v4lue']);
  });

  it('include every value of a repeated parameter', () => {
    const body = new URLSearchParams([
      ['assertion', 'first'],
      ['assertion', 'second'],
    ]);
    expect(sentSecrets({ body })).toEqual(['first', 'second']);
  });

  it('include a client secret of a Basic header both encoded and decoded', () => {
    const value = Buffer.from('id:a+b%2Bc').toString('base64');
    const found = sentSecrets({ headers: { authorization: `Basic ${value}` } });
    expect(found).toEqual(expect.arrayContaining([value, 'a+b%2Bc', 'a b+c']));
  });

  it('include the complete client secret if it is not form-encoded and contains a colon', () => {
    const value = Buffer.from('id:first:second%').toString('base64');
    expect(sentSecrets({ headers: { authorization: `Basic ${value}` } })).toContain('first:second%');
  });

  it.each([
    ['a bearer token', { authorization: 'Bearer t0ken' }, ['t0ken']],
    ['a token of another scheme with spaces', { authorization: 'Vendor  a b' }, ['a b']],
    ['a header without a scheme', { authorization: 't0ken' }, ['t0ken']],
    ['a DPoP proof', { dpop: 'proof' }, ['proof']],
    ['cookies', { cookie: 'a=first; b=second=2' }, ['first', 'second=2']],
    ['a header that a credential adds', { 'x-api-key': 'k3y' }, ['k3y']],
  ])('include %s', (_what, headers, secrets) => {
    expect(sentSecrets({ headers })).toEqual(secrets);
  });

  it('do not include empty values and values that everybody may see', () => {
    const body = new URLSearchParams({
      assertion: '',
      grant_type: 'g',
      client_id: 'bot',
      subject_token_type: 't',
      actor_token_type: 't',
      requested_token_type: 't',
      client_assertion_type: 't',
      resource: 'https://mcp.example',
      audience: 'a',
      scope: 'read',
      authorization_details: '[]',
      tenant: 'acme',
    });
    const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
    expect(sentSecrets({ body, headers })).toEqual([]);
    expect(sentSecrets({})).toEqual([]);
  });
});

it('the secrets of a response are its tokens', () => {
  const body = {
    access_token: 'a',
    refresh_token: 'r',
    id_token: 'i',
    token_type: 'Bearer',
    scope: 's',
    expires_in: 1,
  };
  expect(receivedSecrets({ ...body, issued_token_type: 't', authorization_details: 'd' })).toEqual(['a', 'r', 'i']);
});
