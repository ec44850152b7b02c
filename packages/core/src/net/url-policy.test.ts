import { describe, expect, it } from '@jest/globals';
import type { NetworkTrust } from '@credence/protocol';
import { refusalOf } from '../../test-support/runtime.ts';
import { checkedConfiguredUrl, forbiddenAddress, peerUrl } from './url-policy.ts';

const CONFIGURED = { what: 'servers.linear.url', leg: 'configure', contact: 'you', server: 'linear' } as const;
const NAMED = { what: 'token_endpoint', leg: 'discover', contact: 'server-owner', server: 'linear' } as const;
const PUBLIC = new URL('https://mcp.linear.app/mcp');

const fromPeer = async (url: string, network: NetworkTrust = {}) =>
  peerUrl(url, NAMED, { fetch: async () => new Response(), network }, PUBLIC);

describe('a URL of the configuration', () => {
  it.each([
    ['http://mcp.linear.app/mcp', 'forbidden_url'],
    ['http://localhost.evil.example/', 'forbidden_url'],
    ['https://user:hunter2@mcp.linear.app/', 'forbidden_url'],
    ['https://user:hunter2 @mcp.linear.app/', 'invalid_configuration'],
    ['mcp.linear.app', 'invalid_configuration'],
    ['file:///etc/passwd', 'invalid_configuration'],
    ['https://mcp.linear.app/\n', 'invalid_configuration'],
  ])('%j is refused with %s, and the error names the option and contains no password', async (url, code) => {
    const error = await refusalOf(() => checkedConfiguredUrl(url, CONFIGURED, {}));
    expect(error).toMatchObject({ code, leg: 'configure', contact: 'you', server: 'linear' });
    expect(error.message).toContain('servers.linear.url');
    expect(error.message).not.toContain('hunter2');
  });

  it('is returned as a URL object if it is https, or if it is http and allowHttp is set', () => {
    expect(checkedConfiguredUrl('https://10.1.2.3/mcp', CONFIGURED, {}).hostname).toBe('10.1.2.3');
    expect(checkedConfiguredUrl('http://mcp.internal/mcp', CONFIGURED, { allowHttp: true }).protocol).toBe('http:');
  });
});

describe('a URL in the metadata of a peer', () => {
  it.each([
    ['https://10.0.0.1/token', 'a private address'],
    ['https://169.254.169.254/', 'a link-local address'],
    ['http://auth.linear.app/token', 'plain http'],
    ['https://user@auth.linear.app/token', 'a user name'],
  ])('%s is refused with forbidden_url, and the message contains the reason', async (url, why) => {
    const error = await refusalOf(fromPeer(url));
    expect(error).toMatchObject({ code: 'forbidden_url', leg: 'discover', contact: 'server-owner', server: 'linear' });
    expect(error.message).toContain('token_endpoint');
    expect(error.message).toContain(why);
  });

  it.each(['javascript:alert(1)', '/token', 'https://as.example/\r\nINFO forged'])(
    '%j is refused with invalid_response',
    async (url) => {
      const error = await refusalOf(fromPeer(url));
      expect(error).toMatchObject({ code: 'invalid_response', leg: 'discover' });
      expect(error.message).not.toMatch(/[\r\n]/u);
    },
  );

  it('is accepted with a private address if allowPrivateAddresses is set', async () => {
    expect((await fromPeer('https://10.9.9.9/token', { allowPrivateAddresses: true })).hostname).toBe('10.9.9.9');
  });
});

it('a name in metadata that resolves to a private address is refused with the contact of the peer and the option in the remedy', () => {
  const error = forbiddenAddress('private', NAMED, 'resolves to');
  expect(error).toMatchObject({ code: 'forbidden_url', retryable: false, contact: 'server-owner' });
  expect(error.message).toContain('resolves to a private address');
  expect(error.remedy).toContain('network.allowPrivateAddresses');
});
