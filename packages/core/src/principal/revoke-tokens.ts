import { concurrencyLimiter } from '@credence/protocol';
import type { Directory } from '../discovery/directory.ts';
import type { TokenEndpoint } from '../discovery/token-endpoint.ts';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { peerUrl } from '../net/url-policy.ts';
import { revokeToken } from '../oauth/revocation.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ServerSettings } from '../settings/settings.ts';
import type { AccessToken } from '../tokens/access-token.ts';

/** The longest time that `close()` waits for revocations. */
const DEADLINE_MS = 5_000;
const MAX_CONCURRENT = 10;

/**
 * Revokes tokens at the authorization servers whose metadata has a `revocation_endpoint` (RFC 7009). Never throws. If tokens of a
 * server were not revoked, one warning is emitted.
 */
export async function revokeTokens(
  runtime: Runtime,
  directory: Directory,
  tokens: readonly { readonly token: AccessToken; readonly server: ServerSettings }[],
): Promise<void> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(tooLate()), DEADLINE_MS);
  const limited = concurrencyLimiter({ maxConcurrent: MAX_CONCURRENT, maxWaitMs: DEADLINE_MS });
  const failures = new Map<string, { count: number; error: unknown }>();
  try {
    await Promise.all(
      tokens.map(async ({ token, server }) => {
        try {
          await limited(async () => revoke(runtime, directory, token, server, deadline.signal), tooLate);
        } catch (error) {
          failures.set(server.name, { count: (failures.get(server.name)?.count ?? 0) + 1, error });
        }
      }),
    );
  } finally {
    clearTimeout(timer);
  }
  for (const [server, { count, error }] of failures) {
    runtime.emit({
      type: 'warning',
      code: 'revocation_failed',
      leg: 'redeem',
      server,
      message: `${count} ${count === 1 ? 'token' : 'tokens'} of server "${server}" could not be revoked.`,
      remedy: isCredenceError(error) ? `${error.message} ${error.remedy}` : 'The tokens are valid until they expire.',
    });
  }
}

async function revoke(
  runtime: Runtime,
  directory: Directory,
  { value, issuer }: AccessToken,
  server: ServerSettings,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const endpoint = await revocationEndpoint(runtime, directory, issuer, server, signal);
  if (endpoint)
    await revokeToken(runtime, { endpoint, credential: server.credential, token: value, server: server.name, signal });
}

async function revocationEndpoint(
  runtime: Runtime,
  directory: Directory,
  issuer: string,
  server: ServerSettings,
  signal: AbortSignal,
): Promise<TokenEndpoint | undefined> {
  const { metadata, configuredUrl } = await directory.authorizationServer(server, issuer, signal);
  if (metadata?.revocationEndpoint === undefined || configuredUrl === undefined) return undefined;
  const about = { leg: 'redeem', contact: 'server-owner', server: server.name, issuer } as const;
  const what = 'revocation_endpoint in the metadata';
  const { href } = await peerUrl(metadata.revocationEndpoint, { ...about, what }, runtime, configuredUrl);
  return { issuer, url: href, configuredUrl };
}

function tooLate(): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'redeem',
    message: `The revocation took longer than ${DEADLINE_MS / 1_000} s.`,
    remedy: 'The tokens are valid until they expire.',
    contact: 'server-owner',
    retryable: true,
  });
}
