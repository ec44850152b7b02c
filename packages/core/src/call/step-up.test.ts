import { describe, expect, it } from '@jest/globals';
import { serverSettings } from '../../test-support/settings.ts';
import type { ServerSettings } from '../settings/settings.ts';
import { AccessToken } from '../tokens/access-token.ts';
import { scopesToAdd } from './step-up.ts';

function server(scopes: readonly string[] | undefined, stepUp: readonly string[]): ServerSettings {
  return serverSettings({ name: 'mcp', url: new URL('https://mcp.example/mcp'), scopes, stepUp });
}

function token(...scopes: string[]): AccessToken {
  return new AccessToken({
    value: 'secret',
    type: 'Bearer',
    issuedAt: new Date(0),
    expiresAt: new Date(0),
    scopes,
    missingScopes: [],
    withheldScopes: [],
    issuer: 'https://as.example',
    resource: 'https://mcp.example/mcp',
    server: 'mcp',
    key: 'k',
  });
}

describe('scopesToAdd', () => {
  it('returns the scopes of the challenge that the configuration allows', () => {
    expect(scopesToAdd(['read', 'write'], token('read'), server(['read'], ['write']))).toEqual(['write']);
  });

  it('returns a configured scope that was not granted before', () => {
    expect(scopesToAdd(['write'], token('read'), server(['read', 'write'], []))).toEqual(['write']);
  });

  it('returns only the allowed scope of a challenge with hundreds of scopes', () => {
    const everything = ['read', 'write', 'admin', ...Array.from({ length: 500 }, (_, index) => `scope-${index}`)];
    expect(scopesToAdd(everything, token('read'), server(['read'], ['write']))).toEqual(['write']);
  });

  it.each([
    ['with a scope that is not configured', ['admin'], ['read'], ['write'], 'you'],
    ['with a scope that the token does not have if no scopes are configured', ['admin'], undefined, [], 'you'],
    ['without a scope', [], ['read'], ['write'], 'server-owner'],
    ['with a scope that the token has', ['read'], ['read'], ['write'], 'server-owner'],
  ] as const)('throws insufficient_scope for a challenge %s', (_name, challenged, scopes, stepUp, contact) => {
    expect(() => scopesToAdd(challenged, token('read'), server(scopes, stepUp))).toThrow(
      expect.objectContaining({ code: 'insufficient_scope', leg: 'call', contact }),
    );
  });
});
