import { describe, expect, it } from '@jest/globals';
import { mayFetch, mayFetchConfigured } from './fetch-json.ts';

describe('mayFetch', () => {
  it.each([
    ['https://idp.example/jwks', 'https://idp.example'],
    ['https://keys.example/jwks', 'https://idp.example'],
    ['http://127.0.0.1:4000/jwks', 'http://127.0.0.1:3000'],
    ['http://localhost:4000/jwks', 'http://[::1]:3000'],
    ['https://10.0.0.5/jwks', 'https://10.0.0.5'],
  ])('lets %s be fetched for %s', (url, issuer) => {
    expect(mayFetch(url, issuer)).toBe(true);
  });

  it.each([
    ['http://idp.example/jwks', 'https://idp.example'],
    ['http://idp.example/jwks', 'http://idp.example'],
    ['http://127.0.0.1/jwks', 'https://idp.example'],
    ['https://localhost/jwks', 'https://idp.example'],
    ['https://169.254.169.254/latest', 'https://idp.example'],
    ['https://10.0.0.5/jwks', 'https://idp.example'],
    ['https://192.168.1.1/jwks', 'https://idp.example'],
    ['https://172.16.0.1/jwks', 'https://idp.example'],
    ['https://[fd00::1]/jwks', 'https://idp.example'],
    ['https://[::ffff:10.0.0.5]/jwks', 'https://idp.example'],
    ['https://2130706433/jwks', 'https://idp.example'],
    ['https://user:secret@idp.example/jwks', 'https://idp.example'],
    ['file:///etc/passwd', 'https://idp.example'],
    ['file:///etc/passwd', 'http://127.0.0.1'],
    ['jwks', 'https://idp.example'],
  ])('does not let %s be fetched for %s', (url, issuer) => {
    expect(mayFetch(url, issuer)).toBe(false);
  });
});

describe('mayFetchConfigured', () => {
  it.each([
    ['https://10.0.0.5/jwks', true],
    ['http://127.0.0.1:3000/jwks', true],
    ['http://idp.example/jwks', false],
    ['https://user:secret@idp.example/jwks', false],
    ['file:///jwks', false],
    ['jwks', false],
  ])('of %s is %s', (url, allowed) => {
    expect(mayFetchConfigured(url)).toBe(allowed);
  });
});
