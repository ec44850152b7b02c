import * as oauth from 'oauth4webapi';
import { SECRETS, type Target } from './targets.ts';

export interface RedeemOptions {
  readonly clientId?: string;
  readonly secret?: string;
  readonly grantType?: string;
  /** Further parameters; a name may occur several times. */
  readonly parameters?: readonly [string, string][];
  readonly dpop?: oauth.DPoPHandle;
  /** A DPoP proof to send instead of one made with `dpop`. */
  readonly proof?: string;
}

export interface Answer {
  readonly status: number;
  readonly cacheControl: string | null;
  readonly body: Record<string, unknown>;
}

/** Sends a token request with oauth4webapi, an OAuth client that is not part of this project. */
export async function redeem(
  target: Target,
  assertion: string | undefined,
  options: RedeemOptions = {},
): Promise<Answer> {
  const clientId = options.clientId ?? 'bot';
  const parameters = new URLSearchParams(options.parameters);
  if (assertion !== undefined) parameters.append('assertion', assertion);
  const response = await oauth.genericTokenEndpointRequest(
    { issuer: target.issuer, token_endpoint: target.tokenEndpoint },
    { client_id: clientId },
    oauth.ClientSecretBasic(options.secret ?? SECRETS[clientId] ?? ''),
    options.grantType ?? 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    parameters,
    {
      [oauth.allowInsecureRequests]: true,
      ...(options.dpop !== undefined && { DPoP: options.dpop }),
      [oauth.customFetch]: (
        url: string,
        { method, headers, body }: oauth.CustomFetchOptions<'POST', URLSearchParams>,
      ) =>
        target.fetch(url, {
          method,
          body,
          headers: { ...headers, ...(options.proof !== undefined && { dpop: options.proof }) },
        }),
    },
  );
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, cacheControl: response.headers.get('cache-control'), body };
}
