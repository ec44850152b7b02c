import { expect, it } from '@jest/globals';
import { sentSecrets } from './sent-secrets.ts';

it.each(['client_secret', 'client_assertion', 'assertion', 'subject_token', 'actor_token', 'refresh_token'])(
  'finds %s in a form',
  (name) => {
    expect(sentSecrets({ body: new URLSearchParams({ [name]: 'v4lue', scope: 'read' }) })).toEqual(['v4lue']);
  },
);

it('finds a Basic secret as it was sent and as it was meant', () => {
  const value = Buffer.from('id:a+b%2Bc').toString('base64');
  const found = sentSecrets({ headers: { authorization: `Basic ${value}` } });
  expect(found).toEqual(expect.arrayContaining([value, 'a+b%2Bc', 'a b+c']));
});

it('finds the whole of a secret that was sent raw with a colon in it', () => {
  const value = Buffer.from('id:first:second%').toString('base64');
  expect(sentSecrets({ headers: { authorization: `Basic ${value}` } })).toContain('first:second%');
});

it('finds a bearer token', () => {
  expect(sentSecrets({ headers: { authorization: 'Bearer t0ken' } })).toEqual(['t0ken']);
});

it('finds nothing where nothing was sent', () => {
  expect(sentSecrets({ body: new URLSearchParams({ assertion: '' }) })).toEqual([]);
  expect(sentSecrets({})).toEqual([]);
});
