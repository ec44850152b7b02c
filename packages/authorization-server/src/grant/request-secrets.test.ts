import { describe, expect, it } from '@jest/globals';
import { requestSecrets } from './request-secrets.ts';

const basic = (credentials: string) => ({ authorization: `Basic ${btoa(credentials)}` });

describe('the secrets of a token request', () => {
  it('are every token, assertion, proof and client secret in it', () => {
    const parameters = {
      grant_type: 'g',
      client_id: 'bot',
      assertion: 'a',
      client_assertion: 'b',
      client_secret: 'c',
      subject_token: 'd',
      actor_token: 'e',
    };
    expect(requestSecrets({ dpop: 'f' }, parameters)).toEqual({
      tokens: ['a', 'b', 'd', 'e', 'f'],
      clientSecrets: ['c'],
    });
  });

  it('are also those that are repeated or malformed', () => {
    const parameters = { assertion: ['a', 'b'], client_secret: [['c'], 7, 'd'], subject_token: { e: 'f' } };
    expect(requestSecrets({ dpop: ['g', 'h'] }, parameters)).toEqual({
      tokens: ['a', 'b', 'g', 'h'],
      clientSecrets: ['d'],
    });
  });

  it('are the Basic credentials as they were sent, and the secret with and without its form encoding', () => {
    const encoded = 's%2Be%2Fc+r%25e%3At%26x';
    expect(requestSecrets(basic(`bot:${encoded}`))).toEqual({
      tokens: [],
      clientSecrets: [btoa(`bot:${encoded}`), encoded, 's+e/c r%e:t&x'],
    });
    expect(requestSecrets(basic('bot:a&b%zz')).clientSecrets).toEqual([btoa('bot:a&b%zz'), 'a&b%zz', 'a&b%zz']);
  });

  it('are a token in the Authorization header, and nothing without credentials', () => {
    expect(requestSecrets({ authorization: 'Bearer abc.def' }).tokens).toEqual(['abc.def']);
    expect(requestSecrets({})).toEqual({ tokens: [], clientSecrets: [] });
    expect(requestSecrets({ authorization: null, dpop: null }, {})).toEqual({ tokens: [], clientSecrets: [] });
  });
});
