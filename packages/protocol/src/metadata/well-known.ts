/** RFC 9728 section 3.1: inserted between host and path; then, as MCP has it, at the root. */
export function protectedResourceUrls(resource: URL): readonly string[] {
  const path = resource.pathname === '/' ? '' : resource.pathname.replace(/\/$/u, '');
  const root = `${resource.origin}/.well-known/oauth-protected-resource`;
  return path === '' ? [root] : [`${root}${path}${resource.search}`, root];
}

/** RFC 8414 section 3.1 inserted, OpenID's inserted, OpenID Connect Discovery section 4 appended. */
export function authorizationServerUrls(issuer: URL): readonly string[] {
  const path = issuer.pathname === '/' ? '' : issuer.pathname.replace(/\/$/u, '');
  const urls = [
    `${issuer.origin}/.well-known/oauth-authorization-server${path}`,
    `${issuer.origin}/.well-known/openid-configuration${path}`,
    `${issuer.origin}${path}/.well-known/openid-configuration`,
  ];
  return [...new Set(urls)];
}
