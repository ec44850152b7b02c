import { describe, expect, it } from '@jest/globals';
import express from 'express';
import { loopback } from '../../../../test/support/roles/loopback.ts';
import { protectedResourceMetadata, type ProtectedResourceOptions } from './protected-resource-metadata.ts';

const metadata = protectedResourceMetadata({
  resource: 'https://mcp.example/team/mcp',
  authorizationServers: ['https://as.example'],
  scopesSupported: ['issues:read'],
});

describe('protectedResourceMetadata', () => {
  it('returns an RFC 9728 document', () => {
    expect(metadata.document).toEqual({
      resource: 'https://mcp.example/team/mcp',
      authorization_servers: ['https://as.example'],
      bearer_methods_supported: ['header'],
      scopes_supported: ['issues:read'],
    });
  });

  it('includes dpop_bound_access_tokens_required and the accepted algorithms of proofs', () => {
    const { document } = protectedResourceMetadata({
      resource: 'https://mcp.example',
      authorizationServers: ['https://as.example'],
      dpopBoundAccessTokensRequired: true,
      dpopSigningAlgorithms: ['ES256', 'EdDSA'],
    });
    expect(document).toMatchObject({
      dpop_bound_access_tokens_required: true,
      dpop_signing_alg_values_supported: ['ES256', 'EdDSA'],
    });
  });

  it('inserts the well-known name before the path of the resource', () => {
    expect(metadata.path).toBe('/.well-known/oauth-protected-resource/team/mcp');
    expect(metadata.url).toBe('https://mcp.example/.well-known/oauth-protected-resource/team/mcp');
    for (const resource of ['https://mcp.example', 'https://mcp.example/']) {
      const root = protectedResourceMetadata({ resource, authorizationServers: ['https://as.example'] });
      expect(root.path).toBe('/.well-known/oauth-protected-resource');
      expect(root.document.resource).toBe(resource);
    }
  });

  it('has a handler that responds to GET and HEAD from any origin', async () => {
    const response = metadata.handler(new Request(metadata.url));
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('content-type')).toBe('application/json');
    await expect(response.json()).resolves.toEqual(metadata.document);
    await expect(metadata.handler(new Request(metadata.url, { method: 'HEAD' })).text()).resolves.toBe('');
    expect(metadata.handler(new Request(metadata.url, { method: 'OPTIONS' })).status).toBe(204);
    expect(metadata.handler(new Request(metadata.url, { method: 'POST' })).status).toBe(405);
    expect(metadata.handler(new Request('https://mcp.example/other')).status).toBe(404);
  });

  it('lets a page of any origin send a preflight with the headers of MCP', () => {
    for (const name of ['Mcp-Protocol-Version', 'Authorization', 'Accept']) {
      const response = metadata.handler(new Request(metadata.url, { method: 'OPTIONS' }));
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(response.headers.get('access-control-allow-headers')).toContain(name);
    }
  });

  it('has a handler for Express, which passes the requests for another path', async () => {
    const server = await loopback();
    const app = express();
    app.use(metadata.express);
    app.use((_request, response) => void response.status(418).end());
    server.serve(app);
    try {
      const at = (path: string, method = 'GET') => fetch(`${server.origin}${path}`, { method });
      const response = await at(metadata.path);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(response.headers.get('content-type')).toBe('application/json');
      await expect(response.json()).resolves.toEqual(metadata.document);
      expect((await at(`${metadata.path}?a=1`, 'HEAD')).status).toBe(200);
      expect((await at(metadata.path, 'OPTIONS')).status).toBe(204);
      expect((await at(metadata.path, 'POST')).status).toBe(405);
      expect((await at('/other')).status).toBe(418);
    } finally {
      await server.close();
    }
  });

  it.each(['mcp', 'https://mcp.example/#x', ''])('refuses the resource "%s"', (resource) => {
    expect(() => protectedResourceMetadata({ resource, authorizationServers: ['https://as.example'] })).toThrow(
      'resource',
    );
  });

  it.each<[string, object]>([
    ['authorizationServers is empty', { authorizationServers: [] }],
    ['authorizationServers is not a list', { authorizationServers: 'https://as.example' }],
    ['authorizationServers is not a list', { authorizationServers: undefined }],
    ['scopesSupported is not a list', { scopesSupported: 'issues:read' }],
    ['scopesSupported is empty', { scopesSupported: [] }],
    ['dpopSigningAlgorithms is empty', { dpopSigningAlgorithms: [] }],
  ])('throws a TypeError for invalid options: %s', (message, more) => {
    const options = { resource: 'https://mcp.example', authorizationServers: ['https://as.example'], ...more };
    expect(() => protectedResourceMetadata(options as ProtectedResourceOptions)).toThrow(message);
  });
});
