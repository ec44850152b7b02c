import { describe, expect, it } from '@jest/globals';
import type { ServerSettings } from '../settings/settings.ts';
import { noClientAuth } from '../credentials/no-client-auth.ts';
import { AccessToken } from '../tokens/access-token.ts';
import { scopesToAdd } from './step-up.ts';

function server(scopes: readonly string[] | undefined, stepUp: readonly string[]): ServerSettings {
  return {
    name: 'mcp',
    url: new URL('https://mcp.example/mcp'),
    flow: 'enterprise-managed',
    issuer: 'https://as.example',
    credential: noClientAuth({ clientId: 'bot' }),
    scopes,
    stepUp,
    missingResource: 'warn',
  };
}

function token(...scopes: string[]): AccessToken {
  return new AccessToken({
    value: 'secret',
    type: 'Bearer',
    expiresAt: new Date(0),
    scopes,
    missingScopes: [],
    issuer: 'https://as.example',
    resource: 'https://mcp.example/mcp',
    server: 'mcp',
    key: 'k',
  });
}

describe('scopesToAdd', () => {
  it('adds what the challenge wants and the configuration allows', () => {
    expect(scopesToAdd(['read', 'write'], token('read'), server(['read'], ['write']))).toEqual(['write']);
  });

  it('adds a configured scope that was not granted before', () => {
    expect(scopesToAdd(['write'], token('read'), server(['read', 'write'], []))).toEqual(['write']);
  });

  it('takes of a challenge that asks for every scope only what is inside the ceiling', () => {
    const everything = ['read', 'write', 'admin', ...Array.from({ length: 500 }, (_, index) => `scope-${index}`)];
    expect(scopesToAdd(everything, token('read'), server(['read'], ['write']))).toEqual(['write']);
  });

  it.each([
    ['a scope outside the ceiling', ['admin'], ['read'], ['write'], 'you'],
    ['a scope outside, where nothing is configured', ['admin'], undefined, [], 'you'],
    ['no scope at all', [], ['read'], ['write'], 'server-owner'],
    ['what the token has', ['read'], ['read'], ['write'], 'server-owner'],
  ] as const)('refuses a challenge for %s', (_name, challenged, scopes, stepUp, contact) => {
    expect(() => scopesToAdd(challenged, token('read'), server(scopes, stepUp))).toThrow(
      expect.objectContaining({ code: 'insufficient_scope', leg: 'call', contact }),
    );
  });
});
