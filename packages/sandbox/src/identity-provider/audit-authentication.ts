import { cleanText, GRANT_CLIENT_CREDENTIALS } from '@credence/protocol';
import type { default as Provider, errors, KoaContextWithOIDC } from 'oidc-provider';
import type { RecordDecision } from '../audit/audit-trail.ts';

export interface AuditAuthenticationOptions {
  issuer: string;
  principalOf: (clientId: string) => string;
  record: RecordDecision;
}

/** Records each request of a principal for a subject token (`client_credentials`), granted or denied. */
export function auditAuthentication(
  provider: Provider,
  { issuer, principalOf, record }: AuditAuthenticationOptions,
): void {
  const entry = ({ oidc: { client, params } }: KoaContextWithOIDC) => ({
    where: 'idp' as const,
    leg: 'authenticate' as const,
    issuer,
    principal: client && principalOf(client.clientId),
    server: undefined,
    requestedScopes: scopesOf(params?.['scope']),
  });
  provider.on('grant.success', (ctx: KoaContextWithOIDC) => {
    if (!isAuthentication(ctx)) return;
    const { requestedScopes, ...known } = entry(ctx);
    record({
      ...known,
      requestedScopes,
      grantedScopes: requestedScopes,
      granted: true,
      error: undefined,
      reason: 'The client proved that it is this principal.',
    });
  });
  provider.on('grant.error', (ctx: KoaContextWithOIDC, error: errors.OIDCProviderError) => {
    if (!isAuthentication(ctx)) return;
    // error_detail is recorded but not sent: the client gets only `invalid_client`
    const reason = cleanText(error.error_detail ?? error.error_description ?? error.message);
    record({ ...entry(ctx), grantedScopes: [], granted: false, error: error.error, reason });
  });
}

function isAuthentication(ctx: KoaContextWithOIDC): boolean {
  return ctx.oidc.params?.['grant_type'] === GRANT_CLIENT_CREDENTIALS;
}

function scopesOf(scope: unknown): string[] {
  return typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [];
}
