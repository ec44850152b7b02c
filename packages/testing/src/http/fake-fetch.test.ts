import { type ServicePrincipalOptions } from '@credence/core';
import { describe, expect, it } from '@jest/globals';
import { botWith, refusal, withoutNetwork, world } from '../../test-support/bots.ts';

withoutNetwork();

describe('the network', () => {
  it('is never reached: an unknown URL is refused at once with an error that names it', async () => {
    const idp = world();
    const options = idp.options('reporting-bot');
    const servers = { issues: { ...options.servers['issues'], url: 'https://mcp.linear.app/mcp' } };
    const error = await refusal(botWith({ ...options, servers } as ServicePrincipalOptions).token('issues'));
    expect(error.message).toContain('https://mcp.linear.app/.well-known/oauth-protected-resource/mcp');
    expect(error.remedy).toContain('https://issues.mcp.example');
    expect(error).toMatchObject({ code: 'invalid_configuration', contact: 'you', retryable: false });
    expect(idp.requests.some(({ url }) => url.includes('linear'))).toBe(false);
  });

  it('has only the URLs of the fake: another path of a known host is answered with 404', async () => {
    const idp = world();
    const { status } = await idp.fetch(new URL('https://idp.example/authorize?secret=1'));
    expect(status).toBe(404);
    expect(idp.requests).toMatchObject([{ leg: 'other', url: 'https://idp.example/authorize', status: 404 }]);
    expect((await idp.fetch(new Request('https://idp.example/jwks'))).status).toBe(200);
  });

  it('ends a request whose caller gives up', async () => {
    const idp = world();
    const stop = new AbortController();
    idp.next('discover').delay(new Promise(() => undefined));
    const waiting = idp.fetch('https://idp.example/jwks', { signal: stop.signal });
    stop.abort(new Error('given up'));
    await expect(waiting).rejects.toThrow('given up');
  });
});
