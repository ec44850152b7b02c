/**
 * The URLs of a resource's metadata, in the order to request them: inserted between host and path (RFC 9728 section 3.1),
 * then without the path (MCP authorization specification).
 */
export function protectedResourceUrls(resource: URL): readonly string[] {
  const path = resource.pathname === '/' ? '' : resource.pathname.replace(/\/$/u, '');
  const root = `${resource.origin}/.well-known/oauth-protected-resource`;
  return path === '' ? [root] : [`${root}${path}${resource.search}`, root];
}

/**
 * The URLs of an issuer's metadata, in the order to request them: RFC 8414 section 3.1 (inserted before the path), then
 * the OpenID document inserted before the path, then appended to it (OpenID Connect Discovery section 4).
 */
export function authorizationServerUrls(issuer: URL): readonly string[] {
  const path = issuer.pathname === '/' ? '' : issuer.pathname.replace(/\/$/u, '');
  const urls = [
    `${issuer.origin}/.well-known/oauth-authorization-server${path}`,
    `${issuer.origin}/.well-known/openid-configuration${path}`,
    `${issuer.origin}${path}/.well-known/openid-configuration`,
  ];
  return [...new Set(urls)];
}
