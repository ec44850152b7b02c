import { type ClientCredential, CredenceError, type WorkloadTokenSource } from '@credence/core';
import {
  boundedRequest,
  defaultFetch,
  type FetchUrl,
  GRANT_CLIENT_CREDENTIALS,
  parseJsonObject,
  stringField,
} from '@credence/protocol';

const LIMITS = { timeoutMs: 10_000, maxBytes: 128 * 1024 };

/**
 * The first of the two requests of Entra Agent ID: the blueprint requests a token for one of its agent identities (`fmi_path`). This
 * token is the client assertion of the agent identity.
 */
export function agentToken(options: {
  issuer: string;
  tokenEndpoint: string;
  blueprint: ClientCredential;
  agentId: string;
  /** The scope, which is the audience of federated credentials with `/.default`. */
  scope: string;
  fetch?: FetchUrl | undefined;
}): WorkloadTokenSource {
  const { issuer, tokenEndpoint, blueprint, agentId, scope, fetch = defaultFetch } = options;
  return {
    platform: 'Entra Agent ID',
    audience: 'fixed',
    renewable: true,
    local: false,
    claims: { iss: issuer, sub: 'the agent identity' },
    async getToken({ signal }) {
      const body = new URLSearchParams({ grant_type: GRANT_CLIENT_CREDENTIALS, scope, fmi_path: agentId });
      const headers = new Headers({ accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' });
      await blueprint.authenticate({ issuer, tokenEndpoint, body, headers, nowMs: Date.now() });
      const answer = await send(fetch, tokenEndpoint, { method: 'POST', headers, body: body.toString(), signal });
      const json = parseJsonObject(answer.text);
      const token = answer.status === 200 ? stringField(json, 'access_token') : undefined;
      if (token !== undefined && token !== '') return token;
      throw refused(answer.status, errorNumber(json?.['error_codes']));
    },
  };
}

async function send(fetch: FetchUrl, url: string, init: RequestInit): ReturnType<typeof boundedRequest> {
  try {
    return await boundedRequest(fetch, url, init, LIMITS);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw unavailable(
      'Entra sent no complete answer within the limits on time and size.',
      'Check the network of this machine; behind a proxy, set entra({ fetch }) to a fetch that uses it.',
      { retryable: true },
    );
  }
}

/** Entra states the number of its AADSTS code. Only a number is used: the other members are text of the peer. */
function errorNumber(codes: unknown): number | undefined {
  const [code] = Array.isArray(codes) ? (codes as unknown[]) : [];
  return typeof code === 'number' && Number.isSafeInteger(code) && code > 0 ? code : undefined;
}

function refused(status: number, code: number | undefined): CredenceError {
  return unavailable(
    `Entra answered the request of the blueprint with ${status}${code === undefined ? '' : ` (AADSTS${code})`}.`,
    'Check the client id and the credential of the blueprint, and that the agent identity belongs to it; login.microsoftonline.com/error explains the code.',
    { status, retryable: status === 429 || status >= 500 },
  );
}

/** `retryable`: the principal sends the request again, as it does for a failure of its own requests. */
function unavailable(
  message: string,
  remedy: string,
  details: { readonly status?: number; readonly retryable: boolean },
): CredenceError {
  return new CredenceError({
    code: 'credential_unavailable',
    leg: 'configure',
    message: `No token for the agent identity: ${message}`,
    remedy,
    contact: 'you',
    ...details,
  });
}
