import { describe, expect, it } from '@jest/globals';
import { withoutNetwork, world } from '../../test-support/bots.ts';
import { type FakeIdp } from '../fake-idp.ts';
import type { FakeIdpOptions } from './options.ts';

withoutNetwork();

describe('invalid options', () => {
  it.each<[string, unknown, string]>([
    ['no server', { servers: {} }, 'servers is empty'],
    ['a misspelt option', { refuze: [] }, 'unknown option "refuze"'],
    [
      'a misspelt option of a server',
      { servers: { issues: { tool: {} } } },
      'servers.issues has an unknown option "tool"',
    ],
    ['tools and a handler', { servers: { issues: { tools: {}, handler: () => undefined } } }, 'servers.issues.handler'],
    ['a tool without a handler', { servers: { issues: { tools: { list: 1 } } } }, 'servers.issues.tools.list'],
    ['a grant for an unknown server', { principals: { bot: { grants: { other: [] } } } }, 'the server "other"'],
    ['a refusal for an unknown server', { refuse: [{ server: 'other' }] }, 'the server "other"'],
    ['a refusal for an unknown principal', { refuse: [{ principal: 'other' }] }, 'the principal "other"'],
    ['a long-lived ID-JAG', { expire: { idJagSeconds: 3601 } }, 'expire.idJagSeconds'],
    ['a key that is none', { principals: { bot: { key: 'no key' } } }, 'principals.bot.key'],
    [
      'a secret and a key',
      { principals: { bot: { secret: 's', key: 'k' } } },
      'more than one of secret, key and isPublic',
    ],
    ['the issuer of the IdP', { servers: { issues: { issuer: 'https://idp.example' } } }, 'servers.issues.issuer'],
    ['one url twice', { servers: { a: { url: 'https://a/mcp' }, b: { url: 'https://a/mcp' } } }, 'have the same url'],
  ])('are refused: %s', (_what, options, message) => {
    const create = () => world(options as Partial<FakeIdpOptions>);
    expect(create).toThrow(message);
    expect(create).toThrow(expect.objectContaining({ code: 'invalid_configuration', contact: 'you' }));
  });

  it('do not show a key', () => {
    const jwk = { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', d: 'very-secret' };
    const principals = { 'reporting-bot': { key: jwk } };
    expect(() => world({ principals })).toThrow(
      'principals.reporting-bot.key is not a PEM, JWK, KeyObject or CryptoKey',
    );
    expect(() => world({ principals })).not.toThrow('very-secret');
  });

  it.each<[string, (idp: FakeIdp) => unknown]>([
    ['options', (idp) => idp.options('other')],
    ['options of an unknown server', (idp) => idp.options('reporting-bot', { other: {} })],
    ['next', (idp) => idp.next('call', { server: 'other' })],
    ['refuse', (idp) => idp.refuse({ server: 'other' })],
    ['revoke', (idp) => idp.revoke('other')],
  ])('of %s name what is unknown', (_method, use) => {
    expect(() => use(world())).toThrow('"other"');
  });
});
