import { expect, it } from '@jest/globals';
import { sentSecrets } from './sent-secrets.ts';

it.each(['client_secret', 'client_assertion', 'assertion', 'subject_token', 'actor_token', 'refresh_token'])(
  'returns the value of %s in a form',
  (name) => {
    expect(sentSecrets({ body: new URLSearchParams({ [name]: 'v4lue', scope: 'read' }) })).toEqual(['v4lue']);
  },
);

it('returns a client secret of a Basic header both encoded and decoded', () => {
  const value = Buffer.from('id:a+b%2Bc').toString('base64');
  const found = sentSecrets({ headers: { authorization: `Basic ${value}` } });
  expect(found).toEqual(expect.arrayContaining([value, 'a+b%2Bc', 'a b+c']));
});

it('returns the complete client secret if it is not form-encoded and contains a colon', () => {
  const value = Buffer.from('id:first:second%').toString('base64');
  expect(sentSecrets({ headers: { authorization: `Basic ${value}` } })).toContain('first:second%');
});

it('returns a bearer token', () => {
  expect(sentSecrets({ headers: { authorization: 'Bearer t0ken' } })).toEqual(['t0ken']);
});

it('returns nothing for a request without secrets', () => {
  expect(sentSecrets({ body: new URLSearchParams({ assertion: '' }) })).toEqual([]);
  expect(sentSecrets({})).toEqual([]);
});
